"""The cache that a region leaves: several pixels go in at a time."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.bank_picker import BankPicker
from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import final_row_layout
from hw.lib.fork import StreamFork
from hw.lib.queue import StreamQueue
from hw.lib.shared import repeat
from hw.lib.stream import connect
from hw.lib.tree import add_all
from hw.radiance.fill_unit import FillUnit
from hw.radiance.layouts import DumpLayout, FillLayout, LoadLayout, SetLayout

ROWS_WAITING = 4  # of pixels, for a bank


class FillBanks(wiring.Component):
    """A fill unit for each rest that a set's number may leave; equals `golden.radiance.cache.commit`.

    Only the order of one set's pixels counts, and they all go to one bank, which takes them out of `i` in that order.
    A row a cycle, but where more than one of its pixels are of a bank.
    Sets are loaded and dumped only while all is `idle` and `i` is not valid.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        cache = config.spec.radiance
        count = range(config.fill_banks + 1)
        super().__init__(
            {
                "i": In(stream.Signature(final_row_layout(config))),  #: neighbours in a row, the first one lowest
                "load": In(LoadLayout(cache)),  #: a set that is to hold something else
                "dump": In(DumpLayout(cache)),  #: a set that is asked for; its row is there a cycle later
                "row": Out(SetLayout(cache)),  #: the set that was asked for
                "idle": Out(1),  #: no pixel is under way
                "merged": Out(count),  #: so many pixels change nothing
                "waits": Out(count),  #: so many wait for another one of their set
                "filled": Out(count),  #: so many entries are written …
                "replaced": Out(count),  #: … and so many of them over another one
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, cache, own = self.config, self.config.spec.radiance, self.config.bank_spec
        banks, low = config.fill_banks, config.bank_bits
        shape = final_row_layout(config)
        m.submodules.fork = fork = StreamFork(shape=shape, count=banks)
        connect(m, wiring.flipped(self.i), fork.i)
        units = repeat(m, platform, "fill_unit", banks, lambda: FillUnit(spec=own))
        pickers = repeat(m, platform, "bank_picker", banks, lambda: BankPicker(config=config))
        dumped = Signal(range(banks))  # whose row is there
        m.d.sync += dumped.eq(self.dump.set[:low])
        idle: list[Value] = []
        for k, (unit, picker) in enumerate(zip(units, pickers, strict=True)):
            m.submodules[f"rows_{k}"] = rows = StreamQueue(shape=shape, depth=ROWS_WAITING)
            m.submodules[f"pixels_{k}"] = pixels = StreamQueue(shape=FillLayout(own), depth=config.radiance.fill_queue)
            connect(m, fork.o[k], rows.i)
            connect(m, rows.o, picker.i)
            connect(m, picker.o, pixels.i)
            connect(m, pixels.o, unit.i)
            bank = Const(k, low)
            m.d.comb += [
                picker.bank.eq(k),
                unit.load.valid.eq(self.load.valid & (self.load.set[:low] == bank)),
                unit.load.set.eq(self.load.set[low:]),
                unit.load.row.recent.eq(self.load.row.recent),
                unit.dump.valid.eq(self.dump.valid & (self.dump.set[:low] == bank)),
                unit.dump.set.eq(self.dump.set[low:]),
            ]
            for way in range(cache.ways):
                entry, loaded = unit.load.row.entries[way], self.load.row.entries[way]
                m.d.comb += [
                    entry.valid.eq(loaded.valid),
                    entry.tag.eq(Cat(bank, loaded.tag)),
                    entry.colour.eq(loaded.colour),
                ]
            idle += [unit.idle, rows.level == 0, pixels.level == 0]
        row = Array([Value.cast(unit.row) for unit in units])[dumped]
        held = Signal(SetLayout(own))
        m.d.comb += [
            Value.cast(held).eq(row),
            self.row.recent.eq(held.recent),
            self.idle.eq(Cat(idle).all()),
            *(
                getattr(self, name).eq(add_all([getattr(unit, name) for unit in units]))
                for name in ("merged", "waits", "filled", "replaced")
            ),
        ]
        for way in range(cache.ways):
            entry, kept = self.row.entries[way], held.entries[way]
            m.d.comb += [entry.valid.eq(kept.valid), entry.tag.eq(kept.tag[low:]), entry.colour.eq(kept.colour)]
        return m
