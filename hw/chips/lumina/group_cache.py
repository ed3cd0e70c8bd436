"""Between a lane group and the cache."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.answers import Answers
from hw.chips.lumina.asker import Asker
from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import AnsweredLayout, AskedLayout, FinalTileLayout, size_layout
from hw.chips.lumina.pixel_records import PixelRecords
from hw.lib.stream import connect, transfer
from hw.splat.exponent import interpolation
from hw.splat.pixel_lane import WRITE
from hw.splat.raster_setup import RasterSetup
from hw.splat.watch import FlushedLayout, WatchSignature


class GroupCache(wiring.Component):
    """Records of a lane group's pixels, their questions, and what the answers do; `golden.chips.lumina.model.render`.

    A sub-tile is flushed only when all its pixels are drawn and answered, and its region is open.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        flushed = FlushedLayout(config.splat)
        super().__init__(
            {
                "number": In(range(max(config.splat.lane_groups, 2))),  #: of the lane group, constant
                "watch": In(WatchSignature(config.splat)),  #: the lane group
                "drawn": In(flushed),  #: sub-tiles as it hands them out
                "written": Out(flushed),  #: a cycle later: as they are to be
                "final": Out(FinalTileLayout(config)),  #: with `written`: what they leave to the cache
                "open": In(1),  #: pixels of a region may ask …
                "odd": In(1),  #: … of one with an odd number, or an even one
                "takes": In(1),  #: its sub-tiles may be handed out
                "size": In(size_layout(config)),  #: what of the region lies on the image
                "asks": Out(stream.Signature(AskedLayout(config))),  #: pixels for the cache
                "answers": In(stream.Signature(AnsweredLayout(config))),  #: what they get, in their order
                "ended": Out(1),  #: a sub-tile needs no splat any more, because of what its pixels got
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.records = records = PixelRecords(config=config)
        m.submodules.asker = asker = Asker(config=config)
        m.submodules.answers = answers = Answers(config=config)
        connect(m, asker.asks, wiring.flipped(self.asks))
        connect(m, wiring.flipped(self.answers), answers.i)
        operation = self.watch.operation
        # A square's last splat may still make a record full on its way through the lanes.
        way = RasterSetup.LATENCY + interpolation(config.spec.splat) + WRITE + 6
        left = Signal(range(way + 1))
        with m.If(self.watch.square_end):
            m.d.sync += left.eq(way)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        m.d.comb += [
            records.operation.eq(operation),
            records.look.eq(asker.look),
            asker.number.eq(self.number),
            asker.filled.eq(records.filled),
            asker.flushed.valid.eq(operation.flush & ~self.watch.silent),
            asker.flushed.place.eq(operation.place),
            asker.open.eq(self.open),
            asker.odd.eq(self.odd),
            asker.size.eq(self.size),
            asker.blocked.eq(records.blocked),
            Value.cast(asker.records).eq(Value.cast(records.records)),
            asker.answered.eq(transfer(answers.i)),
            answers.number.eq(self.number),
            answers.size.eq(self.size),
            answers.operation.eq(operation),
            answers.pending.eq(asker.pending),
            Value.cast(answers.before).eq(Value.cast(records.before)),
            answers.drawn.eq(self.drawn),
            self.written.eq(answers.written),
            Value.cast(self.final).eq(Value.cast(answers.final)),
            self.watch.hold.eq(asker.hold | (~self.takes | (left != 0)).replicate(config.splat.places)),
            self.watch.finished.valid.eq(answers.finished.valid),
            self.watch.finished.place.eq(answers.finished.place),
            self.ended.eq(answers.ended),
        ]
        return m
