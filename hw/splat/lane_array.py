"""All pixel lanes of a sub-tile, with the inputs that they share."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Member, Out

from golden.splat.spec import Spec
from hw.lib.pipe import Pipe, Staged
from hw.lib.shared import repeat
from hw.lib.tree import add_all
from hw.splat.exponent import interpolation
from hw.splat.lane_steps import lane_steps
from hw.splat.pixel_bytes import pixel_width
from hw.splat.pixel_lane import PASSES, POWER, QUAD, STORE, WRITE, PixelLane
from hw.splat.quad_check import QuadCheck
from hw.splat.raster_setup import PowerTermsLayout, cross_factors
from hw.splat.watch import WatchedLayout, id_bits


class OperationLayout(data.StructLayout):
    """What the lanes do in a cycle: `draw` or `flush` sub-tile `place` of `places`, or nothing."""

    def __init__(self, places: int) -> None:
        super().__init__(
            {
                "draw": 1,  #: blend a splat
                "flush": 1,  #: hand the pixels out and start anew
                "place": range(places),  #: number of the sub-tile
            }
        )


def lane_ports(spec: Spec, places: int, *, watched: bool = False) -> dict[str, Member]:
    """Of all lanes of a sub-tile, to and from their dispatcher; latencies are `LaneArray`'s, others may take longer."""
    place, pixels = range(places), spec.lanes * pixel_width(spec, as_bytes=watched)
    identity = {
        "id": id_bits(watched),  #: of the splat
    }
    return {
        #: an operation, and the splat that it draws
        "i": In(
            data.StructLayout(
                {
                    "operation": OperationLayout(places),  #: none is refused
                    "terms": PowerTermsLayout(spec),  #: -log2(alpha) on the sub-tile
                    "color": data.ArrayLayout(spec.color_format.width, 3),  #: red, green, blue
                    **(identity if watched else {}),
                }
            )
        ),
        #: 10 cycles after a draw, `interpolation` later with lines; `done`: all pixels of the sub-tile are;
        #: `changed`: so many pixels have changed in this cycle, 0 where none was drawn
        "drawn": Out(data.StructLayout({"valid": 1, "place": place, "done": 1, "changed": range(spec.lanes + 1)})),
        #: 11 cycles after a flush, or so much later: pixel after pixel, bytes where somebody watches, else its state
        "flushed": Out(data.StructLayout({"valid": 1, "place": place, "pixels": pixels})),
    }


class LaneArray(wiring.Component):
    """`subtile`² pixel lanes with the state of `places` sub-tiles; lane y·subtile + x is pixel (x, y).

    One operation a cycle, two on one sub-tile at least 2 cycles apart.
    """

    def __init__(self, *, spec: Spec, places: int, watched: bool = False) -> None:
        self.spec, self.places, self.observed = spec, places, watched
        watch = {
            "watched": Out(WatchedLayout(spec, places)),  #: 9 cycles after an operation, or so much later: what it did
        }
        super().__init__({**lane_ports(spec, places, watched=watched), **(watch if watched else {})})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.spec
        operation, terms = self.i.operation, self.i.terms
        lanes = repeat(
            m,
            platform,
            "pixel_lane",
            spec.lanes,
            lambda: PixelLane(spec=spec, places=self.places, as_bytes=self.observed),
        )

        if spec.alpha_check != "pixel":
            self._check_blocks(m, platform, p, lanes)
        steps = lane_steps(
            m, p, spec, draw=operation.draw, flush=operation.flush, place=operation.place, color=self.i.color
        )
        draw, flush, place = steps.draw, steps.flush, steps.place
        factors = cross_factors(spec)
        for k, lane in enumerate(lanes):
            y, x = divmod(k, spec.subtile)
            m.d.comb += [
                lane.row.eq(terms.row[y]),
                lane.column.eq(terms.column[x]),
                lane.cross.eq(terms.cross[factors.index(x * y)]),
                lane.draw.eq(operation.draw & ~terms.far),
                *(getattr(lane, name).eq(value) for name, value in steps.inputs.items()),
            ]
        all_done = p.stage(
            lambda *v: Cat(*v).all(), *(Staged(lane.done, WRITE, "done") for lane in lanes), name="all_done"
        )
        changed = p.stage(
            lambda *v: add_all(list(v)), *(Staged(lane.changed, WRITE + 1, "changed") for lane in lanes), name="changed"
        )
        m.d.comb += self.drawn.changed.eq(Mux(self.drawn.valid, changed.value, 0))
        m.d.sync += [
            self.drawn.valid.eq(draw[WRITE + 1]),
            self.drawn.place.eq(p.at(place, WRITE + 1)),
            self.drawn.done.eq(all_done.value),
            self.flushed.valid.eq(flush[STORE]),
            self.flushed.place.eq(p.at(place, STORE)),
            self.flushed.pixels.eq(Cat(lane.pixel for lane in lanes)),
        ]
        if self.observed:
            identity = p.source(p.at(p.source(self.i.id, "splat_id"), interpolation(spec)), "id")
            done = Staged(Cat(lane.done for lane in lanes), WRITE, "lanes_done")
            m.d.comb += [
                self.watched.draw.eq(draw[WRITE + 1]),
                self.watched.flush.eq(flush[WRITE + 1]),
                self.watched.place.eq(p.at(place, WRITE + 1)),
                self.watched.id.eq(p.at(identity, WRITE + 1)),
                self.watched.changed.eq(Cat(lane.changed for lane in lanes)),
                self.watched.done.eq(p.at(done, WRITE + 1)),
            ]
        return m

    def _check_blocks(self, m: Module, platform: object, p: Pipe, lanes: list[PixelLane]) -> None:
        """Every 2×2 block of lanes gets its check."""
        spec = self.spec
        bend = p.source(self.i.terms.bend, "bend") if spec.alpha_check == "quad_centre" else None
        checks = repeat(m, platform, "quad_check", spec.lanes // 4, lambda: QuadCheck(spec=spec))
        for k, check in enumerate(checks):
            y, x = divmod(k, spec.subtile // 2)
            first = 2 * (y * spec.subtile + x)
            block = [lanes[first + n] for n in (0, 1, spec.subtile, spec.subtile + 1)]
            if bend is None:
                drawn = p.unit(check, passes=Staged(Cat(lane.passes for lane in block), PASSES, "passes"))("drawn")
            else:
                first_power, last_power = (Staged(lane.power, POWER, "power") for lane in (block[0], block[3]))
                drawn = p.unit(check, first=first_power, last=last_power, bend=bend)("drawn")
            m.d.comb += [lane.quad.eq(p.at(drawn, QUAD)) for lane in block]
