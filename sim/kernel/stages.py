"""Co-simulation of a single block: payloads in, payloads out, on Verilator with random pauses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import data, wiring

from hw.lib.checked import Checked
from hw.lib.fields import fields_of_layout
from sim.kernel import runner
from sim.kernel.designs import design
from sim.kernel.folders import keep_log, run_folder
from sim.kernel.waves import Waves, around


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an output stream must carry: packed payloads, and which bits of each count (None: all)."""

    layout: data.Layout
    payloads: Sequence[int]
    masks: Sequence[int] | None = None


def run_stage(
    make: Callable[[], wiring.Component], name: str, config: Any, *,
    inputs: Mapping[str, Sequence[int]], outputs: Mapping[str, Expected], constants: Mapping[str, int] | None = None,
    pause_in: float = 0.0, pause_out: float = 0.0, seed: int = 1, settle: int = 0, drain: int = 400,
    timeout: int = 10_000_000, waves: Waves | None = None,
) -> None:  # fmt: skip
    """Sends `inputs` and compares `outputs`, payload by payload; every stream port has a protocol checker.

    `settle`: cycles between reset and the first payload. `drain`: idle cycles that end the run.

    Raises:
        SimulationError: a payload differs, is missing or too many; the message shows the fields of the first of every
            stream, how many there are, the cycle, and where the log is.
    """
    built = runner.build(design(lambda: Checked(make()), name, config), waves=waves and waves.format)
    job = {
        "inputs": {n: [hex(p) for p in payloads] for n, payloads in inputs.items()},
        "outputs": {
            n: {
                "payloads": [hex(p) for p in o.payloads],
                "fields": fields_of_layout(o.layout),
                "masks": None if o.masks is None else [hex(mask) for mask in o.masks],
            }
            for n, o in outputs.items()
        },
        "constants": {n: hex(v) for n, v in (constants or {}).items()},
        "pause_in": pause_in,
        "pause_out": pause_out,
        "seed": seed,
        "settle": settle,
        "drain": drain,
        "timeout": timeout,
    }
    with run_folder(name) as folder:
        files = {"TESSERA_JOB": folder / "job.json", "TESSERA_RESULT": folder / "result.json"}
        files["TESSERA_JOB"].write_text(json.dumps(job))
        env = {variable: str(file) for variable, file in files.items()}
        runner.run(built, "sim.kernel.stage_bench", env=env, folder=folder, seed=seed, waves=waves)
        found = json.loads(files["TESSERA_RESULT"].read_text())
        if found:
            raise runner.SimulationError(_message(found, seed, keep_log(folder / "run.log", name)))


def _message(found: Mapping[str, Any], seed: int, log: Path) -> str:
    """Every stream's table, and how to see more."""
    cycles = [entry["cycle"] for entry in found.values() if entry["cycle"] is not None]
    lines = [entry["table"] for entry in found.values()]
    if cycles:
        first, last = around(min(cycles))
        lines.append(f"waves of it: run_stage(..., waves=Waves(path=Path('w.vcd'), first={first}, last={last}))")
    return "\n".join([*lines, f"seed {seed}, the whole log: {log}"])
