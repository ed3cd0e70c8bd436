"""A frame drawn to its end, with what the record registers saw: all that asking a cache needs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.chips.lumina.recorder import Recorder
from golden.splat.frame import Frame
from golden.splat.model import Work, render_group, untile
from golden.splat.scene_image import SceneImage
from golden.splat.spec import Spec
from golden.threads import undivided_operators


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Every region's pixels, row by row: [R, P] and more."""

    ids: Tensor  # [R, P, length] of the first significant Gaussians, see `Recorder`
    weight: Tensor  # [R, P, length]
    color: Tensor  # [R, P, length, 3] color_format
    touch: Tensor  # [R, P, length] touches of the sub-tile up to this Gaussian's
    met: Tensor  # [R, P] significant Gaussians
    touches: Tensor  # [R, P] of the sub-tile before the pixel was done
    final_color: Tensor  # [R, P, 3] accumulator_format
    final_light: Tensor  # [R, P] transmittance
    work: Work


@undivided_operators()
def draw(image: SceneImage, frame: Frame, spec: Spec, length: int) -> Drawn:
    """Draws every square to its end and takes down each pixel's first `length` significant Gaussians.

    Includes pixels beyond the image in sub-tiles that lie on it in part.
    """
    work, parts = Work(), []
    pixels, recorder = None, None
    for group in frame.groups:
        recorder = recorder or Recorder(spec, length)
        pixels = render_group(image, frame, group, spec, work, pixels, watch=recorder).pixels
        if group.continued:
            continue
        kept = vars(recorder) | {"final_color": pixels.color, "final_light": pixels.transmittance}
        parts.append({name: _rows(value, spec) for name, value in kept.items()})
        pixels, recorder = None, None
    return Drawn(work=work, **{name: torch.stack([part[name] for part in parts]) for name in parts[0]})


def _rows(tiles: Tensor, spec: Spec) -> Tensor:
    """[sub-tiles, lanes, …] to [P, …], the square's pixels row by row."""
    flat = untile(tiles.flatten(2) if tiles.ndim > 2 else tiles[..., None], spec).flatten(0, 1)
    return flat.reshape(len(flat), *tiles.shape[2:])
