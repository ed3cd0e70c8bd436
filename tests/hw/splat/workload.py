"""A small frame, and what every stream of the engine carries when it is drawn.

Payloads leave out the fields that mean nothing: those of a Gaussian where there is none, the bound
where no voxel begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from golden.splat.coarse_filter import Candidates, coarse_filter, voxel_fetch
from golden.splat.depth_key import sort_key
from golden.splat.depth_sort import depth_sort
from golden.splat.fine_filter import Splats, fine_filter
from golden.splat.frame import Group
from golden.splat.memory_image import MemoryImage, aligned_first, build_memory_image
from golden.splat.memory_map import COARSE_BYTES, coarse_half, record, record_bytes
from golden.splat.spec import RANGES, TINY, Spec
from golden.splat.vsu import voxel_origins
from hw.splat.coarse_lane import SLOPES
from tests.golden.splat.rows import Row, groups_of, header_of, row
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import View, made
from tests.hw.splat.datapath import Payload


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A view in memory, and the model's answers group by group."""

    view: View
    memory: MemoryImage
    header: Row
    entries: list[Row]  # group table

    @property
    def content(self) -> bytes:
        return self.memory.data.tobytes()

    @property
    def groups(self) -> tuple[Group, ...]:
        return self.view.frame.groups

    def index(self, place: int) -> int:
        """The number in memory of the Gaussian at a place of the scene image."""
        grid = self.view.image.grid
        voxel = int((grid.first <= place).sum()) - 1
        return int(aligned_first(self.view.image)[voxel]) + place - int(grid.first[voxel])

    def visits(self, group: Group) -> list[Payload]:
        v = self.view
        relative, origin = voxel_origins(v.image, v.frame, v.spec)
        bounds = sort_key(torch.from_numpy(group.depths), v.frame, v.spec).tolist()
        first = aligned_first(v.image)
        voxels = [
            {
                "relative": relative[number].tolist(),
                "origin": origin[number].tolist(),
                "bound": bound,
                "first": int(first[number]),
                "count": int(v.image.grid.count[number]),
                "end": 0,
            }
            for number, bound in zip(group.voxels, bounds, strict=True)
        ]
        return [*voxels, {"end": 1}]

    def half(self, index: int) -> Row:
        """A coarse half, as it lies in memory."""
        address = self.header["coarse_address"] + index * COARSE_BYTES
        return row(self.memory.data, coarse_half(self.view.spec), address, COARSE_BYTES)

    def record(self, index: int) -> Row:
        """A record, as it lies in memory."""
        degree = self.header["sh_degree"]
        size = record_bytes(degree)
        return row(self.memory.data, record(self.view.spec, degree), self.header["record_address"] + index * size, size)

    def candidates(self, group: Group, lanes: int = 1) -> list[tuple[Payload, int]]:
        """What the coarse filter sends on, each with its place in the scene image, and the end.

        A voxel's mark goes with the first survivor of its first row of `lanes`, or alone.
        """
        v = self.view
        streamed, visit = voxel_fetch(v.image, v.frame, group, v.spec)
        kept = coarse_filter(streamed, v.image, v.frame, group, v.spec)
        bounds = sort_key(torch.from_numpy(group.depths), v.frame, v.spec).tolist()
        result: list[tuple[Payload, int]] = []
        for voxel, bound in enumerate(bounds):
            here = torch.nonzero(visit == voxel)[:, 0].tolist()
            begin = {"begin": 1, "bound": bound, "end": 0}
            chosen = [n for n in here if kept[n]]
            if not bool(kept[here[:lanes]].any()):
                result.append(({"mark": {"some": 0, **begin}}, -1))
                begin = {"begin": 0, "end": 0}
            for n in chosen:
                payload = {
                    "mark": {"some": 1, **begin},
                    "index": self.index(int(streamed.place[n])),
                    "rank_low": int(v.image.grid.order[streamed.place[n]]) & 31,
                    "point": streamed.point[n].tolist(),
                    "relative": streamed.relative[n].tolist(),
                }
                result.append((payload, int(streamed.place[n])))
                begin = {"begin": 0, "end": 0}
        return [*result, ({"mark": {"some": 0, "begin": 0, "end": 1}}, -1)]

    def survivors(self, group: Group, lanes: int = 1) -> list[Payload]:
        """What the fine filter sends on, of what `lanes` coarse lanes sent."""
        return [s for s in self.filtered(group, lanes) if any(s["mark"][name] for name in ("some", "begin", "end"))]

    def filtered(self, group: Group, lanes: int = 1) -> list[Payload]:
        """What the fine filter finds for each payload that it gets."""
        v = self.view
        chosen = self.candidates(group, lanes)
        place = torch.tensor([p for _, p in chosen if p >= 0], dtype=torch.int64)
        points = torch.tensor([c["point"] for c, p in chosen if p >= 0], dtype=torch.int64).reshape(-1, 3)
        relatives = torch.tensor([c["relative"] for c, p in chosen if p >= 0], dtype=torch.int64).reshape(-1, 3)
        candidates = Candidates(place=place, point=points, relative=relatives)
        splats = fine_filter(candidates, v.image, v.frame, group, v.spec)
        number = {place: n for n, place in enumerate(splats.place.tolist())}
        drawn, touch = splat_payloads(splats), touch_payloads(splats)
        result: list[Payload] = []
        for candidate, place in chosen:
            mark = candidate["mark"]
            if place in number:
                n = number[place]
                order = {"depth": int(splats.depth[n]), "rank": int(splats.rank[n])}
                result.append({"mark": mark, **order, "touch": touch[n], "splat": drawn[n]})
            else:
                result.append({"mark": mark | {"some": 0}})
        return result

    def drawn(self, group: Group, spec: Spec | None = None) -> list[Payload]:
        """What the depth sort sends on."""
        return sorted_payloads(self.sorted_splats(group, spec))

    def sorted_splats(self, group: Group, spec: Spec | None = None) -> Splats:
        """The splats in drawing order, with the view's buffer or that of another `spec`."""
        v = self.view
        streamed, visit = voxel_fetch(v.image, v.frame, group, v.spec)
        kept = coarse_filter(streamed, v.image, v.frame, group, v.spec)
        arrival = dict(zip(streamed.place[kept].tolist(), visit[kept].tolist(), strict=True))
        splats = fine_filter(streamed.select(kept), v.image, v.frame, group, v.spec)
        visits = torch.tensor([arrival[place] for place in splats.place.tolist()], dtype=torch.int64)
        bounds = sort_key(torch.from_numpy(group.depths), v.frame, v.spec)
        left = depth_sort(splats.depth, splats.rank, visits, bounds, spec or v.spec, cuts=False)
        return splats.select(left.order)


