"""Fork, join, arbiter, demux: every payload to its place, once and in order, in runs of any length."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Cat, Module, Signal, Value

from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.demux import StreamDemux
from hw.lib.fork import StreamFork
from hw.lib.join import StreamJoin
from hw.lib.stream import transfer
from tests.formal.spec import establish, scoreboard


@pytest.mark.parametrize("count", [2, 3])
def test_fork(count: int, tmp_path: Path) -> None:
    """Each taker gets each payload exactly once, and the input moves when the last one has it."""

    def properties(m: Module, dut: StreamFork) -> Value:
        has = Signal(count)  # takers that have the payload at the input
        takes = Cat(transfer(o) for o in dut.o)
        m.d.sync += [
            has.eq((has | takes) & ~transfer(dut.i).replicate(count)),
            Assert((has & takes) == 0),
            Assert(dut.i.ready == (has | takes).all()),
        ]
        for k, o in enumerate(dut.o):
            with m.If(dut.i.valid & ~has[k]):
                m.d.sync += [Assert(o.valid), Assert(o.payload == dut.i.payload)]
            with m.Else():
                m.d.sync += Assert(~o.valid)
        return (has == 1) & takes[-1] & dut.i.ready

    establish(lambda: StreamFork(shape=2, count=count), properties, tmp_path)


def test_join(tmp_path: Path) -> None:
    """All inputs move with the output, and only together."""

    def properties(m: Module, dut: StreamJoin) -> Value:
        inputs = {"a": dut.i_a, "b": dut.i_b, "c": dut.i_c}
        m.d.sync += Assert(dut.o.valid == Cat(i.valid for i in inputs.values()).all())
        for name, i in inputs.items():
            m.d.sync += Assert(transfer(i) == transfer(dut.o))
            with m.If(dut.o.valid):
                m.d.sync += Assert(dut.o.payload[name] == i.payload)
        return transfer(dut.o)

    establish(lambda: StreamJoin(shapes={"a": 2, "b": 1, "c": 3}), properties, tmp_path)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_arbiter(count: int, tmp_path: Path) -> None:
    """Each source's payloads arrive in order under its name; none waits for more than count - 1 others."""

    def properties(m: Module, dut: RoundRobinArbiter) -> Value:
        moves = Cat(transfer(i) for i in dut.i)
        m.d.sync += Assert((moves & (moves - 1)[:count]) == 0)
        with m.If(~dut.o.valid | dut.o.ready):
            m.d.sync += Assert(moves.any() == Cat(i.valid for i in dut.i).any())
        others = [Signal(range(count + 1), name=f"others_{k}") for k in range(count)]
        for k, (i, waited) in enumerate(zip(dut.i, others, strict=True)):
            source = dut.o.payload.source == k
            scoreboard(m, i, dut.o, capacity=1, leaves=source, got=dut.o.payload.data, name=f"board_{k}")
            m.d.sync += Assert(waited < count)
            with m.If(moves[k] | ~i.valid):
                m.d.sync += waited.eq(0)
            with m.Elif(moves.any()):
                m.d.sync += waited.eq(waited + 1)
        return (others[0] == count - 1) & moves[0]

    establish(lambda: RoundRobinArbiter(shape=2, count=count), properties, tmp_path)


@pytest.mark.parametrize("count", [2, 3])
def test_demux(count: int, tmp_path: Path) -> None:
    """A payload goes to the output it names, or is dropped and counted."""

    def properties(m: Module, dut: StreamDemux) -> Value:
        target = dut.i.payload.target
        for k, o in enumerate(dut.o):
            m.d.sync += Assert(o.valid == (dut.i.valid & (target == k)))
            with m.If(o.valid):
                m.d.sync += [Assert(o.payload == dut.i.payload.data), Assert(dut.i.ready == o.ready)]
        nowhere = dut.i.valid & (target >= count)
        with m.If(nowhere):
            m.d.sync += Assert(dut.i.ready)
        dropped = Signal.like(dut.dropped)
        m.d.sync += [dropped.eq(dut.dropped + nowhere), Assert(dut.dropped == dropped)]
        return dut.dropped == 2 if count == 3 else transfer(dut.o[1])

    establish(lambda: StreamDemux(shape=2, count=count), properties, tmp_path)
