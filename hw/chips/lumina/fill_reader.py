"""The pixels of a region on their way into the cache."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import FinalLayout, by_lane, final_row_layout
from hw.lib.memory import two_port_memory
from hw.lib.pipe import Pipe


class FillReader(wiring.Component):
    """Takes sub-tiles in any order, and gives their rows of pixels by their number in the region, row by row.

    Latency 2 cycles, one row of a sub-tile a cycle. A sub-tile is put only while none is read.
    """

    latency = 2

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        cache = spec.radiance
        number = range(spec.splat.columns**2)
        pixels = by_lane(FinalLayout(cache), spec.splat.lanes)
        self.tile = data.StructLayout({"valid": 1, "number": number, "pixels": pixels})
        super().__init__(
            {
                "put": In(self.tile),  #: a sub-tile of the region by its number, row by row
                "i": In(data.StructLayout({"number": range(cache.pixels // spec.splat.subtile)})),  #: a row
                #: its pixels, and whether there is one that has asked
                "o": Out(data.StructLayout({"some": 1, "row": final_row_layout(config)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.config.spec
        log2_side, log2_columns = spec.splat.subtile.bit_length() - 1, spec.splat.columns.bit_length() - 1
        row = self.tile["pixels"].shape
        write, read = two_port_memory(m, platform, "pixels", width=row.size, depth=spec.splat.columns**2)
        bits = self.i.number
        tile_x, y, tile_y = bits[:log2_columns], bits[log2_columns:][:log2_side], bits[log2_columns + log2_side :]
        m.d.comb += [
            write.addr.eq(self.put.number),
            write.data.eq(Value.cast(self.put.pixels)),
            write.en.eq(self.put.valid),
            read.addr.eq(Cat(tile_x, tile_y)),
            read.en.eq(~self.put.valid),
        ]
        line = p.source(y, "line")
        tile = p.source(read.data, "tile", 1)
        pixels = final_row_layout(self.config)
        chosen = p.stage(lambda t, k: t.word_select(k, pixels.size), tile, line, name="row")
        some = p.stage(lambda t, k: _any_full(t.word_select(k, pixels.size), pixels), tile, line, name="some")
        p.finish(self.o, self.latency, row=chosen, some=some)
        return m


def _any_full(bits: Value, layout: data.StructLayout) -> Value:
    return Cat(layout(bits)[name].full for name in layout.members).any()
