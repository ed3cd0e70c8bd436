"""The cache of a region: look-ups, and fills that the next frame's look-ups see."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.queue import StreamQueue
from hw.lib.stream import connect
from hw.lib.stream_pipeline import StreamPipeline
from hw.radiance.config import Config
from hw.radiance.fill_unit import FillUnit
from hw.radiance.layouts import AnswerLayout, AskLayout, DumpLayout, FillLayout, LoadLayout, SetLayout
from hw.radiance.look_up import LookUp


class CacheCore(wiring.Component):
    """Two copies of every set: look-ups see the one that was loaded, fills change the other, which is saved.

    So hits, misses and fills are under way together, in any order in time: answers and what is saved depend only on
    what was loaded and on the order of `fills`. One look-up a cycle, latency 5 cycles; one fill a cycle, but where
    pixels of one set and different tags follow each other (`FillUnit`). Loads and dumps only while nothing is asked,
    filled or under way.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "asks": In(stream.Signature(AskLayout(spec))),  #: pixels that look for a colour
                "answers": Out(stream.Signature(AnswerLayout(spec))),  #: what they get, in their order
                "fills": In(stream.Signature(FillLayout(spec))),  #: pixels that go into the cache, in their order
                "load": In(LoadLayout(spec)),  #: a set of both copies that is to hold something else
                "dump": In(DumpLayout(spec)),  #: a filled set that is asked for; its row is there a cycle later
                "row": Out(SetLayout(spec)),  #: the set that was asked for
                "idle": Out(1),  #: all pixels of `fills` are in the cache
                "merged": Out(1),  #: a pixel goes in that changes nothing
                "waits": Out(1),  #: a pixel waits for another one of its set
                "filled": Out(1),  #: an entry is written …
                "replaced": Out(1),  #: … over another one
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        look_up = LookUp(spec=spec)
        m.submodules.look_ups = look_ups = StreamPipeline(look_up)
        m.submodules.queue = queue = StreamQueue(shape=FillLayout(spec), depth=self.config.fill_queue)
        m.submodules.fill_unit = fill_unit = FillUnit(spec=spec)
        connect(m, wiring.flipped(self.asks), look_ups.i)
        connect(m, look_ups.o, wiring.flipped(self.answers))
        connect(m, wiring.flipped(self.fills), queue.i)
        connect(m, queue.o, fill_unit.i)
        m.d.comb += [
            Value.cast(look_up.load).eq(Value.cast(self.load)),
            Value.cast(fill_unit.load).eq(Value.cast(self.load)),
            Value.cast(fill_unit.dump).eq(Value.cast(self.dump)),
            Value.cast(self.row).eq(Value.cast(fill_unit.row)),
            self.idle.eq(fill_unit.idle & (queue.level == 0)),
            *(getattr(self, name).eq(getattr(fill_unit, name)) for name in ("merged", "waits", "filled", "replaced")),
        ]
        return m
