from __future__ import annotations

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import connect
from hw.radiance.regroup import regroup
from tests.hw.lib.bench import Bench


class Regrouped(wiring.Component):
    """`regroup` between two streams."""

    def __init__(self, have: int, width: int) -> None:
        super().__init__({"i": In(stream.Signature(have)), "o": Out(stream.Signature(width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        connect(m, regroup(m, "converter", wiring.flipped(self.i), len(self.o.payload)), wiring.flipped(self.o))
        return m


@pytest.mark.parametrize(("have", "width"), [(32, 8), (16, 8), (8, 32), (16, 16)])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_the_bits_stay_in_their_order(have: int, width: int, stall: float, seed: int) -> None:
    """The lowest first, in payloads of the other width."""
    bench = Bench(Regrouped(have, width), seed=seed)
    bits, text = 32 * 12, bench.random.getrandbits(32 * 12)
    cut = {size: [text >> k & (1 << size) - 1 for k in range(0, bits, size)] for size in (have, width)}
    bench.source(bench.dut.i, cut[have], stall=stall)
    log = bench.sink(bench.dut.o, cut[width], stall=stall)
    bench.run()
    assert log.values == cut[width]
