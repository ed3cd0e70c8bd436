"""Look-ups in a cache as it was when its region began."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.spec import Spec
from hw.lib.memory import two_port_memory
from hw.lib.pipe import Pipe
from hw.lib.tree import or_all
from hw.radiance.layouts import AnswerLayout, AskLayout, EntryLayout, LoadLayout


class LookUp(wiring.Component):
    """The entry of a pixel's set that has its tag; equals `golden.radiance.cache.look_up`.

    Latency 3 cycles, one pixel a cycle. Only `load` changes what is looked up, so that an answer does not depend on
    when a pixel asks, nor on which pixels have filled meanwhile. A pixel whose record is not full never hits.
    Nothing is asked while sets are loaded.
    """

    latency = 3

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(AskLayout(spec)),  #: a pixel
                "o": Out(AnswerLayout(spec)),  #: what it gets
                "load": In(LoadLayout(spec)),  #: a set that is to hold something else
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, pipe = self.spec, Pipe(m, platform)
        layout = data.ArrayLayout(EntryLayout(spec), spec.ways)
        write, read = two_port_memory(m, platform, "sets", width=layout.size, depth=spec.sets)
        row = Signal(layout)
        m.d.comb += [
            write.addr.eq(self.load.set),
            write.data.eq(Value.cast(self.load.row.entries)),
            write.en.eq(self.load.valid),
            read.addr.eq(self.i.set),
            read.en.eq(~self.load.valid),
            Value.cast(row).eq(read.data),
        ]
        entries = pipe.source(row, "row", 1)
        ask = pipe.source(self.i, "ask")

        def compare(ways: data.View, one: data.View) -> Value:
            return Cat(one.full & ways[k].valid & (ways[k].tag == one.tag) for k in range(spec.ways))

        match = pipe.stage(compare, entries, ask, name="match")

        def choose(ways: data.View, one: data.View, same: Value) -> Value:
            cached = or_all([Mux(same[k], ways[k].colour, 0) for k in range(spec.ways)])
            return Mux(same.any(), cached, one.colour)

        asked = {
            name: pipe.stage(lambda one, member=name: Value.cast(one[member]), ask, name=name)
            for name in ("full", "set", "tag")
        }
        pipe.finish(
            self.o,
            self.latency,
            hit=pipe.stage(lambda same: same.any(), match, name="hit"),
            colour=pipe.stage(choose, entries, ask, match, name="colour"),
            **asked,
        )
        return m
