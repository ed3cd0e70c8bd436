"""Fine filter: a Gaussian's record to a splat on the group's pixels, or nothing.

The stages are modules of the same names as the RTL's blocks. Widths and formats: docs/splat.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from golden.splat.coarse_filter import Candidates
from golden.splat.color import color
from golden.splat.conic import conic
from golden.splat.covariance import covariance, scales
from golden.splat.depth_key import sort_key
from golden.splat.extents import extents, slant_extent
from golden.splat.frame import Frame, Group
from golden.splat.projection import projection, scaled_centre
from golden.splat.scene_image import SceneImage
from golden.splat.slant import slant
from golden.splat.spec import Spec
from golden.splat.touch import tiles, touch
from golden.splat.view_rotation import view_rotation


@dataclass(frozen=True, kw_only=True)
class Splats:
    """What the rasteriser needs of a Gaussian, in arrival order; int64 codes."""

    place: Tensor  # [M] place in the scene image
    depth: Tensor  # [M] sort key
    rank: Tensor  # [M] place in the file, by which equal keys are ordered
    mean: Tensor  # [M, 2] relative to the group's corner, centre_format …
    mean_exponent: Tensor  # [M] … times 2**mean_exponent
    conic: Tensor  # [M, 3] mantissas of ½·log2(e)·(a, b, c), mantissa_bits (b signed)
    conic_shift: Tensor  # [M] value = mantissa · 2**-shift
    opacity: Tensor  # [M] -log2
    color: Tensor  # [M, 3] color_format
    slant: Tensor  # [M] the splat's direction of `SLANTS`
    touch: Tensor  # [M, 5, 2] ranges of the sub-tiles that the support can touch, see `touch` …
    mask: Tensor  # [M, columns²] bool, … and these sub-tiles, row by row

    def __len__(self) -> int:
        return len(self.place)

    def select(self, kept: Tensor) -> Splats:
        return Splats(**{f.name: getattr(self, f.name)[kept] for f in fields(self)})


def fine_filter(candidates: Candidates, image: SceneImage, frame: Frame, group: Group, spec: Spec) -> Splats:
    """Projects the coarse filter's survivors and keeps those whose support touches a sub-tile."""
    place = candidates.place
    opacity = torch.from_numpy(image.opacity)[place]
    p = projection(candidates.point, frame, group, spec)
    rotation = view_rotation(torch.from_numpy(image.quaternion)[place], frame, spec)
    scale, scale_exponent = scales(torch.from_numpy(image.scale)[place], spec)
    cov, doublings = covariance(rotation, scale, scale_exponent, p, frame, spec)
    mantissas, shift, positive = conic(cov, doublings, spec)
    direction = slant(cov)
    across = slant_extent(cov, doublings, opacity, direction, spec)
    ranges = touch(p.mean, extents(cov, doublings, opacity, spec), direction, across, group, spec)
    mask = tiles(ranges, direction, spec)
    centre, centre_exponent = scaled_centre(p.mean, spec)
    splats = Splats(
        place=place,
        depth=sort_key(candidates.point[:, 2], frame, spec),
        rank=torch.from_numpy(image.rank)[place],
        mean=centre,
        mean_exponent=centre_exponent,
        conic=mantissas,
        conic_shift=shift,
        opacity=opacity,
        color=color(
            candidates.relative,
            torch.from_numpy(image.dc)[place],
            torch.from_numpy(image.sh_exponent)[place],
            torch.from_numpy(image.sh)[place],
            spec,
        ),
        slant=direction,
        touch=ranges,
        mask=mask,
    )
    return splats.select(positive & mask.any(-1))
