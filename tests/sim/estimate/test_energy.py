from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sim.engines import ENGINES
from sim.estimate.activity import read_activity
from sim.estimate.constants import sram_read_pj, sram_write_pj
from sim.estimate.energy import METHODS, EnergyOf, energy_report
from sim.estimate.gate_level import PICO, Prices, UnitEnergy, access_factor, measure, unit_energy
from sim.estimate.power import Energy
from sim.estimate.sram import memory_model
from sim.estimate.technology import named
from sim.estimate.units import map_engine
from tests.sim.estimate.traces import CYCLES, harness, needs_icarus, run_traced

UNIT = UnitEnergy(
    module="lane", instances=("a", "b"), replayed="a", cells=9, words=5, unknown=0.0, cycles=10, toggles=40,
    energy=Energy(switching_j=3.0, internal_j=4.0, clock_j=20.0, memory_j=1.0, leakage_w=0.5),
)  # fmt: skip


def test_a_calibration_prices_another_run() -> None:
    """8 J for 40 changed bits, 2 J a cycle of each instance's clock, and leakage."""
    assert UNIT.toggle_j == pytest.approx(0.2, abs=0)
    assert UNIT.joules({"a": 40, "b": 10}, 100, 3.0) == pytest.approx(0.2 * 50 + 2 * 100 * (2.0 + 0.5 * 3.0), abs=0)
    still = replace(UNIT, toggles=0)
    assert still.joules({"a": 5, "b": 5}, 1, 0.0) == pytest.approx(4.0, abs=0)


def test_a_calibration_is_the_same_after_it_was_written() -> None:
    assert unit_energy(json.loads(json.dumps(UNIT.as_dict()))) == UNIT


def test_a_node_that_is_not_known_scales_nothing() -> None:
    assert access_factor(None) == access_factor(45) == 1.0
    assert access_factor(130) > 3


@needs_icarus
@pytest.mark.parametrize(("name", "clock_fj"), [("nangate45", 7.0), ("asap7", 0.7)])
def test_energy_of_replayed_netlists(real_data: Path, tmp_path: Path, name: str, clock_fj: float) -> None:
    """A bank and two multipliers in a real library, ASAP7's flip-flops inverted; memories pay for what was counted."""
    technology = named(name)
    design = harness()
    netlists = map_engine(design, technology, tmp_path / "units")
    activity = read_activity(run_traced(design, tmp_path), [netlist.unit for netlist in netlists])
    prices = Prices.of(technology, memory_model(technology))
    bank, product = sorted(measure(netlists, activity, prices), key=lambda unit: unit.module)
    assert bank.instances == ("job.engine",)
    assert product.energy.internal_j > 0
    assert product.energy.switching_j > 0
    # 32 flip-flops, each with its clock pin.
    assert product.energy.clock_j / CYCLES / 32 == pytest.approx(clock_fj * 1e-15, rel=0.3, abs=0)
    (memory,) = next(netlist.mapped.memories for netlist in netlists if netlist.mapped.memories)
    least = CYCLES * sram_read_pj(memory.bits) + 32 * sram_write_pj(memory.bits, memory.width)
    most = least + CYCLES * sram_write_pj(memory.bits, memory.width)
    assert least < bank.energy.memory_j / PICO / prices.access < most
    assert bank.energy.leakage_w > prices.model.cost(memory).leakage_w


@pytest.mark.slow
@needs_icarus
def test_three_methods_of_an_engine(real_data: Path, tmp_path: Path) -> None:
    """Every netlist of `radiance` replays, and the methods are within 1.5 of one another."""
    engine, technology = ENGINES["radiance"], named("nangate45")
    sample = engine.sample().sample(engine.configs["tiny"]())
    energy = EnergyOf(
        sample=sample, technology=technology, model=memory_model(technology), units=tmp_path / "units"
    )  # fmt: skip
    report = energy_report(energy, METHODS)
    assert sum(unit["words"] for unit in report["units"]) > 100_000
    assert all(2 / 3 < ratio < 3 / 2 for ratio in report["ratios"].values())
    assert report["ratios"]["toggles"] == pytest.approx(1.0, rel=0.02, abs=0)
    assert report["dram"]["bytes"] > 10_000
    assert json.loads(json.dumps(report)) == report


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_a_sample(name: str) -> None:
    """That the model answers, and whose quality and events are of the run."""
    engine = ENGINES[name]
    sample = engine.sample().sample(engine.configs["tiny"]())
    run = sample.run()
    quality, events = sample.quality(run), sample.events(run)
    assert (quality is None) == (sample.measure == "")
    assert events[""] > 0
    assert all(number >= 0 for number in events.values())
