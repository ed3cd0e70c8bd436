"""A candidate to an entry of a list in drawing order, with the key that it is sorted by."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import CAMERA_FRACTION, Spec
from hw.lib.pipe import Pipe, Staged
from hw.splat.depth_key import depth_key
from hw.splat.layouts import DetailLayout, SurvivorLayout
from hw.splat.row_layouts import header_layout, ordered_layout


def carried(payload: Value) -> Value:
    """The bits of a survivor or a sorted splat in which an entry travels in place of a splat."""
    return Cat(Value.cast(payload.touch), Value.cast(payload.splat))


class OrderEntry(wiring.Component):
    """The entry of `golden.splat.order_image.pack_order`, carried as a survivor that nothing has filtered.

    Its voxel and its offset are the centre from the camera plus the camera's own place. Latency 5 cycles, one candidate
    a cycle; marks travel along.
    """

    latency = 5

    def __init__(self, *, spec: Spec, units: int = 1) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(DetailLayout(spec, units, writes=True)),  #: a candidate with its record, without a partner
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is sorted
                "o": Out(SurvivorLayout(spec)),  #: 5 cycles later, an entry in place of touch and splat
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.spec
        behind = p.stage(lambda z: z - self.frame.near, p.source(self.i.point[2], "z"), name="behind")
        width = 16 + CAMERA_FRACTION
        places = [
            p.stage(
                lambda r, axis=axis: (r + self.frame[f"position_{axis}"])[:width],
                p.source(self.i.relative[k], f"relative_{axis}"),
                name=f"place_{axis}",
            )
            for k, axis in enumerate("xyz")
        ]
        codes = {"number": p.source(self.i.number, "number"), "radius": p.source(self.i.radius, "radius")}
        for axis, place in zip("xyz", places, strict=True):
            offset = place.value[CAMERA_FRACTION - spec.position_bits : CAMERA_FRACTION]
            codes[f"index_{axis}"] = Staged(place.value[CAMERA_FRACTION:], place.stage, f"index_{axis}")
            codes[f"offset_{axis}"] = Staged(offset, place.stage, f"offset_{axis}")
        depth = depth_key(p, behind, spec, name="depth")
        if depth.stage != self.latency:
            raise ValueError(f"the datapath takes {depth.stage} cycles, its stated latency is {self.latency}")
        entry = Signal(ordered_layout())
        ranks = (self.i.rank_low, "rank_low"), (self.i.record.rank, "rank_high")
        rank = p.join([p.source(value, name) for value, name in ranks], "rank")
        m.d.comb += [
            *(Value.cast(entry[name]).eq(p.at(code, self.latency)) for name, code in codes.items()),
            self.o.mark.eq(p.at(p.source(self.i.mark, "mark"), self.latency)),
            self.o.depth.eq(p.at(depth, self.latency)),
            self.o.rank.eq(p.at(rank, self.latency)),
            carried(self.o).eq(Value.cast(entry)),
        ]
        return m
