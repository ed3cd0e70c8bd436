"""An engine for tests of boards: small, and slow or wrong on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring

from golden.region import region
from hw.lib.counters import CounterLayout
from hw.lib.engine_ports import engine_ports
from hw.lib.stream import transfer
from sim.kernel.vectors import Vectors

WORDS, SOURCE, TARGET, WORD_BYTES = 12, 0, 4096, 16
COUNTERS = CounterLayout({"words": "words that were written"})


@dataclass(frozen=True)
class CopyConfig:
    """Of `Copier`."""

    word_bytes: int = WORD_BYTES


class Copier(wiring.Component):
    """Writes the complement of `WORDS` words from `address` on to `TARGET`, or to where it is told."""

    def __init__(self, *, target: int = TARGET, hangs: bool = False) -> None:
        self.target, self.hangs = target, hangs
        super().__init__(engine_ports(8 * WORD_BYTES, COUNTERS))

    def elaborate(self, platform: Any) -> Elaboratable:
        m = Module()
        request, response, write = self.read.request, self.read.response, self.write.request
        place, asked = Signal(range(WORDS + 1)), Signal()
        m.d.comb += [
            request.payload.address.eq(self.address),
            request.payload.length.eq(WORDS),
            request.valid.eq(self.busy & ~asked),
            response.ready.eq(write.ready),
            write.valid.eq(response.valid),
            write.payload.address.eq(self.target + place * WORD_BYTES),
            write.payload.data.eq(~response.payload.data),
            write.payload.last.eq(response.payload.last),
        ]
        with m.If(transfer(request)):
            m.d.sync += asked.eq(1)
        with m.If(transfer(write)):
            m.d.sync += [place.eq(place + 1), self.counters.words.eq(self.counters.words + 1)]
        with m.If(self.start & ~self.busy):
            m.d.sync += [self.busy.eq(1), place.eq(0), asked.eq(0)]
        with m.Elif((place == WORDS) & (not self.hangs)):
            m.d.sync += self.busy.eq(0)
        return m


def copy_vectors() -> Vectors:
    """What `Copier` does to random words; of every word it knows all bytes but the last."""
    data = np.random.default_rng(5).integers(0, 256, WORDS * WORD_BYTES, np.uint8)
    results = region(len(data), [(k, ~data[k : k + WORD_BYTES - 1]) for k in range(0, len(data), WORD_BYTES)])
    return Vectors(data=data, header_address=SOURCE, result_address=TARGET, results=results)
