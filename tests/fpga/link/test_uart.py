"""Both ends of a serial line: against each other, against a line of another clock, and against broken bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.link.uart_receiver import UartReceiver
from fpga.link.uart_transmitter import BITS, UartTransmitter
from hw.lib.stream import connect
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.simulate import refuses

DIVISORS = (4, 5, 9)


def wave(byte: int, divisor: float, *, stop: int = 1) -> list[int]:
    """A byte as a line has it, cycle by cycle, where a bit takes `divisor` cycles or about so many."""
    bits = [0, *(byte >> k & 1 for k in range(8)), stop]
    edges = [round(k * divisor) for k in range(BITS + 1)]
    return [bit for bit, begin, end in zip(bits, edges, edges[1:], strict=False) for _ in range(begin, end)]


class Received:
    """A bench that drives a receiver's line and counts what it tells."""

    def __init__(self, line: Sequence[int], expected: Sequence[int], *, divisor: int, stall: float = 0.0) -> None:
        dut = UartReceiver(divisor=divisor)
        bench = Bench(dut, deadline=len(line) + 100)
        self.framing = self.lost = 0

        async def drive(ctx) -> None:
            for level in line:
                ctx.set(dut.line, level)
                await ctx.tick()
            ctx.set(dut.line, 1)

        async def listen(ctx) -> None:
            while True:
                _, _, framing, lost = await ctx.tick().sample(dut.framing, dut.lost)
                self.framing, self.lost = self.framing + framing, self.lost + lost

        bench.process(drive)
        bench.process(listen)
        bench.sink(dut.o, expected, stall=stall)
        bench.run(drain=BITS * divisor + 12)


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("skew", [0.97, 1.0, 1.03])
def test_bytes_arrive(divisor: int, skew: float) -> None:
    """All of them, back to back and with pauses, from a sender whose clock is 3 % off."""
    rng = random.Random(divisor)
    sent = [0, 255, 0x55, 0xAA, *(rng.randrange(256) for _ in range(10))]
    line = [1] * 7
    for byte in sent:
        line += wave(byte, divisor * skew) + [1] * rng.choice((0, 0, 1, 2, 17))
    received = Received(line, sent, divisor=divisor)
    assert (received.framing, received.lost) == (0, 0)


def test_a_byte_without_its_stop_bit_is_dropped_and_counted() -> None:
    """The next one arrives; a line that stays 0, as of a cable that is not plugged in, is one such byte."""
    broken = (
        [1] * 5 + wave(0x3C, 4) + wave(0x3C, 4, stop=0) + [1] * 9 + wave(0x5A, 4) + [0] * 300 + [1] * 9 + wave(7, 4)
    )
    assert Received(broken, [0x3C, 0x5A, 7], divisor=4).framing == 2


def test_noise_is_no_start_bit() -> None:
    """A pulse that is over before the middle of a start bit begins no byte."""
    assert Received([1] * 5 + [0] * 3 + [1] * 60 + wave(9, 16), [9], divisor=16).framing == 0


def test_a_byte_without_room_is_dropped_and_counted() -> None:
    dut = UartReceiver(divisor=4)
    bench = Bench(dut)
    lost: list[int] = []

    async def drive(ctx) -> None:
        for level in wave(1, 4) + wave(2, 4) + [1] * 8 + wave(3, 4):
            ctx.set(dut.line, level)
            _, _, strobe = await ctx.tick().sample(dut.lost)
            lost.append(strobe)

    async def take(ctx) -> None:
        await ticks(ctx, 2 * 4 * BITS + 6)
        ctx.set(dut.o.ready, 1)

    bench.process(drive)
    bench.process(take)
    taken: list[int] = []

    async def listen(ctx) -> None:
        while True:
            _, _, valid, ready, byte = await ctx.tick().sample(dut.o.valid, dut.o.ready, dut.o.payload)
            taken.extend([byte] * (valid & ready))

    bench.process(listen)
    bench.run(drain=160)
    assert taken == [1, 3]
    assert sum(lost) == 1


class Loop(wiring.Component):
    """A transmitter and a receiver on one line."""

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "line": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self.divisor)
        m.submodules.receiver = receiver = UartReceiver(divisor=self.divisor)
        connect(m, wiring.flipped(self.i), transmitter.i)
        connect(m, receiver.o, wiring.flipped(self.o))
        m.d.comb += [receiver.line.eq(transmitter.line), self.line.eq(transmitter.line)]
        return m


@pytest.mark.parametrize("divisor", DIVISORS)
def test_transmitter_and_receiver_understand_each_other(divisor: int) -> None:
    """In order and without loss, at the speed that is promised."""
    rng = random.Random(divisor)
    sent = [rng.randrange(256) for _ in range(12)]
    bench = Bench(Loop(divisor))
    bench.source(bench.dut.i, sent)
    log = bench.sink(bench.dut.o, sent)
    bench.run(drain=BITS * divisor)
    assert log.cycles[-1] - log.cycles[0] == (len(sent) - 1) * (BITS * divisor + 1)


def test_the_line_is_as_the_standard_has_it() -> None:
    """Level by level: start bit, the lowest bit first, stop bit, rest."""
    dut = UartTransmitter(divisor=5)
    bench = Bench(dut)
    bench.source(dut.i, [0xC5])
    levels: list[int] = []

    async def listen(ctx) -> None:
        while True:
            levels.append((await ctx.tick().sample(dut.line))[2])

    bench.process(listen)
    bench.run(drain=60)
    begin = levels.index(0)
    assert levels[begin : begin + 50] == wave(0xC5, 5)
    assert all(levels[:begin] + levels[begin + 50 :])


def test_what_is_refused() -> None:
    refuses("divisor must be at least 4, it is 3", lambda: UartReceiver(divisor=3))
    refuses("divisor must be at least 2, it is 1", lambda: UartTransmitter(divisor=1))
