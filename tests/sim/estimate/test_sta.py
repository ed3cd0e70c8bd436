from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sim.estimate import sta
from sim.estimate.embedded import CLOCK_TO_OUTPUT_PS, SETUP_PS
from sim.estimate.mapping import Mapped, map_block
from sim.estimate.memory_model import Cost
from sim.estimate.sta import ABC_SHORT, TimingError, time_units
from sim.estimate.technology import named
from tests.sim.estimate.designs import Bank, rtlil

needs_sta = pytest.mark.skipif(not sta.installed(), reason=f"no OpenSTA: {sta.PACKAGE}")


class Wire(wiring.Component):
    """An input that is an output."""

    def __init__(self) -> None:
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        kept = Signal()
        m.d.sync += kept.eq(kept)
        m.d.comb += self.o.eq(self.i)
        return m


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    return map_block(rtlil(Bank(products=5), "bank"), "bank", named("embedded"), tmp_path_factory.mktemp("mapped"))


def costs(mapped: Mapped, access_ps: float) -> dict:
    cost = Cost(area_um2=1, leakage_w=0, access_s=access_ps * 1e-12, setup_s=50e-12, how="")
    return dict.fromkeys(mapped.memories, cost)


@needs_sta
def test_a_wire_takes_a_flip_flop_alone(tmp_path: Path) -> None:
    """Clock to output into one input, and set-up: by hand from the embedded table."""
    wire = map_block(rtlil(Wire(), "wire"), "wire", named("embedded"), tmp_path)
    timing = time_units(wire, {}, tmp_path)["wire"]
    assert timing is not None
    assert timing.period_ns * 1000 == pytest.approx(CLOCK_TO_OUTPUT_PS + SETUP_PS + 3.6, abs=0.6)
    assert (timing.start, timing.end, timing.cells) == ("port", "port", 1)


@needs_sta
def test_paths_through_memories_are_seen(bank: Mapped, tmp_path: Path) -> None:
    """A slow memory sets the period of the unit that holds it, and of no other; a fast one does not."""
    fast, slow = (time_units(bank, costs(bank, ps), tmp_path) for ps in (100, 5000))
    assert fast["product"] == slow["product"]
    assert slow["bank"]
    assert fast["bank"]
    assert slow["bank"].start.startswith("ram")
    assert 5 < slow["bank"].period_ns < 7
    assert fast["bank"].period_ns < 2


@needs_sta
def test_most_of_many_equal_units_are_loads(bank: Mapped, tmp_path: Path) -> None:
    assert bank.units["bank"].children["product"] == 5
    text = sta.trimmed(bank.units["bank"])
    assert text.count("  product product_") == sta.WHOLE
    assert text.count("  product__load product_") == 5 - sta.WHOLE


@needs_sta
def test_what_is_kept_is_not_timed_again(bank: Mapped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = time_units(bank, costs(bank, 100), tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("OpenSTA runs again")

    monkeypatch.setattr(sta.subprocess, "run", fail)
    assert time_units(bank, costs(bank, 100), tmp_path) == first


@needs_sta
def test_a_failure_of_opensta_is_one_line(bank: Mapped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sta, "_commands", lambda *_: "no_such_command\n")
    with pytest.raises(TimingError, match=r"product__timed: OpenSTA: .*no_such_command") as caught:
        time_units(bank, costs(bank, 100), tmp_path)
    assert "\n" not in str(caught.value)


def test_without_opensta_abc_estimates(bank: Mapped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    timings = time_units(bank, costs(bank, 100), tmp_path)
    timing = timings["product"]
    assert timing is not None
    assert timing.by == "abc"
    assert timing.period_ns == pytest.approx(bank.units["product"].abc_ps * ABC_SHORT / 1000)
    assert not list(tmp_path.iterdir())