def sorted_payloads(splats: Splats) -> list[Payload]:
    """The stream into the rasteriser: the splats of a group, and its end."""
    both = zip(touch_payloads(splats), splat_payloads(splats), strict=True)
    return [*({"end": 0, "touch": touch, "splat": splat} for touch, splat in both), {"end": 1}]


def paired(candidates: list[Payload], together: int = 2) -> list[Payload]:
    """The candidates as two fine units get them, of `together` neighbours any two behind one another.

    Of two that is an odd one with the even one before it; with codebooks a partner says how far behind it is.
    """
    result: list[Payload] = []
    for candidate in candidates:
        last = result[-1] if result else {}
        alone = last.get("mark", {}).get("some") and not last["partner"]["there"]
        if candidate["mark"]["some"] and alone and last["index"] // together == candidate["index"] // together:
            last["partner"] = {"there": 1, **{name: candidate[name] for name in ("rank_low", "point", "relative")}}
            last["partner"] |= {"behind": candidate["index"] - last["index"]} if together > 2 else {}
        else:
            result.append(candidate | {"partner": {"there": 0}})
    return result


def group_inputs(group: Group) -> Row:
    """What the coarse lanes know of a group."""
    return {**dict(zip(SLOPES, group.slopes, strict=True)), "low": group.low, "high": group.high}


def slab_of(view: View, group: Group) -> Group:
    """The middle third of the group's Gaussians by depth; both ends are depths of Gaussians."""
    depth = view.streamed(group).point[:, 2]
    depth = depth[depth > view.frame.near].sort().values
    return replace(group, low=int(depth[len(depth) // 3]), high=int(depth[2 * len(depth) // 3]))


def splat_payloads(splats: Splats) -> list[Payload]:
    """SplatLayout's members."""
    return [
        {
            "mean": splats.mean[n].tolist(),
            "mean_exponent": int(splats.mean_exponent[n]),
            "conic": splats.conic[n].tolist(),
            "conic_shift": int(splats.conic_shift[n]),
            "opacity": int(splats.opacity[n]),
            "color": splats.color[n].tolist(),
        }
        for n in range(len(splats))
    ]


def touch_payload(ranges: list[list[int]], direction: int) -> Payload:
    """TouchLayout's members: ranges by `RANGES`."""
    ends = {name: {"first": first, "last": last} for name, (first, last) in zip(RANGES, ranges, strict=True)}
    return {**ends, "direction": direction}


def touch_payloads(splats: Splats) -> list[Payload]:
    """TouchLayout's members."""
    return [
        touch_payload(ranges, direction)
        for ranges, direction in zip(splats.touch.tolist(), splats.slant.tolist(), strict=True)
    ]


def mask_bits(mask: torch.Tensor) -> int:
    """Sub-tile 0 is bit 0."""
    return sum(int(bit) << k for k, bit in enumerate(mask.tolist()))


def workload_of(view: View) -> Workload:
    memory = build_memory_image(view.image, view.frame, view.spec)
    return Workload(view=view, memory=memory, header=header_of(memory.data), entries=groups_of(memory.data))


@cache
def workload(spec: Spec = TINY) -> Workload:
    """Some hundred Gaussians on six groups of 16×16 pixels, the right and the lower ones in part off the image."""
    scene = random_scene(11, 400, degree=spec.sh_degree, thinnest=0.01, widest=0.1)
    pose = np.eye(4)
    pose[:3, :3] = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    pose[:3, :3] *= np.sign(np.linalg.det(pose[:3, :3]))
    pose[:3, 3] = [0.03, -0.02, 4]
    camera = replace(camera_at(size=(40, 22), focal=34.0), world_to_camera=pose)
    return workload_of(made(scene, camera, spec))
