"""Collects a region's pixels, and lets them go into the cache in their order."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.fill_reader import FillReader
from hw.chips.lumina.layouts import FinalTileLayout, final_row_layout
from hw.lib.stream import transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.tree import or_all
from hw.splat.tiles import place_bits

QUEUE = 2  # cycles from a pipeline's last stage to its output


class RegionFill(wiring.Component):
    """Rows of sub-tiles, row by row of the region, a cycle each; those without a pixel that has asked are passed over.

    Sub-tiles come from at most one lane group a cycle, and while nothing is `busy`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "tiles": In(FinalTileLayout(config)).array(config.splat.lane_groups),  #: of each lane group
                "taken": Out(1),  #: there is one
                "start": In(1),  #: all are there
                "o": Out(stream.Signature(final_row_layout(config))),  #: pixels for the cache, the first one lowest
                "busy": Out(1),  #: from the cycle after `start` until the last row has left
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        reader = FillReader(config=config)
        m.submodules.pipeline = pipeline = StreamPipeline(reader, keep="some")
        found: list[Value] = []
        for k, tile in enumerate(self.tiles):
            column, row = place_bits(config.splat, Const(k, range(max(config.splat.lane_groups, 2))), tile.place)
            bits = Cat(tile.valid, column, row, Value.cast(tile.pixels))
            found.append(bits & tile.valid.replicate(len(bits)))
        rows = spec.radiance.pixels // spec.splat.subtile
        number = Signal(range(rows))
        running, settle = Signal(), Signal(range(reader.latency + QUEUE + 2))
        m.d.sync += Value.cast(reader.put).eq(or_all(found))
        m.d.comb += [
            self.taken.eq(Cat(tile.valid for tile in self.tiles).any()),
            pipeline.i.payload.number.eq(number),
            pipeline.i.valid.eq(running),
            Value.cast(self.o.payload).eq(Value.cast(pipeline.o.payload.row)),
            self.o.valid.eq(pipeline.o.valid),
            pipeline.o.ready.eq(self.o.ready),
            self.busy.eq(running | (settle != 0) | pipeline.o.valid),
        ]
        with m.If(self.start):
            m.d.sync += [number.eq(0), running.eq(1)]
        with m.Elif(transfer(pipeline.i)):
            m.d.sync += [number.eq(number + 1), running.eq(number != rows - 1)]
        with m.If(running):
            m.d.sync += settle.eq(reader.latency + QUEUE + 1)
        with m.Elif(settle != 0):
            m.d.sync += settle.eq(settle - 1)
        return m
