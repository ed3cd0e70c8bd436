"""Which sub-tiles of the group a splat can colour."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANGES, SLANTS, Spec
from hw.lib.fixed import resize, shape_of
from hw.lib.paced import in_turn, paced_pipe, turn_port
from hw.lib.payloads import TouchLayout
from hw.lib.pipe import Pipe, Staged
from hw.splat.extents import extent_layout, slant_layout
from hw.splat.tiles import numbers_inside, tiles_inside

SHARED = ((1, 0), (0, 1), (1, 1), (1, -1))  # x and y of the directions of all ranges but the slant's

SLOWER = {1: 0, 2: 2, 4: 3, 8: 4, 16: 4}  # cycles, by interval


class Touch(wiring.Component):
    """Ranges of the sub-tiles that meet the strips around the splat's support; `golden.splat.touch.touch`.

    Of a strip's ends the sub-tile's number is a shift, so there is no multiplier. Without a
    sub-tile that lies in all five, `any` is 0 and the ranges mean nothing. Latency 7 cycles, one a
    cycle. Once in 8 cycles: 11 cycles, and a fifth of most of it, for the ranges come in turn.
    """

    LATENCY = 7

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.latency = self.LATENCY + SLOWER[interval]
        super().__init__(
            {
                **turn_port(interval),
                #: a splat's strips, and its group
                "i": In(
                    data.StructLayout(
                        {
                            "mean": data.ArrayLayout(shape_of(spec.mean_format), 2),  #: centre from the group's corner
                            "extent": extent_layout(spec),  #: half-widths along x, y, x+y and x-y
                            **slant_layout(spec),
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
        p = paced_pipe(m, platform, self)
        spec = self.spec
        u, v = (p.source(self.i.mean[k], f"mean_{k}") for k in range(2))
        direction = p.source(self.i.slant, "slant")
        valid = {
            "column": p.source(self.i.valid_columns, "valid_columns"),
            "row": p.source(self.i.valid_rows, "valid_rows"),
        }
        strips: dict[str, tuple[Staged, Staged, Staged]] = {}
        for k, (x, y) in enumerate(SHARED):
            strips[RANGES[k]] = (
                p.stage(lambda u, v, x=x, y=y: _along(x, y, u, v) - self._begin(x, y), u, v, name=f"middle_{k}"),
                p.source(self.i.extent[k], f"extent_{k}"),
                p.constant(Const(self._length(x, y)), f"length_{k}"),
            )
        slant_middle, slant_length = self._slant(p, u, v, direction)
        strips["slant"] = slant_middle, p.source(self.i.slant_extent, "extent_slant"), slant_length
        ends = self._ends_in_turn(p, strips) if self.interval > 1 else {}
        ranges: dict[str, Staged] = {}
        hits: dict[str, Staged] = {}
        for (name, strip), count in zip(strips.items(), spec.range_sizes, strict=True):
            found = ends.get(name) or self._own_ends(p, strip, count, name)
            ranges[name], hits[name] = self._range(p, name, *found, count, valid.get(name))

        rows = p.stage(
            lambda d, *hit: Cat(row.any() for row in tiles_inside(hit, d, spec.columns)),
            direction,
            *hits.values(),
            name="rows_touched",
        )
        some = p.stage(lambda v: v.any(), rows, name="any")
        p.finish(self.o, self.latency, touch=p.join([*ranges.values(), direction], "touch"), any=some)
        return m

    def _begin(self, x: int, y: int) -> int:
        """Where along (x, y) the sub-tile of number 0 begins."""
        step = 1 << self.spec.screen_fraction
        return (x + y) * step // 2 + min(y, 0) * (self.spec.group_size * step - step)

    def _length(self, x: int, y: int) -> int:
        """From a sub-tile's first pixel centre along (x, y) to its last, short of a tile: numbers are rounded up."""
        tile = self.spec.subtile << self.spec.screen_fraction
        return (x + abs(y)) * (tile - (1 << self.spec.screen_fraction)) - tile + 1

    def _slant(self, p: Pipe, u: Staged, v: Staged, direction: Staged) -> tuple[Staged, Staged]:
        """The centre along the splat's own direction, from where number 0 begins, and a sub-tile's length there."""

        def along(u: Value, v: Value, d: Value) -> Value:
            # The directions by the bits of their number: y before x, 2 for 3, y negative.
            signed_v = Mux(d[2], -v, v)
            more, once = Mux(d[0], signed_v, u), Mux(d[0], u, signed_v)
            begin = Array(self._begin(x, y) for x, y in SLANTS)[d]
            return (more << 1) + Mux(d[1], 0, more) + once - begin

        def middle(u: Value, v: Value, d: Value) -> Value:
            return Array(_along(x, y, u, v) - self._begin(x, y) for x, y in SLANTS)[d]

        lengths = Array(self._length(x, y) for x, y in SLANTS)
        return (
            p.stage(along if self.interval > 1 else middle, u, v, direction, name="middle_slant"),
            p.stage(lambda d: lengths[d], direction, name="length_slant"),
        )

    def _own_ends(
        self, p: Pipe, strip: tuple[Staged, Staged, Staged], count: int, name: str
    ) -> tuple[Staged, Staged, Staged]:
        """What `_ends` says of a strip, by a circuit of its own."""
        low, high = self._low_high(p, *strip, name)
        return self._ends(p, low, high, count - 1, (count - 1).bit_length(), name)

    def _ends_in_turn(
        self, p: Pipe, strips: dict[str, tuple[Staged, Staged, Staged]]
    ) -> dict[str, tuple[Staged, Staged, Staged]]:
        """The same of all strips, by one circuit as wide as the widest needs."""
        sizes = self.spec.range_sizes
        bits = (max(sizes) - 1).bit_length()
        wide = [max((Value.cast(strip[k].value).shape() for strip in strips.values()), key=_width) for k in range(3)]

        def ends(middle: Staged, extent: Staged, length: Staged, most: Staged, name: str) -> tuple[Staged, ...]:
            low, high = self._low_high(p, middle, extent, length, name)
            return self._ends(p, low, high, most, bits, name)

        sets = [
            [
                *(Staged(resize(item.value, signed(_width(shape))), item.stage, item.name)
                  for item, shape in zip(strip, wide, strict=True)),
                p.constant(Const(count - 1, bits), f"most_{name}"),
            ]
            for (name, strip), count in zip(strips.items(), sizes, strict=True)
        ]  # fmt: skip
        result: dict[str, tuple[Staged, Staged, Staged]] = {}
        for name, (first, end, some), count in zip(strips, in_turn(p, ends, sets, [*strips]), sizes, strict=True):
            own = (count - 1).bit_length()
            numbers = [Staged(item.value[:own], item.stage, f"{item.name}_{name}") for item in (first, end)]
            result[name] = numbers[0], numbers[1], some
        return result

    def _low_high(self, p: Pipe, middle: Staged, extent: Staged, length: Staged, name: str) -> tuple[Staged, Staged]:
        high = p.stage(lambda c, e: c + e, middle, extent, name=f"high_{name}")
        return p.stage(lambda c, e, n: c - e - n, middle, extent, length, name=f"low_{name}"), high

    def _ends(
        self, p: Pipe, low: Staged, high: Staged, most: Staged | int, bits: int, name: str
    ) -> tuple[Staged, Staged, Staged]:
        """First and last number between a strip's ends, cut to 0..`most`, and whether there is one."""
        log2_tile = (self.spec.subtile << self.spec.screen_fraction).bit_length() - 1
        limit = [most] if isinstance(most, Staged) else []

        def clipped(end: Value, most: Any = most) -> Value:
            number = end >> log2_tile
            return Mux(number < 0, 0, Mux(number > most, most, number))[:bits]

        def meets(lo: Value, hi: Value, most: Any = most) -> Value:
            return (hi >= 0) & ((lo >> log2_tile) <= most)

        first = p.stage(clipped, low, *limit, name=f"first_{name}")
        end = p.stage(clipped, high, *limit, name=f"end_{name}")
        return first, end, p.stage(meets, low, high, *limit, name=f"meets_{name}")

    def _range(
        self, p: Pipe, name: str, first: Staged, end: Staged, some: Staged, count: int, valid: Staged | None
    ) -> tuple[Staged, Staged]:
        """First and last number of a strip on the image, and a bit for each number between them."""
        bits = (count - 1).bit_length()
        last = p.stage(lambda e, v: Mux(e < v, e, v - 1)[:bits], end, valid, name=f"last_{name}") if valid else end
        hit = p.stage(
            lambda s, f, e: numbers_inside(f, e, count) & s.replicate(count), some, first, last, name=f"hit_{name}"
        )
        return p.join([first, last], name), hit


def _width(shape: Shape) -> int:
    """Bits of a signed number that holds all of the shape's."""
    return shape.width + (not shape.signed)


def _along(x: int, y: int, u: Value, v: Value) -> Value:
    """x·u + y·v by additions; sizes of x and y are at most 3."""
    sizes = {
        0: lambda w: Const(0),
        1: lambda w: w,
        2: lambda w: w << 1,
        3: lambda w: (w << 1) + w,
    }
    other = sizes[abs(y)](v)
    return sizes[x](u) + other if y >= 0 else sizes[x](u) - other
