"""Drivers and monitors of stream ports, for cocotb benches on Verilator.

One rule of time, here and nowhere else: inputs change after the falling edge; once everything has
settled, `valid` and `ready` say what will move at the next rising edge. Benches never touch edges.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly
from cocotb.utils import get_sim_time

from hw.lib.fields import PlacedField, unpack_fields
from sim.kernel.differences import Difference, Field, fields_that_differ, first_of_stream


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
    """Takes payloads, with random pauses, and keeps them in `taken`; `cycles` says when each moved."""

    def __init__(self, dut: Any, name: str, *, pause: float, seed: int) -> None:
        super().__init__(dut, name, pause, random.Random(f"{seed} monitor {name}"))
        self.taken: list[int] = []
        self.cycles: list[int] = []
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
                self.cycles.append(math.ceil(get_sim_time("ns")))  # the rising edge that follows


def first_difference(
    stream: str, expected: Sequence[int], found: Sequence[int], fields: Sequence[PlacedField],
    masks: Sequence[int] | None = None, cycles: Sequence[int] = (),
) -> Difference | None:  # fmt: skip
    """The first payload that differs in the bits of its mask (None: in any), is missing, or is too many."""
    wanted = list(zip(expected, [-1] * len(expected) if masks is None else masks, strict=True))

    def equal(want: tuple[int, int], have: int) -> bool:
        return not (want[0] ^ have) & want[1]

    def named(want: tuple[int, int] | None, have: int | None) -> list[Field]:
        if want is None or have is None:
            rows = (None if p is None else unpack_fields(p, fields) for p in (want and want[0], have))
            return fields_that_differ(*rows)
        differ = {f.name for f in fields if unpack_fields((want[0] ^ have) & want[1], [f])[f.name]}
        places = [f for f in fields if f.name in differ]
        if not places:  # bits between the fields
            return [Field("", hex(want[0]), hex(have))]
        return fields_that_differ(unpack_fields(want[0], places), unpack_fields(have, places))

    return first_of_stream(f"{stream}: payload", wanted, found, equal=equal, fields=named, cycles=cycles)
