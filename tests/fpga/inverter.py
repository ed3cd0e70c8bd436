"""A small engine for the link: it reads words and writes their complements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring

from hw.lib.counters import CounterLayout, count
from hw.lib.engine_ports import engine_ports
from hw.lib.stream import transfer
from sim.kernel.compare import Results
from sim.kernel.jobs import Bytes, JobResult
from sim.kernel.roofline import Roofline
from sim.kernel.run import Operation

COUNTERS = CounterLayout({"cycles": "cycles of the job", "words": "words that were inverted"})
WORD = 16


@dataclass(frozen=True)
class Config:
    """Nothing to choose but a number that gives another hash."""

    variant: int = 0
    word_bytes: int = WORD


class Inverter(wiring.Component):
    """Header: address of the words, address of their complements, number of words; 4 bytes each."""

    def __init__(self) -> None:
        super().__init__(engine_ports(8 * WORD, COUNTERS))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        source, target, left = Signal(32), Signal(32), Signal(32)
        request, response, write = self.read.request, self.read.response, self.write.request
        m.d.comb += [
            request.payload.address.eq(source),
            request.payload.length.eq(1),
            write.payload.address.eq(target),
            write.payload.data.eq(~response.payload.data),
            write.payload.last.eq(left == 1),
        ]
        begin, moved = Signal(), Signal()
        m.d.comb += [begin.eq(self.start & ~self.busy), moved.eq(transfer(write))]
        count(m, self.counters, {"cycles": self.busy, "words": moved}, clear=begin)
        with m.FSM() as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("REST"))
            with m.State("REST"), m.If(self.start):
                m.d.sync += source.eq(self.address)
                m.next = "ASK_HEADER"
            with m.State("ASK_HEADER"):
                m.d.comb += request.valid.eq(1)
                with m.If(request.ready):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += response.ready.eq(1)
                header = response.payload.data
                m.d.sync += [source.eq(header[:32]), target.eq(header[32:64]), left.eq(header[64:96])]
                with m.If(response.valid):
                    m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += request.valid.eq(left != 0)
                with m.If(left == 0):
                    m.next = "REST"
                with m.Elif(request.ready):
                    m.next = "MOVE"
            with m.State("MOVE"):
                m.d.comb += [write.valid.eq(response.valid), response.ready.eq(write.ready)]
                with m.If(moved):
                    m.d.sync += [source.eq(source + WORD), target.eq(target + WORD), left.eq(left - 1)]
                    m.next = "ASK"
        return m


@dataclass(frozen=True)
class Memory:
    """Header, words, and room for their complements."""

    data: Bytes
    result_address: int
    result_bytes: int
    header_address: int = 0


@dataclass(frozen=True)
class Inversion:
    """A workload."""

    memory: Memory
    config: Config

    def info(self) -> dict[str, Any]:
        return {"words": self.memory.result_bytes // WORD}


def inversion(words: int, *, seed: int = 1, config: Config = Config(), beyond: int | None = None) -> Inversion:
    """Random words to invert; with `beyond` their complements go there instead."""
    target = WORD * (1 + words)
    header = np.array([WORD, target if beyond is None else beyond, words, 0], "<u4").view(np.uint8)
    numbers = np.random.default_rng(seed).integers(0, 256, words * WORD, dtype=np.uint8)
    return Inversion(Memory(np.concatenate([header, numbers]), target, words * WORD), config)


def _complements(workload: Inversion) -> Results:
    return {"words": ~workload.memory.data[WORD:].reshape(-1, WORD)}


def _read(_: Inversion, job: JobResult) -> Results:
    return {"words": job.data.reshape(-1, WORD)}


INVERT = Operation[Inversion](
    engine="inverter",
    top=lambda _: Inverter(),
    counters=COUNTERS,
    read=_read,
    model=_complements,
    expected=lambda _, model: model,
    reference=_complements,
    roofline=lambda _, job, __: Roofline(cycles=job.counters["cycles"], stages={"move": float(job.counters["words"])}),
)
