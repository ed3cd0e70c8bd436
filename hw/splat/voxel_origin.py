"""A voxel's corner in camera space, and the sort key of its near bound."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import CAMERA_FRACTION, Spec
from hw.lib.fixed import resize, shape_of
from hw.lib.paced import in_turn, paced_pipe, turn_port, turns
from hw.lib.pipe import Staged
from hw.lib.tree import add_all
from hw.splat.depth_key import depth_key
from hw.splat.layouts import INDEX_WIDTH, OwnLayout, VisitLayout
from hw.splat.row_layouts import header_layout, voxel_layout


class VoxelOrigin(wiring.Component):
    """relative = index - camera, origin = W·relative, bound = sort key of the list's depth.

    Latency 4 cycles, one voxel a cycle; 9 multipliers of 32×12. Once in 4 cycles: 6 cycles and 3 of them. An `end`
    passes unchanged, and where visits are `shared` what a list in drawing order says beside.
    """

    def __init__(self, *, spec: Spec, shared: bool = False, interval: int = 1) -> None:
        self.spec, self.shared, self.interval = spec, shared, interval
        self.latency = max(4, 3 + turns(3, interval))
        own = {"own": OwnLayout(spec)} if shared else {}
        super().__init__(
            {
                **turn_port(interval),
                #: a list entry, or the group's end
                "i": In(data.StructLayout({"voxel": voxel_layout(), "end": 1, **own})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(VisitLayout(spec, shared=shared)),  #: `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        spec = self.spec
        coordinate = shape_of(spec.camera_format)
        rotation = spec.rotation_format
        voxel = p.source(self.i.voxel, "voxel")
        rows = [
            [
                p.constant(self.frame[f"rotation_{row}{k}"][: rotation.width].as_signed(), f"rotation_{row}{k}")
                for k in range(3)
            ]
            for row in range(3)
        ]
        relative = [
            p.stage(
                lambda v, a=a: resize(
                    v[f"index_{a}"].shift_left(CAMERA_FRACTION) - self.frame[f"position_{a}"], coordinate
                ),
                voxel,
                name=f"relative_{a}",
            )
            for a in "xyz"
        ]

        def along(*operands: Any) -> Staged:
            *items, row = operands
            products = [
                term
                for k, (item, factor) in enumerate(zip(items[:3], items[3:], strict=True))
                for term in p.parted_product(item, factor, name=f"product_{row}{k}")
            ]
            return p.stage(
                lambda *t: resize(add_all(t).shift_right(rotation.fraction), coordinate),
                *products,
                name=f"origin_{row}",
            )

        origin = in_turn(p, along, [(*relative, *factors) for factors in rows], "012")
        bound = depth_key(p, Staged(voxel.value.depth, 0, "depth"), spec, name="bound")
        p.finish(
            self.o,
            self.latency,
            relative=p.join(relative, "relative"),
            origin=p.join(origin, "origin"),
            bound=bound,
            first=Staged(voxel.value.first[:INDEX_WIDTH], 0, "first"),
            count=Staged(voxel.value["count"], 0, "count"),
            end=p.source(self.i.end, "end"),
            **({"own": p.source(Value.cast(self.i.own), "own")} if self.shared else {}),
        )
        return m
