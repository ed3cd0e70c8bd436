"""A small job of every engine through the simulated board, over a cable with faults, word for word as the model's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fpga.exchange import Patience
from fpga.execute import run_on
from fpga.simulated_board import board, build_board
from sim.engines import ENGINES
from sim.kernel.run import Backend, run_operation
from tests.fpga.faulty_cable import ALL, FaultyCable
from tests.sim.cases import Case, frame, reduction, retrieval, search, sequence

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", [sequence, search, retrieval, reduction, frame])
def test_a_job_equals_the_model(case: Callable[[], Case], tmp_path: Path) -> None:
    operation, workload, _ = case()
    config = workload.config
    program = build_board(operation.engine, config, lambda: ENGINES[operation.engine].top(config))
    patience = Patience(answer=3.0, silences=12, idle=600.0)
    with board(program) as port, FaultyCable(port, tmp_path / "port", faults=ALL) as cable:
        run = run_operation(
            operation, workload, backend=Backend.FPGA, check=True,
            execute=lambda operation, workload: run_on(operation, workload, str(cable.port), patience=patience),
        )  # fmt: skip
    assert run.checked
    assert run.counters["cycles"]
    assert sum(cable.counts.values()) > cable.counts["passed"]
