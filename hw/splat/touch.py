"""Which sub-tiles of the group a splat can colour."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANGES, Spec
from hw.lib.fixed import shape_of
from hw.lib.payloads import TouchLayout
from hw.lib.pipe import Pipe, Staged
from hw.splat.extents import extent_layout
from hw.splat.tiles import numbers_inside, tiles_inside


class Touch(wiring.Component):
    """Ranges of the sub-tiles that meet the octagon around the splat's support; `golden.splat.touch.touch`.

    Of the octagon's ends in each direction the sub-tile's number is a shift, so there is no
    multiplier. Without a sub-tile that lies in all four, `any` is 0 and the ranges mean nothing.
    Latency 6 cycles, one a cycle.
    """

    latency = 6

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                #: a splat's octagon, and its group
                "i": In(
                    data.StructLayout(
                        {
                            "mean": data.ArrayLayout(shape_of(spec.mean_format), 2),  #: centre from the group's corner
                            "extent": extent_layout(spec),  #: half-widths along x, y, x+y and x-y
                            "valid_columns": range(spec.columns + 1),  #: of sub-tiles, on the image
                            "valid_rows": range(spec.columns + 1),  #: of sub-tiles, on the image
                        }
                    )
                ),
                #: the ranges, and whether a sub-tile lies in all of them
                "o": Out(data.StructLayout({"touch": TouchLayout(spec), "any": 1})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.spec
        columns = spec.columns
        mean = [p.source(self.i.mean[k], f"mean_{k}") for k in range(2)]
        centres = (lambda u, v: u, lambda u, v: v, lambda u, v: u + v, lambda u, v: u - v)
        step = 1 << spec.screen_fraction
        tile = spec.subtile << spec.screen_fraction
        span = tile - step
        begins = (step // 2, step // 2, step, -span - (columns - 1) * tile)
        valid = {
            "column": p.source(self.i.valid_columns, "valid_columns"),
            "row": p.source(self.i.valid_rows, "valid_rows"),
        }
        ranges: dict[str, Staged] = {}
        hits: dict[str, Staged] = {}
        for k, name in enumerate(RANGES):
            count, length = spec.range_sizes[k], span if name in valid else 2 * span
            extent = p.source(self.i.extent[k], f"extent_{name}")

            def upper(u: Value, v: Value, e: Value, k: int = k) -> Value:
                return centres[k](u, v) + e - begins[k]

            def lower(u: Value, v: Value, e: Value, k: int = k, length: int = length) -> Value:
                return centres[k](u, v) - e - (begins[k] + length - tile + 1)

            high = p.stage(upper, *mean, extent, name=f"high_{name}")
            low = p.stage(lower, *mean, extent, name=f"low_{name}")
            ranges[name], hits[name] = self._range(p, name, low, high, count, valid.get(name))

        rows = p.stage(
            lambda *hit: Cat(row.any() for row in tiles_inside(hit, columns)), *hits.values(), name="rows_touched"
        )
        some = p.stage(lambda v: v.any(), rows, name="any")
        p.finish(self.o, self.latency, touch=p.join(list(ranges.values()), "touch"), any=some)
        return m

    def _range(
        self, p: Pipe, name: str, low: Staged, high: Staged, count: int, valid: Staged | None
    ) -> tuple[Staged, Staged]:
        """First and last number between the octagon's ends, and a bit for each number between them."""
        log2_tile = (self.spec.subtile << self.spec.screen_fraction).bit_length() - 1
        most = count - 1
        bits = most.bit_length()

        def clipped(end: Value) -> Value:
            number = end >> log2_tile
            return Mux(number < 0, 0, Mux(number > most, most, number))[:bits]

        def meets(lo: Value, hi: Value) -> Value:
            return (hi >= 0) & ((lo >> log2_tile) <= most)

        first = p.stage(clipped, low, name=f"first_{name}")
        end = p.stage(clipped, high, name=f"end_{name}")
        some = p.stage(meets, low, high, name=f"meets_{name}")
        last = p.stage(lambda e, v: Mux(e < v, e, v - 1)[:bits], end, valid, name=f"last_{name}") if valid else end
        hit = p.stage(
            lambda s, f, e: numbers_inside(f, e, count) & s.replicate(count), some, first, last, name=f"hit_{name}"
        )
        return p.join([first, last], name), hit
