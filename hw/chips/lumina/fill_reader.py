"""The pixels of a region on their way into the cache."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import FinalLayout
from hw.lib.memory import two_port_memory
from hw.lib.pipe import Pipe
from hw.radiance.layouts import FillLayout


class FillReader(wiring.Component):
    """Takes sub-tiles in any order, and gives pixels by their number in the region, row by row.

    Latency 2 cycles, one pixel a cycle. A sub-tile is put only while none is read.
    """

    latency = 2

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        cache = spec.radiance
        number = range(spec.splat.columns**2)
        pixels = data.ArrayLayout(FinalLayout(cache), spec.splat.lanes)
        self.tile = data.StructLayout({"valid": 1, "number": number, "pixels": pixels})
        super().__init__(
            {
                "put": In(self.tile),  #: a sub-tile of the region by its number, row by row
                "i": In(data.StructLayout({"number": range(cache.pixels)})),  #: a pixel
                "o": Out(data.StructLayout({"full": 1, "fill": FillLayout(cache)})),  #: it, if it is `full`
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
        x, tile_x = bits[:log2_side], bits[log2_side:][:log2_columns]
        y, tile_y = bits[log2_side + log2_columns :][:log2_side], bits[2 * log2_side + log2_columns :]
        m.d.comb += [
            write.addr.eq(self.put.number),
            write.data.eq(Value.cast(self.put.pixels)),
            write.en.eq(self.put.valid),
            read.addr.eq(Cat(tile_x, tile_y)),
            read.en.eq(~self.put.valid),
        ]
        lane = p.source(Cat(x, y), "lane")
        tile = p.source(read.data, "tile", 1)
        size = FinalLayout(spec.radiance).size
        pixel = p.stage(lambda t, k: t.word_select(k, size), tile, lane, name="pixel")
        final = FinalLayout(spec.radiance)(pixel.value)
        parts = {"full": final.full, "fill": Cat(final.key, final.colour)}
        p.finish(self.o, self.latency, **{n: p.source(v, n, pixel.stage) for n, v in parts.items()})
        return m
