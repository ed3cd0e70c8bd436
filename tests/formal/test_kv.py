"""KV retrieval: the bursts of a run, and a memory whose ports never meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amaranth.hdl import Assert, Assume, Module, Signal, Value

from golden.kv.spec import TINY
from hw.kv.bucket_memory import BucketMemory
from hw.kv.run_reader import RunReader
from hw.lib.stream import transfer
from tests.formal.spec import establish


def test_bucket_memory(tmp_path: Path) -> None:
    """Its memory's ports never meet, whatever is added and read: what is being written comes from a register."""
    spec = replace(TINY, buckets=8, clusters=16, tokens=64)

    def properties(m: Module, dut: BucketMemory) -> Value:
        before = Signal(8)
        m.d.sync += before.eq(before << 1 | dut.add.valid)
        return before[:3].all() & (dut.o["count"] == 2)

    establish(lambda: BucketMemory(spec=spec), properties, tmp_path)


def test_run_reader(tmp_path: Path) -> None:
    """A run's bursts follow each other without a gap, none is longer than allowed, and all its words are asked for."""

    def properties(m: Module, dut: RunReader) -> Value:
        request = dut.memory.request
        # As narrow as three words from address 3 need: a proof's time grows with every bit of state.
        left = Signal(3)  # words of the run that are still to be asked for
        expected = Signal(5)
        asked = Signal(4)  # words on their way
        length = dut.i.payload.length
        m.d.comb += [
            Assume((length >= 1) & (length <= 3)),
            Assume(~dut.memory.response.valid | (asked != 0)),
        ]
        takes, asks = transfer(dut.i), dut.asked
        now = dut.memory.request.payload.length
        with m.If(asks):
            m.d.sync += Assert(dut.asked_address == expected, "a burst does not follow the one before")
        size = Signal(3)
        m.d.comb += size.eq((dut.asked_end[:5] - dut.asked_address[:5])[2:5] + 1)
        with m.If(takes):
            m.d.sync += [left.eq(length), expected.eq(dut.i.payload.address)]
            m.d.sync += Assert(left == (size & asks.replicate(3)), "a run is taken before all of the last is asked for")
        with m.Elif(asks):
            m.d.sync += [left.eq(left - size), expected.eq(expected + (size << 2))]
        m.d.sync += asked.eq(asked + (now & transfer(request).replicate(7)) - transfer(dut.memory.response))
        m.d.sync += Assert(asked <= 4)
        return (left == 1) & (asked == 2)

    establish(lambda: RunReader(width=32, depth=4, burst=2), properties, tmp_path)
