"""KV retrieval: handshakes, and that no slot of the near level is given out before its block was copied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amaranth.hdl import Assert, Assume, Module, Signal, Value

from golden.kv.spec import EVICT_AHEAD, TINY
from hw.kv.block_store import BlockStore
from hw.kv.config import tiny
from hw.kv.run_reader import RunReader
from hw.lib.stream import transfer
from tests.formal.spec import establish


def test_block_store(tmp_path: Path) -> None:
    """A slot's last block is copied before the slot is given out; at most eight copies are owed."""
    config = replace(tiny(), compare_width=2, spec=replace(TINY, clusters=16, blocks=32, near_blocks=16))

    def properties(m: Module, dut: BlockStore) -> Value:
        copied = Signal(range(config.spec.blocks + 1))
        begun = Signal()
        m.d.sync += [begun.eq(1), copied.eq(copied + dut.evicted)]
        # Any closed block may be copied at any time, even before the order to copy it has left.
        m.d.comb += [Assume(~dut.begin | ~begun), Assume(~dut.evicted | (dut.closed != copied))]
        m.d.sync += [
            Assert(dut.allocated <= copied + config.spec.near_blocks, "a slot is given out before its block is copied"),
            Assert(dut.closed <= copied + EVICT_AHEAD, "more copies are owed than slots are kept free"),
            Assert(dut.closed <= dut.allocated),
        ]
        return dut.allocated == 1

    establish(lambda: BlockStore(config=config), properties, tmp_path)


def test_run_reader(tmp_path: Path) -> None:
    """A run's bursts follow each other without a gap, none is longer than allowed, and all its words are asked for."""

    def properties(m: Module, dut: RunReader) -> Value:
        request = dut.memory.request
        left = Signal(8)  # words of the run that are still to be asked for
        expected = Signal(32)
        asked = Signal(8)  # words on their way
        length = dut.i.payload.length
        m.d.comb += [
            Assume((length >= 1) & (length <= 3)),
            Assume(~dut.memory.response.valid | (asked != 0)),
        ]
        takes, asks = transfer(dut.i), dut.asked
        now = dut.memory.request.payload.length
        with m.If(asks):
            m.d.sync += Assert(dut.asked_address == expected, "a burst does not follow the one before")
        size = Signal(8)
        m.d.comb += size.eq(((dut.asked_end - dut.asked_address) >> 2) + 1)
        with m.If(takes):
            m.d.sync += [left.eq(length), expected.eq(dut.i.payload.address)]
            m.d.sync += Assert(left == (size & asks.replicate(8)), "a run is taken before all of the last is asked for")
        with m.Elif(asks):
            m.d.sync += [left.eq(left - size), expected.eq(expected + (size << 2))]
        m.d.sync += asked.eq(asked + (now & transfer(request).replicate(7)) - transfer(dut.memory.response))
        m.d.sync += Assert(asked <= 4)
        return (left == 1) & (asked == 2)

    establish(lambda: RunReader(width=32, depth=4, burst=2), properties, tmp_path)
