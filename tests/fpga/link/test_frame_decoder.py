"""The frame decoder: frames in any noise, each right one once, and nothing of a wrong one."""

from __future__ import annotations

import random

import pytest

from fpga.link.frame_decoder import FrameDecoder
from fpga.link.protocol import START_BYTE, encode
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses

MOST, TIMEOUT = 24, 40


class Decoded:
    """A bench around a decoder, its sinks, and what it told."""

    def __init__(self, line: bytes, frames: list[tuple[int, int, bytes]], *, seed: int = 1, stall: float = 0.3) -> None:
        self.dut = FrameDecoder(most=MOST, timeout=TIMEOUT)
        self.bench = Bench(self.dut, seed=seed)
        self.bench.source(self.dut.i, list(line), stall=stall)
        headers = [{"length": len(p), "sequence": s, "command": c} for c, s, p in frames]
        self.bench.sink(self.dut.frame, headers, stall=0.5)
        self.bench.sink(self.dut.payload, [byte for _, _, payload in frames for byte in payload], stall=0.5)
        self.told = dict.fromkeys(("bad_crc", "bad_length", "timed_out"), 0)
        self.bench.process(self._count)
        self.bench.run(drain=4 * TIMEOUT)

    async def _count(self, ctx) -> None:
        strobes = [getattr(self.dut, name) for name in self.told]
        while True:
            _, _, *values = await ctx.tick().sample(*strobes)
            for name, value in zip(self.told, values, strict=True):
                self.told[name] += value


def some(number: int, seed: int) -> list[tuple[int, int, bytes]]:
    """Frames of random length, the shortest and the longest among them; some hold the start byte."""
    rng = random.Random(seed)
    lengths = [0, 1, MOST, *(rng.randrange(MOST + 1) for _ in range(number - 3))]
    return [
        (rng.randrange(256), rng.randrange(256), bytes(rng.choice((START_BYTE, rng.randrange(256))) for _ in range(n)))
        for n in lengths
    ]


def test_right_frames_come_out_once_and_in_order() -> None:
    frames = some(12, 1)
    decoded = Decoded(b"".join(encode(*frame) for frame in frames), frames)
    assert not any(decoded.told.values())


def test_what_stands_between_frames_is_passed_over() -> None:
    frames = some(4, 2)
    line = b"".join(b"\x00\x11\xff" + encode(*frame) for frame in frames)
    assert not any(Decoded(line, frames).told.values())


GOOD = (3, 9, b"as sent")


def spoilt(frame: tuple[int, int, bytes], place: int) -> bytes:
    """One bit of a byte of the frame is wrong."""
    line = bytearray(encode(*frame))
    line[place] ^= 0x10
    return bytes(line)


@pytest.mark.parametrize("place", [3, 4, 5, 11, 12, 15])
def test_a_wrong_bit_anywhere_drops_the_frame(place: int) -> None:
    """In sequence number, command, payload or CRC: nothing of the frame comes out, and the next one does."""
    decoded = Decoded(encode(*GOOD) + spoilt((7, 7, b"not this"), place) + encode(*GOOD), [GOOD, GOOD])
    assert decoded.told == {"bad_crc": 1, "bad_length": 0, "timed_out": 0}


def test_an_impossible_length_is_refused_at_once() -> None:
    """The decoder hunts from there; the payload is noise to it."""
    decoded = Decoded(encode(1, 1, bytes(MOST + 1)) + encode(*GOOD), [GOOD])
    assert decoded.told == {"bad_crc": 0, "bad_length": 1, "timed_out": 0}


@pytest.mark.parametrize("left", range(1, len(encode(*GOOD))))
def test_a_frame_that_breaks_off_is_given_up(left: int) -> None:
    """Wherever it does; the time-out makes the decoder ready for the next frame."""
    dut = FrameDecoder(most=MOST, timeout=TIMEOUT)
    bench = Bench(dut)
    told = []

    async def drive(ctx) -> None:
        for byte in encode(*GOOD)[:left]:
            await give(ctx, dut, byte)
        told.extend([(await ctx.tick().sample(dut.timed_out))[2] for _ in range(TIMEOUT + 2)])
        for byte in encode(*GOOD):
            await give(ctx, dut, byte)

    bench.process(drive)
    bench.sink(dut.frame, [{"length": len(GOOD[2]), "sequence": 9, "command": 3}])
    bench.sink(dut.payload, list(GOOD[2]))
    bench.run()
    assert sum(told) == 1


def test_a_slow_sender_is_waited_for() -> None:
    """A byte in the last cycle before the time-out still counts."""
    dut = FrameDecoder(most=MOST, timeout=TIMEOUT)
    bench = Bench(dut)

    async def drive(ctx) -> None:
        for byte in encode(*GOOD):
            await give(ctx, dut, byte)
            for _ in range(TIMEOUT - 1):
                await ctx.tick()

    bench.process(drive)
    bench.sink(dut.frame, [{"length": len(GOOD[2]), "sequence": 9, "command": 3}])
    bench.sink(dut.payload, list(GOOD[2]))
    bench.run()


async def give(ctx, dut: FrameDecoder, byte: int) -> None:
    """Offers a byte until it is taken."""
    ctx.set(dut.i.payload, byte)
    ctx.set(dut.i.valid, 1)
    taken = False
    while not taken:
        taken = (await ctx.tick().sample(dut.i.ready))[2]
    ctx.set(dut.i.valid, 0)


def test_noise_never_makes_a_frame_and_never_stops_the_decoder() -> None:
    """Random bytes, start bytes among them; behind the last time-out the decoder takes a frame."""
    rng = random.Random(5)
    noise = bytes(rng.choice((START_BYTE, rng.randrange(4), rng.randrange(256))) for _ in range(600))
    dut = FrameDecoder(most=MOST, timeout=TIMEOUT)
    bench = Bench(dut)

    async def drive(ctx) -> None:
        for byte in noise:
            await give(ctx, dut, byte)
        for _ in range(TIMEOUT + 2):
            await ctx.tick()
        for byte in encode(*GOOD):
            await give(ctx, dut, byte)

    bench.process(drive)
    bench.sink(dut.frame, [{"length": len(GOOD[2]), "sequence": 9, "command": 3}])
    bench.sink(dut.payload, list(GOOD[2]))
    bench.run()


def test_what_is_refused() -> None:
    refuses("most must be at least 1, it is 0", lambda: FrameDecoder(most=0, timeout=9))
    refuses("timeout must be at least 1, it is 0", lambda: FrameDecoder(most=9, timeout=0))
