"""`dram_timing.v` again in plain Python, from rules on pairs of commands in place of registers of earliest clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sim.kernel.dram import PER_BANK, Dram
from tests.sim.kernel.dram_run import Event


class Rule(NamedTuple):
    """`later` comes at least `gap` clocks after `earlier`: in the same bank, in its group, or in the channel."""

    earlier: str
    later: str
    scope: str
    gap: int


def rules(dram: Dram) -> list[Rule]:
    """What the part asks for, tFAW aside."""
    last_beat = dram.cwl + dram.burst
    return [
        Rule("ACT", "RED", "bank", dram.rcd), Rule("ACT", "WRT", "bank", dram.rcd),
        Rule("ACT", "PRE", "bank", dram.ras), Rule("PRE", "ACT", "bank", dram.rp),
        Rule("ACT", "ACT", "bank", dram.rc), Rule("ACT", "ACT", "channel", dram.rrd),
        Rule("RED", "RED", "channel", dram.ccd), Rule("WRT", "WRT", "channel", dram.ccd),
        *(Rule(a, b, "group", dram.ccd_long) for a in ("RED", "WRT") for b in ("RED", "WRT")),
        Rule("RED", "WRT", "channel", dram.rtw), Rule("WRT", "RED", "channel", last_beat + dram.wtr),
        Rule("RED", "PRE", "bank", dram.rtp), Rule("WRT", "PRE", "bank", last_beat + dram.wr),
        Rule("PRE", "REF", "bank", dram.rp), Rule("ACT", "REF", "bank", dram.rc),
        Rule("REF", "ACT", "bank", dram.rfc), Rule("REF", "REF", "bank", dram.rfc),
    ]  # fmt: skip


def bus_clocks(dram: Dram) -> dict[str, int]:
    """That each command takes on the command bus."""
    column, other = dram.column_clocks, dram.precharge_clocks
    return {"ACT": dram.activate_clocks, "RED": column, "WRT": column, "PRE": other, "REF": other}


@dataclass
class Access:
    """One that waits."""

    bank: int
    row: int
    part: int = 0
    entered: int = 0
    kind: str = "row_hits"  # what was needed for it


@dataclass
class Channel:
    """What came, what waits, and what is open."""

    dram: Dram
    number: int
    queues: dict[str, list[Access]] = field(default_factory=lambda: {"RED": [], "WRT": []})
    rows: dict[int, int] = field(default_factory=dict)
    passed: dict[int, int] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)
    mode: str = "RED"
    refreshes: int = 0
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)  # of a part

    def __post_init__(self) -> None:
        self.rules, self.clocks = rules(self.dram), bus_clocks(self.dram)
        self.longest = max(rule.gap for rule in self.rules)

    def legal(self, clock: int, name: str, bank: int) -> bool:
        """Whether every pair with an earlier command, and tFAW, allow it."""
        for event in reversed(self.history):
            if clock - event.clock > self.longest:
                break
            same = {
                "channel": True,
                "bank": event.bank == bank or (event.name == "REF" and self.dram.refresh != PER_BANK),
                "group": event.bank % self.dram.groups == bank % self.dram.groups,
            }
            if any(
                rule.earlier == event.name
                and rule.later == name
                and same[rule.scope]
                and clock - event.clock < rule.gap
                for rule in self.rules
            ):
                return False
        opened = [event.clock for event in self.history if event.name == "ACT"]
        return name != "ACT" or len(opened) < 4 or clock - opened[-4] >= self.dram.faw

    def send(self, clock: int, name: str, bank: int, row: int) -> bool:
        """Does it, if it may."""
        if not self.legal(clock, name, bank):
            return False
        self.history.append(Event(clock, self.number, name, bank, row))
        if name == "ACT":
            self.rows[bank], self.passed[bank] = row, 0
        elif name == "PRE":
            del self.rows[bank]
        return True

    def due(self, clock: int) -> list[int]:
        """The banks that are to be refreshed."""
        banks = self.dram.banks
        every = self.dram.refi // banks if self.dram.refresh == PER_BANK else self.dram.refi
        if not self.dram.refi or clock < every * (self.refreshes + 1):
            return []
        return [self.refreshes % banks] if self.dram.refresh == PER_BANK else list(range(banks))

    def refresh(self, clock: int, banks: Sequence[int]) -> bool:
        """A step towards it."""
        for bank in banks:
            if bank in self.rows and self.send(clock, "PRE", bank, self.rows[bank]):
                return True
        if any(bank in self.rows or not self.legal(clock, "REF", bank) for bank in banks):
            return False
        bank = banks[0]
        self.history.append(Event(clock, self.number, "REF", bank, 0))
        self.refreshes += 1
        return True

    def turn(self) -> None:
        """Reads or writes, by what waits."""
        reads, writes, depth = len(self.queues["RED"]), len(self.queues["WRT"]), self.dram.queue
        if self.mode == "RED":
            if writes >= depth - depth // 4 or (writes > depth // 4 and not reads):
                self.mode = "WRT"
        elif not writes or (writes <= depth // 4 and reads):
            self.mode = "RED"

    def step(self, clock: int) -> None:
        """At most one command."""
        if self.history and clock < self.history[-1].clock + self.clocks[self.history[-1].name]:
            return  # the command bus is taken, which also puts off a turn
        held = self.due(clock)
        if held and self.refresh(clock, held):
            return
        self.turn()
        looked = self.queues[self.mode][: self.dram.window]
        waiting = self.ready(looked)
        for access in waiting:
            if access.bank not in held and self.send(clock, self.mode, access.bank, access.row):
                first = looked.index(access)
                if any(a.bank == access.bank and a.row != access.row for a in looked[:first]):
                    self.passed[access.bank] += 1
                self.queues[self.mode] = [a for a in self.queues[self.mode] if a is not access]
                self.counts[access.part, "bursts"] += 1
                self.counts[access.part, access.kind] += 1
                self.counts[access.part, "queued"] += clock - access.entered
                return
        self.open_or_close(clock, looked, {access.bank for access in waiting}, held)

    def ready(self, looked: Sequence[Access]) -> list[Access]:
        """Those whose row is open, but for those that have passed an older access of the bank too often."""
        found: list[Access] = []
        for place, access in enumerate(looked):
            if self.rows.get(access.bank) != access.row:
                continue
            older = any(a.bank == access.bank and a.row != access.row for a in looked[:place])
            if not older or self.passed[access.bank] < self.dram.cap:
                found.append(access)
        return found

    def open_or_close(self, clock: int, looked: Sequence[Access], waiting: set[int], held: Sequence[int]) -> None:
        """For the oldest access of a bank that can do it."""
        for bank, access in self.oldest(looked):
            if bank in held:
                continue
            if bank not in self.rows:
                if self.send(clock, "ACT", bank, access.row):
                    access.kind = "row_misses" if access.kind == "row_hits" else access.kind
                    self.counts[access.part, "activations"] += 1
                    return
            elif bank not in waiting and self.send(clock, "PRE", bank, self.rows[bank]):
                access.kind = "row_conflicts"
                return

    def oldest(self, looked: Sequence[Access]) -> Iterator[tuple[int, Access]]:
        """Of every bank the first access that needs another row."""
        seen: set[int] = set()
        for access in looked:
            if access.bank not in seen and self.rows.get(access.bank) != access.row:
                seen.add(access.bank)
                yield access.bank, access


def replay(
    dram: Dram, entries: Sequence[Event], clocks: int, parts: Sequence[int] = (0,)
) -> tuple[list[Event], Counter[tuple[int, str]]]:  # fmt: skip
    """The commands of `clocks` clocks, for accesses that enter the queues as they did, and counts by part.

    `parts`: their first addresses, ascending from 0.
    """
    channels = [Channel(dram, number) for number in range(dram.channels)]
    coming = list(reversed(entries))
    for clock in range(clocks):
        while coming and coming[-1].clock == clock:
            event = coming.pop()
            part = max(k for k, first in enumerate(parts) if event.address >= first)
            mode = "RED" if event.name == "INR" else "WRT"
            channels[event.channel].queues[mode].append(Access(event.bank, event.row, part, clock))
        for channel in channels:
            channel.step(clock)
    counts = sum((channel.counts for channel in channels), Counter[tuple[int, str]]())
    return sorted((e for channel in channels for e in channel.history), key=lambda e: (e.clock, e.channel)), counts
