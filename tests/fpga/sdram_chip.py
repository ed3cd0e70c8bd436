"""An SDR SDRAM in Amaranth's simulator, which refuses whatever a data sheet forbids."""

from __future__ import annotations

from collections import deque
from typing import Any

from amaranth.hdl import Cat

from fpga.sdram_timing import CAS_LATENCY, INITIAL_REFRESHES, SdramChip, SdramClocks

NOP, ACTIVE, READ, WRITE, PRECHARGE, REFRESH, MODE, STOP = 0b000, 0b100, 0b010, 0b011, 0b101, 0b110, 0b111, 0b001
NEVER = -(10**9)
REGISTERS = 3  # clocks from a command's choice to the chip's, those of controller and pads
#: What is on the pins while nobody drives them.
NOISE = 0xDEAD


class BrokenRuleError(AssertionError):
    """A command that the chip does not take."""


class ChipModel:
    """Banks, rows and columns behind the pads' registers.

    Args:
        pins: of the controller. chip: its size; times are those of `clocks`, which may differ from the controller's.
            `other_row` is how far rows of different banks are apart, `longest` how long one may be open, `lasts` the
            cycles in which every row must be refreshed.
    """

    def __init__(
        self, pins: Any, chip: SdramChip, clocks: SdramClocks, *, other_row: int, longest: int, lasts: float
    ) -> None:
        self.pins, self.chip, self.clocks = pins, chip, clocks
        self.other_row, self.longest, self.lasts = other_row, longest, lasts
        self.data: dict[tuple[int, int, int], int] = {}
        self.open: list[int | None] = [None] * chip.banks
        self.activated, self.closed = [NEVER] * chip.banks, [NEVER] * chip.banks
        self.read, self.written = NEVER, [NEVER] * chip.banks
        self.mode_set = NEVER
        self.initialised = False
        self.all_closed = False  # since power-up
        self.refreshes: list[int] = []
        self.now = 0
        self.counts: dict[int, int] = dict.fromkeys((ACTIVE, READ, WRITE, PRECHARGE, REFRESH, MODE), 0)

    async def run(self, ctx: Any) -> None:
        """Beside the streams of a bench."""
        pins = self.pins
        command = Cat(pins.we, pins.cas, pins.ras)
        outgoing: deque[int | None] = deque([None] * (CAS_LATENCY - 1))
        pad = (NOP, 0, 0, 0, 0, 1)
        looked = (command, pins.bank, pins.address, pins.write_data, pins.drive, pins.mask)
        while True:
            _, _, *seen = await ctx.tick().sample(*looked)
            outgoing.append(self.clock(*pad))
            driven = outgoing.popleft()
            # The chip's clock lies between ours: a column is on the wires in halves of two cycles of the pads.
            self._demand(driven is None or not (pad[4] or seen[4]), "chip and controller drive the data together")
            ctx.set(pins.read_data, NOISE if driven is None else driven)
            pad = tuple(seen)

    def clock(self, command: int, bank: int, address: int, data: int, drive: int, mask: int) -> int | None:
        """A rising edge; returns the column that is read, which the chip drives a latency later."""
        self.now += 1
        self._demand(
            self.now - (self.refreshes or [self.now])[0] < self.lasts or self._fresh(), "refresh comes too late"
        )
        for row, activated in zip(self.open, self.activated, strict=True):
            self._demand(row is None or self.now - activated <= self.longest, "a row is open for too long")
        self._demand(drive == (command == WRITE), "the data is driven with a WRITE and only then")
        if command == NOP:
            return None
        self._after(REGISTERS, self.clocks.power_up, "power-up")
        self._demand(command != STOP, "no command")
        self.counts[command] += 1
        step = {
            ACTIVE: self._activate, READ: self._column, WRITE: self._column, PRECHARGE: self._precharge,
            REFRESH: self._refresh, MODE: self._mode,
        }[command]  # fmt: skip
        return step(command, bank, address, data, mask)

    def _demand(self, holds: bool, rule: str) -> None:
        if not holds:
            raise BrokenRuleError(f"{rule} (clock {self.now})")

    def _after(self, event: int, clocks: int, rule: str) -> None:
        self._demand(self.now - event >= clocks, rule)

    def _fresh(self) -> bool:
        """The last refreshes, one a row, all lie within the time that a row lasts."""
        some = self.refreshes[-self.chip.rows :]
        return len(some) == self.chip.rows and self.now - some[0] <= self.lasts

    def _idle(self) -> None:
        """No row is open, and all that was under way is done."""
        self._demand(self.open == [None] * self.chip.banks, "a row is open")
        self._demand(self.all_closed, "the first command is PRECHARGE of all banks")
        for bank in range(self.chip.banks):
            self._after(self.closed[bank], self.clocks.precharge_to_activate, "precharge_to_activate")
            self._after(self.activated[bank], self.clocks.activate_to_activate, "activate_to_activate")
        self._after((self.refreshes or [NEVER])[-1], self.clocks.refresh_to_activate, "refresh_to_activate")
        self._after(self.mode_set, self.clocks.mode_to_activate, "mode_to_activate")

    def _activate(self, _: int, bank: int, row: int, *__: int) -> None:
        self._demand(self.initialised, "a row before the mode")
        self._demand(self.open[bank] is None, "the bank has a row open")
        self._demand(row < self.chip.rows, "there is no such row")
        self._after(self.closed[bank], self.clocks.precharge_to_activate, "precharge_to_activate")
        self._after(self.activated[bank], self.clocks.activate_to_activate, "activate_to_activate")
        self._after(max(self.activated), self.other_row, "other_row")
        self._after(self.refreshes[-1], self.clocks.refresh_to_activate, "refresh_to_activate")
        self._after(self.mode_set, self.clocks.mode_to_activate, "mode_to_activate")
        self.open[bank], self.activated[bank] = row, self.now

    def _column(self, command: int, bank: int, column: int, data: int, mask: int) -> int | None:
        row = self.open[bank]
        self._demand(row is not None, "no row is open")
        self._demand(column < self.chip.columns, "there is no such column, or the row is precharged behind it")
        self._demand(not mask, "the bytes are masked")
        self._after(self.activated[bank], self.clocks.activate_to_column, "activate_to_column")
        place = (bank, row or 0, column)
        if command == READ:
            self.read = self.now
            return self.data.get(place, NOISE)
        self._after(self.read, self.clocks.read_to_write, "read_to_write")
        self.data[place], self.written[bank] = data, self.now
        return None

    def _precharge(self, _: int, bank: int, address: int, *__: int) -> None:
        every = address >> 10 & 1
        self.all_closed |= bool(every)
        for k in range(self.chip.banks) if every else (bank,):
            if self.open[k] is not None:
                self._after(self.activated[k], self.clocks.activate_to_precharge, "activate_to_precharge")
                self._after(self.written[k], self.clocks.write_to_precharge, "write_to_precharge")
            self.open[k], self.closed[k] = None, self.now

    def _refresh(self, *_: int) -> None:
        self._idle()
        self.refreshes.append(self.now)

    def _mode(self, _: int, bank: int, address: int, *__: int) -> None:
        self._idle()
        self._demand(len(self.refreshes) >= INITIAL_REFRESHES, "too few refreshes before the mode")
        self._demand(bank == 0 and address & ~0x200 == CAS_LATENCY << 4, "bursts of one column, CAS latency 2")
        self.mode_set, self.initialised = self.now, True
