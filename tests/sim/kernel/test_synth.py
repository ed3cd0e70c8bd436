from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.catalogue import catalogue as lib_catalogue
from hw.splat.catalogue import catalogue as splat_catalogue
from hw.splat.config import tiny
from sim.kernel.synth import TARGET_MHZ, PlacedBlock, synthesise


class Chain(wiring.Component):
    """`length` multiplications behind each other without a register: the slower, the longer."""

    def __init__(self, length: int) -> None:
        self.length = length
        super().__init__({"i": In(9), "o": Out(9)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        value = self.i
        for k in range(self.length):
            product = Signal(unsigned(9), name=f"product_{k}")
            m.d.comb += product.eq((value * value) >> 3)
            value = product
        m.d.sync += self.o.eq(value)
        return m


@pytest.mark.parametrize(
    ("name", "make", "config"),
    [
        ("round_robin_arbiter", lib_catalogue()["round_robin_arbiter"], None),
        ("slot_pool", splat_catalogue(tiny())["slot_pool"].make, tiny()),
    ],
)
def test_a_block_closes(name: str, make: Callable[[], wiring.Component], config: object, tmp_path: Path) -> None:
    """Synthesis, placement and routing give size and speed; the worst path is in our names."""
    block = synthesise(name, make, config, tmp_path)
    assert block.name == name
    assert block.fmax_mhz > TARGET_MHZ == 60
    assert block.lut > 10
    assert block.ff > 3
    assert block.logic_levels >= 1
    assert 1000 / block.fmax_mhz == pytest.approx(block.logic_ns + block.routing_ns, rel=0.05, abs=0.1)
    assert len(block.worst_path) == 2
    assert not any("$" in end or "TRELLIS" in end for end in block.worst_path)
    assert set(json.loads(json.dumps(block.as_dict()))) == {f.name for f in fields(PlacedBlock)}


def test_speed_and_size_follow_the_design(tmp_path: Path) -> None:
    """Three multiplications in a row are slower and larger than one; registers of the ports do not count."""
    short, long = (synthesise("chain", lambda n=n: Chain(n), None, tmp_path / str(n)) for n in (1, 3))
    assert (short.dsp, long.dsp) == (1, 3)
    assert long.fmax_mhz < 0.7 * short.fmax_mhz
    assert short.ff == long.ff == 9
    assert (short.bram, short.lutram) == (0, 0)


def test_the_same_seed_gives_the_same_result(tmp_path: Path) -> None:
    """Two runs agree in every figure."""
    first, second = (synthesise("chain", lambda: Chain(2), None, tmp_path / str(k), seed=5) for k in range(2))
    assert first == second
