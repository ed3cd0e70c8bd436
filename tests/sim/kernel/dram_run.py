"""The memory model with a DRAM's timing, alone: accesses in, commands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.kernel.dram import Dram
from sim.kernel.dram_parts import part_plusargs
from tests.sim.kernel.memory_run import WORDS, Served, serve


class Event(NamedTuple):
    """A line of a trace: what a channel did, or what entered its queues."""

    clock: int
    channel: int
    name: str  # INR, INW, ACT, PRE, RED, WRT, REF
    bank: int
    row: int
    address: int = 0  # of an access

    @property
    def entry(self) -> bool:
        return self.name in ("INR", "INW")


@dataclass(frozen=True)
class Traced:
    """Of one run."""

    served: Served
    events: list[Event]

    @property
    def commands(self) -> list[Event]:
        return [event for event in self.events if not event.entry]

    def named(self) -> list[tuple[int, str, int]]:
        """(clock since the first command, name, bank) of every command."""
        first = self.commands[0].clock
        return [(event.clock - first, event.name, event.bank) for event in self.commands]


def address(dram: Dram, bank: int, row: int, column: int = 0, channel: int = 0) -> int:
    """Of an access: `column` counts the accesses of a row below `interleave`, a bank's group is its lowest bits."""
    places = dram.places()
    number = (bank // dram.groups) << places["bank"][0] | row << places["row"][0] | channel << places["channel"][0]
    return (number | column * dram.groups | bank % dram.groups) * dram.burst_bytes


def run(
    folder: Path, dram: Dram, reads: Sequence[int] = (), writes: Sequence[int] = (), *, words: int = 1, after: int = 0,
    rest: int = 8, parts: Sequence[int] = (),
) -> Traced:  # fmt: skip
    """Reads of `words` words each at these addresses, and writes of one; what lies beyond the memory reads as zero.

    `parts`: the first addresses of parts that are counted apart, ascending.
    """
    path = folder / "trace"
    plusargs = {**dram.plusargs(), "dram_trace": path, **part_plusargs({str(a): a for a in parts})}
    image = np.arange(WORDS, dtype=np.uint64)
    stores = [(place, k) for k, place in enumerate(writes)]
    served = serve(folder, image, [(a, words) for a in reads], stores, after=after, rest=rest, **plusargs)
    lines = (line.split() for line in path.read_text().splitlines())
    events = [Event(int(t), int(c), name, *map(int, places)) for t, c, name, *places in lines]
    return Traced(served, events)
