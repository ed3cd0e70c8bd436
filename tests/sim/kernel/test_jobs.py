from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring

from hw.lib.counters import CounterLayout
from hw.lib.engine_ports import engine_ports
from sim.kernel.jobs import run_job
from sim.kernel.memory import IDLE_LIMIT
from sim.kernel.runner import SimulationError

COUNTERS = CounterLayout({"cycles": "cycles since start"})
WIDTH = 64


@dataclass(frozen=True)
class Waits:
    """A config: for ever, or so many cycles between two words that it writes."""

    pause: int
    word_bytes: int = WIDTH // 8


@dataclass(frozen=True, kw_only=True)
class Image:
    """A job of one word."""

    data: np.ndarray
    header_address: int = 0
    result_address: int = 8
    result_bytes: int = 8


class Waiter(wiring.Component):
    """Writes two words, `pause` cycles apart, and is then done."""

    def __init__(self, config: Waits) -> None:
        self.pause = config.pause
        super().__init__(engine_ports(WIDTH, COUNTERS))

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """None."""
        return {}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        left = Signal(range(self.pause + 1))
        words = Signal(2)
        request = self.write.request
        m.d.comb += [
            self.busy.eq(words != 0),
            request.valid.eq((words != 0) & (left == 0)),
            request.payload.address.eq(8),
            request.payload.data.eq(0x1234),
        ]
        with m.If(self.busy):
            m.d.sync += self.counters.cycles.eq(self.counters.cycles + 1)
        with m.If(~self.busy & self.start):
            m.d.sync += [words.eq(2), left.eq(self.pause)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Elif(self.busy & request.ready):
            m.d.sync += [words.eq(words - 1), left.eq(self.pause)]
        return m


def wait(pause: int) -> int:
    """The cycles that the job counted."""
    config = Waits(pause)
    image = Image(data=np.zeros(8, np.uint8))
    job = run_job(lambda: Waiter(config), "waiter", config, image, COUNTERS)
    assert int.from_bytes(bytes(job.data), "little") == 0x1234
    return job.counters["cycles"]


def test_an_engine_that_hangs_ends_soon() -> None:
    """No word moves for a million cycles: the run ends, says where, and does not wait for its hundred million."""
    with pytest.raises(SimulationError, match=rf"waiter: hangs: no word has moved for {IDLE_LIMIT} cycles, at cycle"):
        wait(2 * IDLE_LIMIT)


@pytest.mark.slow
def test_a_long_pause_is_no_hang() -> None:
    """Two pauses that are longer than the limit only together."""
    pause = IDLE_LIMIT * 3 // 4
    assert wait(pause) >= 2 * pause
