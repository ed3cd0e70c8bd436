"""A small frame with lists in drawing order, and what its streams carry before the coarse filter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from golden.rows import Bytes
from golden.scenes import Camera
from golden.splat.coarse_filter import coarse_filter, voxel_fetch
from golden.splat.frame import build_frame
from golden.splat.memory_image import build_memory_image
from golden.splat.memory_map import GROUP, GROUP_BYTES, LINE_BYTES, ORDERED_DROP, VOXEL_BYTES
from golden.splat.shared_order import SharedOrder, sort_squares
from golden.splat.slabs import whole_square
from golden.splat.spec import TINY, Spec
from golden.splat.vsu import voxel_origins
from tests.golden.splat.rows import groups_of, header_of
from tests.hw.splat.datapath import Payload
from tests.hw.splat.workload import Workload, workload

MARGIN = 2  # pixels


@dataclass(frozen=True, kw_only=True)
class OrderedWorkload(Workload):
    """A view whose lists were sorted at another pose."""

    order: SharedOrder

    def listed(self, square: int) -> list[Payload]:
        """The visits of a square's list, and its end."""
        v = self.view
        relative, origin = voxel_origins(v.image, v.frame, v.spec)
        voxels = np.repeat(np.arange(len(v.image.grid)), v.image.grid.count)
        visits = [
            {
                "relative": relative[voxels[place]].tolist(),
                "origin": origin[voxels[place]].tolist(),
                "first": self.index(place),
                "count": 1,
                "end": 0,
                "own": {
                    **{f"offset_{axis}": int(v.image.offset[place, k]) for k, axis in enumerate("xyz")},
                    "radius": int(v.image.radius[place]) >> ORDERED_DROP,
                },
            }
            for place in self.order.places[square].tolist()
        ]
        return [*visits, {"end": 1}]

    def rows(self, square: int) -> list[Payload]:
        """The rows of a square's list: each a Gaussian on lane 0, with its coarse half but for what the list lacks."""
        rows: list[Payload] = []
        for visit in self.listed(square):
            if visit["end"]:
                rows.append({"visit": {"end": 1}, "begin": 0, "mask": 0})
                continue
            half = self.half(visit["first"])
            half |= {"radius": half["radius"] | (1 << ORDERED_DROP) - 1, "rank_low": 0}
            corner = {name: visit[name] for name in ("relative", "origin", "end")}
            rows.append({"visit": corner, "begin": 0, "index": visit["first"], "mask": 1, "halves": {0: half}})
        return rows

    def passed(self, square: int) -> list[Payload]:
        """What of a square's list passes the coarse test, and its end."""
        v = self.view
        group = whole_square(v.frame.groups[square], v.spec)
        streamed, _ = voxel_fetch(v.image, v.frame, replace(group, voxels=np.arange(len(v.image.grid))), v.spec)
        listed = streamed.select(torch.argsort(streamed.place)[self.order.places[square]])
        rounded = replace(v.image, radius=v.image.radius | (1 << ORDERED_DROP) - 1)
        kept = listed.select(coarse_filter(listed, rounded, v.frame, group, v.spec))
        candidates = [
            {
                "mark": {"some": 1, "begin": 0, "end": 0},
                "index": self.index(place),
                "point": kept.point[n].tolist(),
                "relative": kept.relative[n].tolist(),
            }
            for n, place in enumerate(kept.place.tolist())
        ]
        return [*candidates, {"mark": {"some": 0, "begin": 0, "end": 1}}]


def turned(camera: Camera, radians: float) -> Camera:
    """The camera turned about its own vertical axis."""
    turn = np.eye(4)
    turn[[0, 0, 2, 2], [0, 2, 0, 2]] = np.cos(radians), np.sin(radians), -np.sin(radians), np.cos(radians)
    return replace(camera, world_to_camera=turn @ camera.world_to_camera)


@cache
def ordered_workload(spec: Spec = TINY) -> OrderedWorkload:
    """That of `workload` by the order of a view that is turned by a degree; the second square's list is empty."""
    view = workload(spec).view
    before = build_frame(view.image, turned(view.camera, np.radians(1)), spec)
    places = sort_squares(view.image, before, spec, MARGIN).places
    order = SharedOrder(places=[places[0], torch.tensor([], dtype=torch.int64), *places[2:]])
    memory = build_memory_image(view.image, view.frame, spec, order=order)
    header, entries = header_of(memory.data), groups_of(memory.data)
    return OrderedWorkload(view=view, memory=memory, header=header, entries=entries, order=order)


def redirect(data: Bytes, head: int, lists: int) -> None:
    """Lets a frame's groups find their lists where another frame writes them; what the host wrote is wiped out."""
    table = header_of(data, head)["group_address"]
    place = {field.name: sum(f.width for f in GROUP[:k]) // 8 for k, field in enumerate(GROUP)}["list_address"]
    for k, group in enumerate(groups_of(data, head)):
        size = group["list_count"] * VOXEL_BYTES
        data[group["list_address"] :][:size] = 0xA5
        at = table + k * GROUP_BYTES + place
        data[at : at + 4] = np.frombuffer(lists.to_bytes(4, "little"), np.uint8)
        lists += -(-size // LINE_BYTES) * LINE_BYTES
