"""The commands of an SDRAM: power-up, refreshes, rows and columns, each as soon as the chip takes it."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.sdram_layouts import AccessLayout, ReadMark, SdramPins
from fpga.sdram_timing import CAS_LATENCY, DATA_BITS, INITIAL_REFRESHES, SdramChip, SdramClocks
from hw.lib.counters import hold

ALL_BANKS = 10  # the bit of a PRECHARGE's address
MODE = CAS_LATENCY << 4  # bursts of one column: each has its READ or WRITE


class _Now(NamedTuple):
    """The command that is decided on in this cycle, one at most."""

    activate: Signal
    read: Signal
    write: Signal
    precharge: Signal
    precharge_all: Signal
    refresh: Signal
    mode: Signal


class _May(NamedTuple):
    """What the chip would take in this cycle, as far as times go."""

    activate: Value  #: and REFRESH, and LOAD MODE
    column: Value
    write: Value
    precharge: Value


class SdramCommands(wiring.Component):
    """Does one word after the other, of `width` bits each; a bank's row stays open until another one is wanted.

    Rows of words follow each other bank by bank. While rows are open, a column moves in every cycle, from one word to
    the next too. A refresh comes between two words; it closes all rows. Times are kept for all banks together: what
    another bank might do earlier, this does not.
    """

    def __init__(self, *, width: int, chip: SdramChip, clocks: SdramClocks) -> None:
        self.chip, self.clocks, self.columns = chip, clocks, width // DATA_BITS
        super().__init__(
            {
                "i": In(stream.Signature(AccessLayout(width=width, words=chip.size * 8 // width))),  #: words, in order
                "pins": Out(SdramPins()),  #: all but `read_data` are driven
                "mark": Out(ReadMark()),  #: of the READ that stands at the pins
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        now = _Now(*(Signal(name=name) for name in _Now._fields))
        may = self._may(m, now)
        place = self.i.payload.place
        column = place[: (self.chip.columns // self.columns).bit_length() - 1]
        bank, row = place[len(column) :][:2], place[len(column) + 2 :]
        first = Cat(Const(0, self.columns.bit_length() - 1), column)  # of the word's columns
        opened = Signal(self.chip.banks, init=-1)  # rows; after power-up nobody knows, so all are closed
        rows = Array(Signal(len(row), name=f"row_{k}") for k in range(self.chip.banks))
        hit = Signal()
        m.d.comb += hit.eq(opened.bit_select(bank, 1) & (rows[bank] == row))
        awake, owed, ready = self._upkeep(m, now)
        moving = self._columns(m, now, may, ready & hit, bank=bank, first=first)
        with m.If(~moving & awake):
            with m.If(owed & opened.any()):
                m.d.comb += now.precharge_all.eq(may.precharge)
            with m.Elif(owed):
                m.d.comb += now.refresh.eq(may.activate)
            with m.Elif(~ready):
                m.d.comb += now.mode.eq(may.activate)
            with m.Elif(self.i.valid & ~hit & opened.bit_select(bank, 1)):
                m.d.comb += now.precharge.eq(may.precharge)
            with m.Elif(self.i.valid & ~hit):
                m.d.comb += now.activate.eq(may.activate)
        with m.If(now.precharge_all):
            m.d.sync += opened.eq(0)
        with m.If(now.precharge):
            m.d.sync += opened.bit_select(bank, 1).eq(0)
        with m.If(now.activate):
            m.d.sync += [opened.bit_select(bank, 1).eq(1), rows[bank].eq(row)]
        self._row_pins(m, now, bank=bank, row=row)
        return m

    def _may(self, m: Module, now: _Now) -> _May:
        clocks = self.clocks

        def rested(since: Value, cycles: int) -> Value:
            """At least so many cycles have passed since the command."""
            left = Signal(range(max(2, cycles)))
            with m.If(since):
                m.d.sync += left.eq(cycles - 1)
            with m.Elif(left != 0):
                m.d.sync += left.eq(left - 1)
            return left == 0

        column = rested(now.activate, clocks.activate_to_column)
        return _May(
            activate=rested(now.activate, clocks.activate_to_activate)
            & rested(now.precharge | now.precharge_all, clocks.precharge_to_activate)
            & rested(now.refresh, clocks.refresh_to_activate)
            & rested(now.mode, clocks.mode_to_activate),
            column=column,
            write=column & rested(now.read, clocks.read_to_write),
            precharge=rested(now.activate, clocks.activate_to_precharge) & rested(now.write, clocks.write_to_precharge),
        )

    def _upkeep(self, m: Module, now: _Now) -> tuple[Value, Value, Value]:
        """Whether the chip takes commands, whether it is owed a refresh, and whether it takes words."""
        asleep = Signal(range(self.clocks.power_up + 1), init=self.clocks.power_up)
        owed = Signal(range(2 * INITIAL_REFRESHES), init=INITIAL_REFRESHES)
        waited = Signal(range(self.clocks.refresh_interval))
        ready = Signal()  # the mode is set
        due = Signal()
        m.d.comb += due.eq(waited == self.clocks.refresh_interval - 1)
        with m.If(asleep != 0):
            m.d.sync += asleep.eq(asleep - 1)
        with m.If((asleep != 0) | due):
            m.d.sync += waited.eq(0)
        with m.Else():
            m.d.sync += waited.eq(waited + 1)
        hold(m, owed, due, now.refresh)
        with m.If(now.mode):
            m.d.sync += ready.eq(1)
        m.d.sync += self.pins.mask.eq(~ready)
        return asleep == 0, owed != 0, ready & (owed == 0)

    def _columns(self, m: Module, now: _Now, may: _May, go: Value, *, bank: Value, first: Value) -> Value:
        """Takes a word when it may go, and moves its columns; returns whether there are some left."""
        left = Signal(range(self.columns + 1))
        write, last, data = Signal(), Signal(), Signal(len(self.i.payload.data))
        at_bank, at = Signal.like(bank), Signal.like(first)
        pins = self.pins
        m.d.comb += [
            now.read.eq((left != 0) & ~write & may.column),
            now.write.eq((left != 0) & write & may.write),
            self.i.ready.eq(go & ((left == 0) | ((left == 1) & (now.read | now.write)))),
        ]
        m.d.sync += [pins.cas.eq(0), pins.we.eq(0), pins.drive.eq(now.write), pins.write_data.eq(data)]
        m.d.sync += [self.mark.column.eq(now.read), self.mark.end.eq(left == 1), self.mark.last.eq(last)]
        with m.If(now.read | now.write):
            m.d.sync += [pins.cas.eq(1), pins.we.eq(now.write), pins.bank.eq(at_bank), pins.address.eq(at)]
            m.d.sync += [left.eq(left - 1), at.eq(at + 1), data.eq(data >> DATA_BITS)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [left.eq(self.columns), at_bank.eq(bank), at.eq(first)]
            m.d.sync += [write.eq(self.i.payload.write), last.eq(self.i.payload.last), data.eq(self.i.payload.data)]
        return left != 0

    def _row_pins(self, m: Module, now: _Now, *, bank: Value, row: Value) -> None:
        """The commands that are not columns'."""
        pins = self.pins
        m.d.sync += pins.ras.eq(now.activate | now.precharge | now.precharge_all | now.refresh | now.mode)
        with m.If(now.activate):
            m.d.sync += [pins.bank.eq(bank), pins.address.eq(row)]
        with m.If(now.precharge | now.precharge_all):
            m.d.sync += [pins.we.eq(1), pins.bank.eq(bank), pins.address.eq(now.precharge_all << ALL_BANKS)]
        with m.If(now.refresh):
            m.d.sync += pins.cas.eq(1)
        with m.If(now.mode):
            m.d.sync += [pins.cas.eq(1), pins.we.eq(1), pins.bank.eq(0), pins.address.eq(MODE)]
