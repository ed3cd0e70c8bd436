"""One pixel of every sub-tile: alpha, front-to-back blend, state."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Member, Out

from golden.splat.spec import Spec
from hw.lib.fixed import resize, saturate, shape_of, shift_round
from hw.lib.memory import two_port_memory
from hw.lib.pipe import Pipe, Staged
from hw.splat.exponent import exponential, interpolation, is_positive, passes
from hw.splat.pixel_bytes import StateLayout, pixel_bytes, pixel_width

#: Cycles after the power terms in which the shared inputs arrive; `interpolation` comes on top (see `PixelLane`).
READ, BLEND, WRITE, SHADE, STORE = 5, 7, 8, 9, 10
#: Two operations on one sub-tile must be this many cycles apart: the second then finds the transmittance that the
#: first leaves in the memory, or one cycle sooner in the register before it.
HAZARD = WRITE - READ - 1
#: Cycles after the power terms in which a pixel's power or its test leaves the lane, and its block's test comes back.
POWER, PASSES, QUAD = 2, 3, 5


class PixelLane(wiring.Component):
    """State of pixel (x, y) of `places` sub-tiles, and its arithmetic; `golden.splat.pixel_lane.blend`.

    An operation draws a splat on one sub-tile (`draw`) or flushes it: hands the pixel out and
    leaves it transparent. α = min(0.99, 2**-p) by table; w = T·α; T -= w; C += w·c; a splat that
    would bring T below 1e-4 is left out and ends the pixel (`done`). 4 multipliers, one table.
    One operation a cycle; two on the same sub-tile at least `HAZARD` = 2 cycles apart. Where `alpha_check`
    is of 2×2 blocks, `QuadCheck` says whether the pixel is drawn.

    Cycles count from the one in which `row`, `column`, `cross` and `draw` come; those from `read_address`
    on are `interpolation` later.
    """

    def __init__(self, *, spec: Spec, places: int, as_bytes: bool = False) -> None:
        self.spec, self.places, self.as_bytes = spec, places, as_bytes
        power, place = shape_of(spec.power_format), range(places)
        super().__init__(
            {
                "row": In(power),  #: p = row + column + cross …
                "column": In(power),  #: … is -log2(alpha) of this pixel
                "cross": In(power),  #: the third of its terms
                "draw": In(1),  #: there is a splat that may reach the sub-tile
                **_block_ports(spec),
                "read_address": In(place),  #: cycle 5: the operation's sub-tile
                "forward": In(1),  #: cycle 6: the operation of 2 cycles ago was on the same sub-tile
                "flush_blend": In(1),  #: cycle 7: it is a flush
                "write_address": In(place),  #: cycle 8: the sub-tile again
                "write": In(1),  #: cycle 8: there is an operation
                "color": In(data.ArrayLayout(spec.color_format.width, 3)),  #: cycle 8: of the splat
                "flush_shade": In(1),  #: cycle 9: it is a flush
                "store_address": In(place),  #: cycle 9: the sub-tile once more
                "store": In(1),  #: cycle 9: there is an operation
                "done": Out(1),  #: cycle 8: the pixel is opaque now
                "changed": Out(1),  #: cycle 9: the splat has changed the pixel
                #: cycle 10: the flushed pixel; `as_bytes` red, green, blue and coverage, 8 bits each, else its state
                "pixel": Out(pixel_width(spec, as_bytes=as_bytes)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        alpha = self._alpha(m, p)
        transmittance, weight = self._blend(m, p, alpha)
        self._shade(m, p, platform, transmittance, weight)
        return m

    def _alpha(self, m: Module, p: Pipe) -> Staged:
        """α of this pixel, 0 where nothing is drawn; in cycle 6, `interpolation` aside."""
        spec = self.spec
        shape = shape_of(spec.power_format)
        row, column, cross = (p.source(getattr(self, n), n) for n in ("row", "column", "cross"))
        flat = p.stage(lambda r, c: resize(r + c, shape), row, column, name="flat")
        total = p.stage(lambda f, c: resize(f + c, shape), flat, cross, name="power")

        alpha = exponential(p, spec, total, self._seen(m, p, total))
        return Staged(alpha.value, alpha.stage - interpolation(spec), "alpha")

    def _seen(self, m: Module, p: Pipe, total: Staged) -> Staged:
        """The pixel is drawn, as far as that is known before the table."""
        spec = self.spec
        draw = p.source(self.draw, "draw")

        def test(rule: Callable[[Value, Spec], Value], name: str) -> Staged:
            return p.stage(lambda v, d: d & rule(v, spec), total, draw, name=name)

        if spec.alpha_check == "pixel":
            return test(passes if spec.preemptive else is_positive, "visible")
        if spec.alpha_check == "quad_any":
            m.d.comb += self.passes.eq(p.at(test(passes, "visible"), PASSES))
        else:
            m.d.comb += self.power.eq(p.at(total, POWER))
        return Staged(p.at(test(is_positive, "positive"), QUAD) & self.quad, QUAD, "seen")

    def _blend(self, m: Module, p: Pipe, alpha: Staged) -> tuple[Staged, Staged]:
        """Updates transmittance and done; returns the old transmittance and the weight drawn."""
        spec = self.spec
        bits = spec.transmittance_bits
        #: of this pixel on one sub-tile; `done`: it is opaque
        state = data.StructLayout({"transmittance": bits, "done": 1})
        clear = spec.full_transmittance
        m.submodules.blended = memory = Memory(shape=bits + 1, depth=self.places, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=[write])
        m.d.comb += [read.addr.eq(self.read_address), read.en.eq(1)]
        before, after = Signal(state, name="before"), Signal(state, reset_less=True)
        m.d.comb += Value.cast(before).eq(Mux(self.forward, Value.cast(after), read.data))
        old = p.source(before, "old", READ + 1)
        product = p.stage(lambda s, a: s.transmittance * a, old, alpha, name="t_alpha")
        active = p.stage(lambda s, a: (a != 0) & ~s.done, old, alpha, name="active")

        flush = self.flush_blend
        weight = Signal(bits, reset_less=True)
        rounded = Signal(bits)
        left = Signal(bits)
        stop = Signal()
        held = p.at(old, BLEND)
        live = active.value
        m.d.comb += [
            rounded.eq(shift_round(product.value, spec.alpha_bits, "half_up")),
            left.eq(held.transmittance - rounded),
            stop.eq(left < spec.min_transmittance),
        ]
        m.d.sync += [
            weight.eq(Mux(live & ~stop, rounded, 0)),
            self.changed.eq(weight != 0),
            after.transmittance.eq(Mux(flush, clear, Mux(live & ~stop, left, held.transmittance))),
            after.done.eq(~flush & (held.done | (live & stop))),
        ]
        m.d.comb += [
            write.addr.eq(self.write_address),
            write.data.eq(Value.cast(after)),
            write.en.eq(self.write),
            self.done.eq(after.done),
        ]
        kept = Staged(held.transmittance, BLEND, "transmittance")
        return kept, Staged(weight, WRITE, "weight")

    def _shade(self, m: Module, p: Pipe, platform: object, transmittance: Staged, weight: Staged) -> None:
        """Adds weight · colour, or hands the pixel out."""
        spec = self.spec
        fmt = spec.accumulator_format
        layout = data.ArrayLayout(fmt.width, 3)
        # Read a cycle before its write, and operations on one sub-tile are further apart: never met.
        write, read = two_port_memory(m, platform, "shaded", width=3 * fmt.width, depth=self.places)
        m.d.comb += [read.addr.eq(self.write_address), read.en.eq(self.write)]
        shade = Signal(layout, name="shade")
        m.d.comb += Value.cast(shade).eq(read.data)
        down = spec.transmittance_bits + spec.color_fraction - fmt.fraction
        stored = Signal(layout, name="stored")
        for c in range(3):
            product = p.stage(
                lambda w, k: w * k, weight, p.source(self.color[c], f"color_{c}", WRITE), name=f"product_{c}"
            )
            total = saturate(shade[c] + shift_round(product.value, down, "half_up"), fmt)
            m.d.comb += stored[c].eq(Mux(self.flush_shade, 0, total))
        m.d.comb += [
            write.addr.eq(self.store_address),
            write.data.eq(Value.cast(stored)),
            write.en.eq(self.store),
        ]
        state = Signal(StateLayout(spec), name="state")
        m.d.comb += [state.color.eq(shade), state.transmittance.eq(p.at(transmittance, SHADE))]
        m.d.sync += self.pixel.eq(pixel_bytes(state, spec) if self.as_bytes else state)


def _block_ports(spec: Spec) -> dict[str, Member]:
    """To and from the check of the pixel's 2×2 block, where there is one."""
    quad: dict[str, Member] = {
        "quad": In(1),  #: cycle 5: the block is drawn
    }
    if spec.alpha_check == "quad_any":
        return {
            "passes": Out(1),  #: cycle 3: the pixel's own alpha is at least 1/255, and there is a splat
            **quad,
        }
    if spec.alpha_check == "quad_centre":
        return {
            "power": Out(shape_of(spec.power_format)),  #: cycle 2: -log2(alpha) of this pixel
            **quad,
        }
    return {}
