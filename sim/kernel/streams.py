"""Drivers and monitors of stream ports, for cocotb benches on Verilator.

One rule of time, here and nowhere else: inputs change after the falling edge; once everything has
settled, `valid` and `ready` say what will move at the next rising edge. Benches never touch edges.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly

from hw.lib.fields import PlacedField, unpack_fields


class _Side:
    """The signals of a stream port, and when its side pauses."""

    def __init__(self, dut: Any, name: str, pause: float, rng: random.Random) -> None:
        self.payload = getattr(dut, f"{name}__payload")
        self.valid = getattr(dut, f"{name}__valid")
        self.ready = getattr(dut, f"{name}__ready")
        self.clock = dut.clk
        self.pause = pause
        self.random = rng


class StreamDriver(_Side):
    """Offers payloads in order, each after a random pause.

    A payload that has been offered stays until it is taken, as the stream rule asks.
    """

    def __init__(self, dut: Any, name: str, *, pause: float, seed: int) -> None:
        super().__init__(dut, name, pause, random.Random(f"{seed} drive {name}"))
        self.valid.value = 0

    async def run(self, payloads: Sequence[int]) -> None:
        """Returns when the last payload has been taken."""
        for payload in payloads:
            await FallingEdge(self.clock)
            while self.random.random() < self.pause:
                self.valid.value = 0
                await FallingEdge(self.clock)
            self.payload.value = payload
            self.valid.value = 1
            await ReadOnly()
            while not self.ready.value:
                await FallingEdge(self.clock)
                await ReadOnly()
        await FallingEdge(self.clock)
        self.valid.value = 0


class StreamMonitor(_Side):
    """Takes payloads, with random pauses, and keeps them in `taken`."""

    def __init__(self, dut: Any, name: str, *, pause: float, seed: int) -> None:
        super().__init__(dut, name, pause, random.Random(f"{seed} monitor {name}"))
        self.taken: list[int] = []
        self.ready.value = 0

    async def run(self) -> None:
        """Never returns; the bench cancels it."""
        while True:
            await FallingEdge(self.clock)
            ready = self.random.random() >= self.pause
            self.ready.value = int(ready)
            await ReadOnly()
            if ready and self.valid.value:
                self.taken.append(int(self.payload.value))


def difference(stream: str, index: int, expected: int | None, got: int | None, fields: Sequence[PlacedField]) -> str:
    """One payload against another, field by field; None stands for no payload."""
    if expected is None or got is None:
        return f"{stream}: payload {index}: expected {_shown(expected, fields)}, got {_shown(got, fields)}"
    want, have = unpack_fields(expected, fields), unpack_fields(got, fields)
    wrong = [f"{name}: expected {want[name]}, got {have[name]}" for name in want if want[name] != have[name]]
    return f"{stream}: payload {index}: " + ("; ".join(wrong) or f"expected {expected:#x}, got {got:#x}")


def _shown(payload: int | None, fields: Sequence[PlacedField]) -> str:
    return "nothing" if payload is None else str(unpack_fields(payload, fields) if fields else hex(payload))


def differences(
    stream: str,
    expected: Sequence[int],
    got: Sequence[int],
    fields: Sequence[PlacedField],
    masks: Sequence[int] | None = None,
) -> Iterator[str]:
    """Every payload that differs in the bits of its mask (None: in any), and a line for missing or extra ones."""
    for index in range(max(len(expected), len(got))):
        want = expected[index] if index < len(expected) else None
        have = got[index] if index < len(got) else None
        if want is None or have is None:
            yield difference(stream, index, want, have, fields)
            return
        if (want ^ have) & (-1 if masks is None else masks[index]):
            yield difference(stream, index, want, have, fields)
