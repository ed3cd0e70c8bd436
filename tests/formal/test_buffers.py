"""Queue, skid buffer, stream pipeline: what enters leaves once, unchanged and in order, in runs of any length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.bypass_buffer import BypassBuffer
from hw.lib.pipe import Pipe
from hw.lib.queue import StreamQueue
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import transfer
from hw.lib.stream_pipeline import StreamPipeline
from tests.formal.spec import Properties, establish, scoreboard


def holds(capacity: int) -> Properties:
    """Everything comes out, and `capacity` payloads fit in at once, not one more."""

    def properties(m: Module, dut: StreamQueue | SkidBuffer) -> Value:
        return scoreboard(m, dut.i, dut.o, capacity=capacity).held == capacity

    return properties


@pytest.mark.parametrize(
    ("make", "capacity"),
    [
        (lambda: SkidBuffer(shape=3), 2),
        (lambda: StreamQueue(shape=2, depth=1), 1),
        (lambda: StreamQueue(shape=2, depth=2), 2),
        (lambda: StreamQueue(shape=2, depth=3), 3),
        (lambda: StreamQueue(shape=2, depth=4), 4),
    ],
)
def test_buffers(make: Callable[[], wiring.Component], capacity: int, tmp_path: Path) -> None:
    establish(make, holds(capacity), tmp_path)


def test_bypass_buffer(tmp_path: Path) -> None:
    """What is offered is what waits, else what comes; nothing is taken while something waits."""

    def properties(m: Module, dut: BypassBuffer) -> Value:
        held, word = Signal(), Signal(3)
        with m.If(transfer(dut.i) & ~transfer(dut.o)):
            m.d.sync += [held.eq(1), word.eq(dut.i.payload)]
        with m.Elif(transfer(dut.o)):
            m.d.sync += held.eq(0)
        m.d.sync += [Assert(dut.i.ready == ~held), Assert(dut.o.valid == (held | dut.i.valid))]
        with m.If(dut.o.valid):
            m.d.sync += Assert(dut.o.payload == Mux(held, word, dut.i.payload))
        return held & dut.i.valid & transfer(dut.o)

    establish(lambda: BypassBuffer(shape=3), properties, tmp_path)


class Increment(wiring.Component):
    """o = {i + 1, bit 0 of i}, two cycles later."""

    latency = 2

    def __init__(self) -> None:
        super().__init__({"i": In(2), "o": Out(data.StructLayout({"value": 2, "odd": 1}))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        i = p.source(self.i, "i")
        p.finish(
            self.o,
            self.latency,
            value=p.stage(lambda v: v, p.stage(lambda v: (v + 1)[:2], i, name="sum"), name="value"),
            odd=p.stage(lambda v: v[0], i, name="odd"),
        )
        return m


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("keep", [None, "odd"])
def test_stream_pipeline(depth: int, keep: str | None, tmp_path: Path) -> None:
    """Kept payloads come out in order; the input is ready exactly while less than `depth` are inside."""

    def properties(m: Module, dut: StreamPipeline) -> Value:
        kept = dut.i.payload[0] if keep else Const(1, 1)
        # A dropped payload is inside until the datapath has answered it.
        dropped = [transfer(dut.i) & ~kept]
        for k in range(Increment.latency):
            dropped.append(Signal(name=f"dropped_{k}"))
            m.d.sync += dropped[-1].eq(dropped[-2])
        inside = Signal(range(depth + 1))
        m.d.sync += [
            inside.eq(inside + transfer(dut.i) - transfer(dut.o) - dropped[-1]),
            Assert(dut.i.ready == (inside != depth)),
        ]
        expected = Cat((dut.i.payload + 1)[:2], dut.i.payload[0])
        return scoreboard(m, dut.i, dut.o, capacity=depth, expected=expected, enters=kept).held == depth

    establish(lambda: StreamPipeline(Increment(), depth=depth, keep=keep), properties, tmp_path)
