"""Readers and arbiters, with any memory that answers in order; in runs of any length.

The memory answers nothing that was not asked for, ends each burst with `last`, and may take and
answer whenever it likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal, Value
from amaranth.lib.data import StructLayout

from hw.lib.burst_reader import BurstReader
from hw.lib.list_reader import ListReader
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.row_reader import RowReader
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer
from hw.lib.write_arbiter import WriteArbiter
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


def test_list_reader(tmp_path: Path) -> None:
    """Rows follow each other from where the head says; `busy` falls when the last word is there, not before."""

    def properties(m: Module, dut: ListReader) -> Value:
        request, response = dut.memory.request, dut.memory.response
        begins = dut.start | dut.next
        loaded = Signal()  # a head
        asked = Signal()  # a row is on its way
        due, following = Signal(8), Signal(8)
        m.d.comb += [
            Assume(~(begins & dut.busy) & ~(dut.next & ~loaded & ~dut.start)),
            Assume(~response.valid | asked),
            Assume(~response.valid | response.payload.last),
        ]
        with m.If(transfer(request)):
            m.d.sync += [asked.eq(1), Assert(request.payload.address[:8] == due, "another row than the next is read")]
        with m.Elif(transfer(response)):
            m.d.sync += asked.eq(0)
            with m.If(~loaded):
                m.d.sync += [loaded.eq(1), following.eq(response.payload.data[:8])]
        with m.If(dut.start):
            m.d.sync += [loaded.eq(0), due.eq(dut.address[:8])]
        with m.Elif(dut.next):
            m.d.sync += [due.eq(following), following.eq(following + 4)]
        m.d.sync += Assert(dut.busy | ~asked)
        return dut.next & (due != following)

    layouts = StructLayout({"place": 32}), StructLayout({"row": 32})
    establish(lambda: ListReader(width=32, head=layouts[0], row=layouts[1], place="place"), properties, tmp_path)


@pytest.mark.parametrize("words", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_row_reader(words: int, tmp_path: Path) -> None:
    """A row is made of the words of one burst, the first one lowest, and no word waits in the memory system."""
    width, ahead = 32, 2

    def properties(m: Module, dut: RowReader) -> Value:
        request, response = dut.memory.request, dut.memory.response
        asked = Signal(range(ahead * words + 1))  # words asked for and not yet answered
        m.d.comb += Assume(~response.valid | (asked != 0))
        m.d.sync += asked.eq(asked + Mux(transfer(request), words, 0) - transfer(response))
        with m.If(request.valid):
            m.d.sync += Assert(request.payload.length == words)
        with m.If(response.valid):
            m.d.sync += Assert(response.ready)
        scoreboard(m, dut.i, request, capacity=1, got=request.payload.address, name="requests")
        # Rows as they have to be, from the words that the memory hands over.
        low, second = Signal(width), Signal()
        with m.If(transfer(response)):
            m.d.sync += [low.eq(response.payload.data), second.eq(~second if words > 1 else 0)]
        row = response.payload.data if words == 1 else Cat(low, response.payload.data)
        ends = second if words > 1 else 1
        rows = scoreboard(m, response, dut.o, capacity=ahead + 1, expected=row, enters=ends, name="rows")
        return (rows.held == 2) & dut.o.valid

    establish(lambda: RowReader(width=width, row_bytes=words * width // 8, ahead=ahead), properties, tmp_path)


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
            scoreboard(m, client.request, request, capacity=2, leaves=mine, name=f"requests_{k}")
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


def test_write_arbiter(tmp_path: Path) -> None:
    """The words of each client leave in its order, and `taken` says whose the memory takes."""
    count = 2

    def properties(m: Module, dut: WriteArbiter) -> Value:
        request = dut.memory.request
        held = []
        for k, client in enumerate(dut.clients):
            # The address says who writes, so that the memory's side can be told apart.
            m.d.comb += Assume(client.request.payload.address[0] == k)
            mine = request.payload.address[0] == k
            held.append(scoreboard(m, client.request, request, capacity=1, leaves=mine, name=f"words_{k}").held)
            m.d.sync += Assert(dut.taken[k] == (transfer(request) & mine))
        return (held[1] == 1) & transfer(request) & transfer(dut.clients[0].request)

    establish(lambda: WriteArbiter(width=32, count=count), properties, tmp_path)
