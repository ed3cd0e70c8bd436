"""Energy of an engine's run by three methods side by side.

    gates     each unit's netlist replays the run, its cells priced by the library (`gate_level`)
    toggles   SAIF of a checked run, priced by the calibration that a replay left (`gate_level.UnitEnergy`)
    counters  the hardware's counters, priced by published energies of operations (`by_counters`)

Keys of the report:
  schema       1
  engine, config_hash, technology, node_nm, voltage, temperature, clock_mhz, commit
  workload     what ran; cycles: of the run, as its counters have them
  methods      by name: pj_a_cycle; nj: over the run's cycles; cycles: that were looked at; units {module: pJ a cycle}
  ratios       of each method to the first
  units        of the replay: `UnitEnergy`
  dram         nj, bytes, activations; None without any
  constants    every energy of an operation, with its source
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hw.generate import Generated, config_hash
from sim.estimate.activity import read_activity
from sim.estimate.by_counters import counted_joules
from sim.estimate.constants import provenance, value
from sim.estimate.gate_level import PICO, Prices, UnitEnergy, measure, unit_energy
from sim.estimate.memory_model import MemoryModel
from sim.estimate.saif import read_saif, read_text
from sim.estimate.technology import Technology
from sim.estimate.units import Netlist, find_engine, map_engine
from sim.kernel.files import write_json
from sim.kernel.folders import run_folder
from sim.kernel.jobs import job_design
from sim.kernel.report import commit
from sim.kernel.run import Run
from sim.kernel.sample import Sample

SCHEMA = 1
METHODS = ("gates", "toggles", "counters")
RESET = 100  #: cycles at a run's beginning that do not count, at most


@dataclass(frozen=True, kw_only=True)
class Method:
    """What a method says of the cycles that it looked at."""

    joules: dict[str, float]  #: by unit, all its instances together
    cycles: int

    @property
    def a_cycle(self) -> float:
        """Joules."""
        return sum(self.joules.values()) / self.cycles

    def as_dict(self, cycles: int) -> dict[str, Any]:
        """For a report of a run of so many cycles."""
        units = {name: joules / self.cycles / PICO for name, joules in sorted(self.joules.items())}
        return {
            "pj_a_cycle": self.a_cycle / PICO, "nj": self.a_cycle * cycles * 1e9, "cycles": self.cycles, "units": units
        }  # fmt: skip


@dataclass
class EnergyOf:
    """An engine's sample in a technology; each step is done once, when it is asked for."""

    sample: Sample
    technology: Technology
    model: MemoryModel
    units: Path  #: folder of mapped units
    clock_mhz: float = 1000.0
    window: int | None = None  #: cycles that replay, at most
    workers: int = 2
    run: Run | None = None  #: the newest one

    @cached_property
    def design(self) -> Generated:
        """The Verilog that runs."""
        operation, workload = self.sample.operation, self.sample.workload
        return job_design(lambda: operation.top(workload), operation.engine, workload.config, workload.memory)

    @cached_property
    def netlists(self) -> list[Netlist]:
        """Of the engine's units."""
        return map_engine(self.design, self.technology, self.units, workers=self.workers)

    @property
    def period_s(self) -> float:
        """Of the clock."""
        return 1e-6 / self.clock_mhz

    def gates(self) -> Method:
        """By replaying the sample; the calibration is kept.

        Raises:
            CheckError: a netlist gives another word than the run, or the run another than the model.
        """
        prices = Prices.of(self.technology, self.model)
        with run_folder("energy") as folder:
            waves = folder / "run.vcd"
            last = self.window and self.window + RESET
            self.run = self.sample.run(waves, last=last)
            activity = read_activity(waves, [netlist.unit for netlist in self.netlists], cycles=self.window)
        found = measure(self.netlists, activity, prices, workers=self.workers)
        write_json(self._calibration, [unit.as_dict() for unit in found])
        return Method(
            joules={unit.module: unit.joules(activity.toggles, activity.cycles, self.period_s) for unit in found},
            cycles=activity.cycles,
        )

    def toggles(self, saif: Path | None) -> Method:
        """By a SAIF file of a run of this design, or of the sample's run.

        Raises:
            InputError: the file is missing, or of another design.
        """
        units = [netlist.unit for netlist in self.netlists]
        if saif:
            sums = read_saif(saif, units)
        else:
            with run_folder("energy") as folder:
                self.run = self.sample.run(folder / "run.saif")
                sums = read_saif(folder / "run.saif", units)
        joules = {unit.module: unit.joules(sums.toggles, sums.cycles, self.period_s) for unit in self.calibration}
        return Method(joules=joules, cycles=sums.cycles)

    def counters(self) -> Method:
        """By the counters of the sample's run."""
        run = self.run = self.run or self.sample.run()
        place = find_engine(self.design)
        cycles = run.counters["cycles"]
        events, node_nm = self.sample.events(run), self.technology.node_nm
        joules = counted_joules(place.rtlil, place.module, events, cycles, node_nm)
        return Method(joules=joules, cycles=cycles)

    @property
    def _calibration(self) -> Path:
        text = "\0".join([self.design.verilog, self.technology.digest])
        name = f"{self.design.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        return self.units.parent / "calibrations" / name

    @property
    def calibration(self) -> list[UnitEnergy]:
        """That a replay has left; where none has, one is made."""
        if not self._calibration.exists():
            self.gates()
        return [unit_energy(record) for record in json.loads(self._calibration.read_text())]


def energy_report(energy: EnergyOf, methods: Sequence[str], saif: Path | None = None) -> dict[str, Any]:
    """Energy by `methods`, and how they differ; the keys are above.

    Raises:
        CheckError: a netlist does not give the run's words: there is no figure then.
        InputError: activity is missing or of another design, or the library has no power tables.
    """
    if saif:
        read_text(saif)  # before the work: is there such a file?
    ways = {"gates": energy.gates, "toggles": lambda: energy.toggles(saif), "counters": energy.counters}
    found = {name: ways[name]() for name in METHODS if name in methods}
    run = energy.run = energy.run or energy.sample.run()
    cycles = run.counters["cycles"]
    first = next(iter(found.values()))
    replayed = energy.calibration if "gates" in found or "toggles" in found else []
    return {
        "schema": SCHEMA,
        "commit": commit(),
        "engine": energy.sample.operation.engine,
        "config_hash": config_hash(energy.sample.workload.config),
        "technology": energy.technology.name,
        "node_nm": energy.technology.node_nm,
        "voltage": energy.technology.library.voltage,
        "temperature": energy.technology.library.temperature,
        "clock_mhz": energy.clock_mhz,
        "workload": dict(run.workload.info()),
        "cycles": cycles,
        "methods": {name: method.as_dict(cycles) for name, method in found.items()},
        "ratios": {name: method.a_cycle / first.a_cycle for name, method in found.items()},
        "units": [unit.as_dict() for unit in replayed],
        "dram": dram_energy(run),
        "constants": provenance(),
    }


def dram_energy(run: Run) -> dict[str, Any] | None:
    """Of the bytes that a run moved, as LPDDR4, and of the rows that its DRAM opened, where it had one."""
    if run.job is None:
        return None
    moved = run.job.bytes_read + run.job.bytes_written
    rows = 0
    row_kib = 0.0
    if run.job.dram and run.memory.dram:
        rows = run.job.dram["read_activations"] + run.job.dram["write_activations"]
        row_kib = run.memory.dram.row_bytes / 1024
    picojoules = value("lpddr4") * 8 * moved + value("activation") * row_kib * rows
    return {"nj": picojoules / 1e3, "bytes": moved, "activations": rows}
