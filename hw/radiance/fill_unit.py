"""The cache that is being filled: pixels go in one after the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.spec import Spec
from hw.lib.memory import two_port_memory
from hw.radiance.layouts import DumpLayout, EntryLayout, FillLayout, LoadLayout, SetLayout
from hw.radiance.pseudo_lru import touch, victim


class FillUnit(wiring.Component):
    """Makes a pixel's entry the most recent of its set, or gives it one; equals `golden.radiance.cache.commit`.

    One pixel a cycle; a set is read, compared and written in 3 cycles. A pixel whose set is under way with the same
    tag is merged into the one before: it would find that entry the most recent. One with another tag waits, at most
    2 cycles. Sets are loaded and dumped only while the unit is idle and `i` is not valid.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(FillLayout(spec))),  #: pixels in their order
                "load": In(LoadLayout(spec)),  #: a set that is to hold something else
                "dump": In(DumpLayout(spec)),  #: a set that is asked for; its row is there a cycle later
                "row": Out(SetLayout(spec)),  #: the set that was asked for
                "idle": Out(1),  #: no pixel is under way
                "merged": Out(1),  #: a pixel is taken that changes nothing
                "waits": Out(1),  #: a pixel waits for another one of its set
                "filled": Out(1),  #: an entry is written …
                "replaced": Out(1),  #: … over another one
                "written": Out(FillLayout(spec)),  #: the entry, while `filled`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        fill = FillLayout(spec)
        first = Signal(data.StructLayout({"valid": 1, "pixel": fill}))  # its set is at the memories' outputs
        second = Signal(  # its set is compared
            data.StructLayout(
                {"valid": 1, "pixel": fill, "same": spec.ways, "used": spec.ways, "recent": spec.ways - 1}
            )
        )
        old = self._memories(m, platform, second)
        pixel = self.i.payload
        here = Cat(each.valid & (each.pixel.set == pixel.set) for each in (first, second))
        again = Cat(here[k] & (each.pixel.tag == pixel.tag) for k, each in enumerate((first, second)))
        take = Signal()
        m.d.comb += [
            self.i.ready.eq(~here.any() | again.any()),
            take.eq(self.i.valid & ~here.any()),
            self.merged.eq(self.i.valid & again.any()),
            self.waits.eq(self.i.valid & ~self.i.ready),
            self.idle.eq(~first.valid & ~second.valid),
        ]
        m.d.sync += [
            first.valid.eq(take),
            first.pixel.eq(pixel),
            second.valid.eq(first.valid),
            second.pixel.eq(first.pixel),
            second.used.eq(Cat(entry.valid for entry in old.entries)),
            second.same.eq(Cat(entry.valid & (entry.tag == first.pixel.tag) for entry in old.entries)),
            second.recent.eq(old.recent),
        ]
        return m

    def _memories(self, m: Module, platform: object, done: data.View) -> data.View:
        """A memory for each way and one for the trees; returns the set at their outputs."""
        spec = self.spec
        known, free, way = Signal(), Signal(spec.ways), Signal(spec.ways)
        m.d.comb += [
            known.eq(done.same.any()),
            free.eq(~done.used & (done.used + 1)),  # the lowest entry that is empty
            way.eq(Mux(known, done.same, Mux(done.used.all(), victim(done.recent, spec.ways), free))),
            self.filled.eq(done.valid & ~known),
            self.replaced.eq(self.filled & done.used.all()),
            self.written.eq(done.pixel),
        ]
        entry = EntryLayout(spec)
        new = Signal(entry)
        m.d.comb += [new.valid.eq(1), new.tag.eq(done.pixel.tag), new.colour.eq(done.pixel.colour)]
        old = self.row
        for k in range(spec.ways):
            loaded, changed = self.load.row.entries[k], self.filled & way[k]
            self._memory(m, platform, f"way_{k}", done, changed, Value.cast(new), Value.cast(loaded), old.entries[k])
        used = touch(done.recent, way)
        self._memory(m, platform, "trees", done, done.valid, used, self.load.row.recent, old.recent)
        return old

    def _memory(
        self, m: Module, platform: object, name: str, done: data.View, changed: Value, new: Value, loaded: Value,
        old: Value | data.View,
    ) -> None:  # fmt: skip
        """A column of the cache: read for a pixel or a dump, written behind a pixel or by a load."""
        write, read = two_port_memory(m, platform, name, width=len(new), depth=self.spec.sets)
        m.d.comb += [
            write.addr.eq(Mux(self.load.valid, self.load.set, done.pixel.set)),
            write.data.eq(Mux(self.load.valid, loaded, new)),
            write.en.eq(self.load.valid | changed),
            read.addr.eq(Mux(self.dump.valid, self.dump.set, self.i.payload.set)),
            read.en.eq(self.dump.valid | (self.i.valid & self.i.ready & ~self.merged)),
            Value.cast(old).eq(read.data),
        ]
