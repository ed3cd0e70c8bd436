"""Burst reader and read arbiter, with any memory that answers in order; in runs of any length.

The memory answers nothing that was not asked for, ends each burst with `last`, and may take and
answer whenever it likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, Value

from hw.lib.burst_reader import BurstReader
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import transfer
from tests.formal.spec import establish, scoreboard


@pytest.mark.parametrize("depth", [2, 3])
def test_burst_reader(depth: int, tmp_path: Path) -> None:
    """Requests and words pass in order; no word ever waits in the memory system."""

    def properties(m: Module, dut: BurstReader) -> Value:
        request, response = dut.memory.request, dut.memory.response
        length = dut.i.payload.length
        asked = Signal(range(depth + 1))  # words asked for and not yet answered
        m.d.comb += [
            Assume(~dut.i.valid | ((length >= 1) & (length <= depth))),
            Assume(~response.valid | (asked != 0)),
        ]
        left = asked - transfer(response)
        with m.If(transfer(request)):
            m.d.sync += [
                asked.eq(left + request.payload.length),
                Assert(left + request.payload.length <= depth, "more words are asked for than there is room"),
            ]
        with m.Else():
            m.d.sync += asked.eq(left)
        with m.If(response.valid):
            m.d.sync += Assert(response.ready)
        scoreboard(m, dut.i, request, capacity=1, name="requests")
        words = scoreboard(m, response, dut.o, capacity=depth, expected=response.payload.data, name="words")
        m.d.sync += Assert(dut.busy | ((words.held == 0) & (asked == 0)))
        return (words.held == depth - 1) & (asked == 1)

    establish(lambda: BurstReader(width=32, depth=depth), properties, tmp_path)


def test_read_arbiter(tmp_path: Path) -> None:
    """Requests leave in their client's order; each answer goes to the client whose burst is the oldest."""
    count, outstanding = 2, 2

    def properties(m: Module, dut: ReadArbiter) -> Value:
        request, response = dut.memory.request, dut.memory.response
        for k, client in enumerate(dut.clients):
            # The address says who asks, so that the memory's side can be told apart.
            m.d.comb += Assume(client.request.payload.address[0] == k)
            m.d.comb += Assume((client.request.payload.length >= 1) & (client.request.payload.length <= 2))
            mine = request.payload.address[0] == k
            scoreboard(m, client.request, request, capacity=1, leaves=mine, name=f"requests_{k}")
        # Bursts in the order in which the memory took them: owner, and whether it has two words.
        burst = Cat(request.payload.address[0], request.payload.length == 2)
        end = response.payload.last
        bursts = scoreboard(m, request, response, capacity=outstanding, expected=burst, leaves=0, name="bursts")
        m.d.comb += bursts.pop.eq(transfer(response) & end)
        owner, long = bursts.oldest[0], bursts.oldest[1]
        second = Signal()
        with m.If(transfer(response)):
            m.d.sync += second.eq(~end)
        m.d.comb += [
            Assume(~response.valid | (bursts.held != 0)),
            Assume(~response.valid | (end == (second | ~long))),
        ]
        takes = Cat(transfer(client.response) for client in dut.clients)
        m.d.sync += Assert(takes.any() == transfer(response))
        for k, client in enumerate(dut.clients):
            with m.If(client.response.valid):
                m.d.sync += [
                    Assert(response.valid & (owner == k), "an answer goes to a client that did not ask"),
                    Assert(client.response.payload == response.payload),
                ]
        return (bursts.held == outstanding) & takes[1] & second

    establish(lambda: ReadArbiter(width=32, count=count, outstanding=outstanding), properties, tmp_path)
