from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sim.cluster.run import DECODE
from sim.engines import ENGINES
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline, above_record, dram_bytes
from sim.kernel.run import Operation, run_operation
from sim.kv.run import RETRIEVE
from sim.lod.run import SEARCH
from sim.radiance.run import LOOK_UP
from sim.splat.run import DRAW


def test_the_slowest_stage_is_the_bound() -> None:
    """Bound, its stage and the ratio follow from the stages alone."""
    roofline = Roofline(cycles=150, stages={"a": 20.0, "b": 100.0, "c": 99.0})
    assert (roofline.bound, roofline.limit, roofline.ratio) == (100.0, "b", 1.5)


@pytest.mark.parametrize(
    ("cycles", "bound", "recorded", "told"),
    [
        (335_000, 100_000.0, 1.21, True),
        (121_000, 100_000.0, 1.21, False),
        (150_000, 100_000.0, 1.21, False),
        (152_000, 100_000.0, 1.21, True),
        (335_000, 100_000.0, None, False),
        (3_350, 1_000.0, 1.21, False),
    ],
)
def test_a_ratio_far_above_the_recorded_one_is_told(
    cycles: int, bound: float, recorded: float | None, told: bool
) -> None:
    """Not of a config without a record, and not of a short run; the line has cycles, ratio, stage and record."""
    line = above_record(Roofline(cycles=cycles, stages={"memory": bound, "units": 1.0}), recorded)
    assert (line is not None) == told
    assert not line or all(part in line for part in (str(cycles), f"{cycles / bound:.2f}", "memory", "1.21"))


NOTHING: Any = None


def fake_job(cycles: int) -> JobResult:
    """Of hardware that needed so many cycles."""
    return JobResult(
        data=np.zeros(0, np.uint8), counters={"cycles": cycles}, bytes_read=0, bytes_written=0, generate_seconds=0,
        build_seconds=0, run_seconds=0, free_seconds=1,
    )  # fmt: skip


@pytest.mark.parametrize(("memory", "told"), [(MemorySettings(seed=3), True), (MemorySettings(latency=500), False)])
def test_hardware_that_only_costs_cycles_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], memory: MemorySettings, told: bool
) -> None:
    """One line on stderr though every word is right; records are of the default memory alone."""
    monkeypatch.setattr("sim.kernel.run.simulate", lambda *_, **__: fake_job(300_000))
    operation = Operation[Any](
        engine="x", top=NOTHING, counters=NOTHING, read=lambda _, __: {"a": np.ones(2)}, model=lambda _: None,
        expected=lambda _, __: {"a": np.ones(2)}, reference=lambda _: {}, recorded_ratio=lambda _: 1.1,
        roofline=lambda _, job, __: Roofline(cycles=job.counters["cycles"], stages={"a": 100_000.0}),
    )  # fmt: skip
    assert run_operation(operation, None, memory=memory, check=True).checked
    assert ("tessera: warning: x: 300000 cycles" in capsys.readouterr().err) == told


@pytest.mark.parametrize(
    "operation", [DRAW, SEARCH, RETRIEVE, DECODE, LOOK_UP], ids=["splat", "lod", "kv", "cluster", "radiance"]
)
def test_default_has_a_record(operation: Operation[Any]) -> None:
    """Of the engine as it is today: a field that is added to the config does not leave it behind."""
    config = ENGINES[operation.engine].configs["default"]()
    recorded = operation.recorded_ratio(SimpleNamespace(config=config, names={"op": "fused decode"}))
    assert recorded is not None
    assert 1 < recorded < 2


def test_bytes_are_words_times_width() -> None:
    """Every counter of words is a kind of traffic; other counters are not."""
    moved = dram_bytes({"cycles": 9, "list_words": 3, "write_words": 4, "words": 5}, 16)
    assert moved == {"list": 48, "write": 64, "total": 112}
