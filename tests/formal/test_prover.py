"""A proof must be able to fail: broken designs are refuted, with the cycles that show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Value

from hw.lib.queue import StreamQueue
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import transfer
from tests.formal.prove import RefutedError, prove
from tests.formal.spec import StreamSpec, scoreboard


class ForgetfulBuffer(SkidBuffer):
    """Ready even when both registers are full."""

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.buffer = buffer = SkidBuffer(shape=len(self.i.payload))
        m.d.comb += [
            buffer.i.payload.eq(self.i.payload),
            buffer.i.valid.eq(self.i.valid),
            self.i.ready.eq(1),
            self.o.payload.eq(buffer.o.payload),
            self.o.valid.eq(buffer.o.valid),
            buffer.o.ready.eq(self.o.ready),
        ]
        return m


class ImpatientBuffer(SkidBuffer):
    """Withdraws its payload when it is not taken at once."""

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += self.i.ready.eq(1)
        m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


class SmallQueue(StreamQueue):
    """Holds one payload less than it says."""

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.queue = queue = StreamQueue(shape=len(self.i.payload), depth=self.depth - 1)
        m.d.comb += [
            queue.i.payload.eq(self.i.payload),
            queue.i.valid.eq(self.i.valid),
            self.i.ready.eq(queue.i.ready),
            self.o.payload.eq(queue.o.payload),
            self.o.valid.eq(queue.o.valid),
            queue.o.ready.eq(self.o.ready),
        ]
        return m


def passes_on(m: Module, dut: Any) -> Value:
    return scoreboard(m, dut.i, dut.o, capacity=2).held == 2


def test_a_lost_payload_is_found(tmp_path: Path) -> None:
    with pytest.raises(RefutedError) as refuted:
        prove(StreamSpec(ForgetfulBuffer(shape=2), passes_on), tmp_path)
    text = str(refuted.value)
    assert 'Assert(left != self.capacity, "more is held than the capacity")' in text
    lines = text.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert rows["cycle"][:3] == ["0", "1", "2"]
    assert rows["i__valid"][:3] == rows["i__ready"][:3] == ["1", "1", "1"]
    assert rows["o__ready"][:3] == ["0", "0", "0"]


def test_a_broken_stream_rule_is_found(tmp_path: Path) -> None:
    with pytest.raises(RefutedError, match=r"valid was withdrawn|the payload changed"):
        prove(StreamSpec(ImpatientBuffer(shape=2), lambda m, dut: transfer(dut.o)), tmp_path)


def test_a_goal_that_is_out_of_reach_is_no_goal(tmp_path: Path) -> None:
    """What `establish` relies on: an unreachable goal is proved to be one."""

    def full(m: Module, dut: SmallQueue) -> Value:
        return scoreboard(m, dut.i, dut.o, capacity=3).held == 3

    prove(StreamSpec(SmallQueue(shape=1, depth=3), full, probe=True), tmp_path)


def test_bounded_proofs(tmp_path: Path) -> None:
    """With a depth the proof covers so many cycles: the third payload is lost in the third."""
    (tmp_path / "short").mkdir()
    prove(StreamSpec(ForgetfulBuffer(shape=2), passes_on), tmp_path / "short", depth=2)
    (tmp_path / "long").mkdir()
    with pytest.raises(RefutedError, match="more is held than the capacity"):
        prove(StreamSpec(ForgetfulBuffer(shape=2), passes_on), tmp_path / "long", depth=4)
