from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from golden.errors import InputError
from sim.engines import ENGINES
from sim.estimate import sweep
from sim.estimate.sweep import Plan, Point, Task, pareto, read_axes, run_sweep, tasks_of
from sim.estimate.sweep_plot import HEAD, draw, rows
from sim.estimate.technology import named
from sim.kernel.files import write_json
from tests.sim.conftest import Tessera


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        engine=ENGINES["cluster"], config_name="tiny", changes=(), technology=named("embedded"), source=None, size=None,
        folder=tmp_path / "points", units=tmp_path / "units",
    )  # fmt: skip


def point_of(task: Task) -> Point:
    """Made up: the deeper the queue, the larger and faster."""
    depth = int(dict(task.chosen)["operand_depth"])
    return {
        "changes": dict(task.chosen), "area_mm2": depth / 100, "memory_mm2": 0.01, "clock_mhz": 500.0, "cycles": 1000,
        "us": 20 / depth, "energy_nj": 1.0 * depth, "dram_nj": None, "quality": None, "measure": "",
    }  # fmt: skip


def one_by_one(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    return map(function, tasks)


def test_axes_are_read_and_multiplied(plan: Plan) -> None:
    axes = read_axes(["operand_depth=4,8", "link_stages=1,2"])
    assert axes == [("operand_depth", ["4", "8"]), ("link_stages", ["1", "2"])]
    tasks = tasks_of(plan, axes)
    assert [task.chosen for task in tasks][1] == (("operand_depth", "4"), ("link_stages", "2"))
    assert tasks[1].config.link_stages == 2
    assert len({task.path for task in tasks}) == 4


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["lanes"], r"--sweep takes FIELD=VALUE,VALUE,…, got 'lanes'"),
        (["a=1", "a=2"], "--sweep takes a field once, a is there twice"),
    ],
)
def test_bad_axes(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_axes(texts)


def test_a_config_that_the_engine_has_not_is_refused_before_the_work(plan: Plan) -> None:
    with pytest.raises(InputError, match="operand_depth must"):
        tasks_of(plan, [("operand_depth", ["8", "99999"])])


def test_a_stopped_sweep_goes_on_where_it_was(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points that are done are not measured again."""
    measured: list[str] = []

    def measure(task: Task) -> Point:
        value = dict(task.chosen)["operand_depth"]
        if value == "16" and "16" not in measured:
            measured.append(value)
            raise KeyboardInterrupt
        measured.append(value)
        point = point_of(task)
        write_json(task.path, point)
        return point

    monkeypatch.setattr(sweep, "measure_point", measure)
    tasks = tasks_of(plan, [("operand_depth", ["4", "8", "16"])])
    with pytest.raises(KeyboardInterrupt):
        run_sweep(tasks, one_by_one)
    assert [task.path.exists() for task in tasks] == [True, True, False]
    points = run_sweep(tasks, one_by_one)
    assert measured == ["4", "8", "16", "16"]
    assert [point["area_mm2"] for point in points] == [0.04, 0.08, 0.16]
    assert points[0] == json.loads(tasks[0].path.read_text())


def test_points_that_none_beats(plan: Plan, tmp_path: Path) -> None:
    """Smaller, faster, or better."""
    points = [point_of(task) for task in tasks_of(plan, [("operand_depth", ["4", "8", "16"])])]
    worse = {**points[1], "us": 9.0}
    better = {**worse, "quality": 40.0}
    assert pareto([*points, worse]) == points
    assert better in pareto([*points, worse, better])
    table = list(rows([*points, worse]))
    assert {len(row) for row in table} == {len(HEAD)}
    assert [row[-1] for row in table] == ["*", "*", "*", ""]
    for kind, begin in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        draw([*points, worse], tmp_path / f"sweep.{kind}", "made up")
        assert (tmp_path / f"sweep.{kind}").read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sweep", "operand_depth=8", "--energy", "counters"], "--energy is of one config, --sweep of many"),
        (["--cluster", "2"], "--cluster goes with --sweep"),
        (["--sweep", "operand_depth=8", "--cluster", "many"], "a number of workers, slurm or lsf, it is 'many'"),
        (["--sweep", "depth=8"], "no field 'depth'"),
        (["--saif", "x.saif"], "--saif goes with --energy toggles"),
        (["--energy", "toggles", "--saif", "none.saif"], "none.saif: No such file"),
        (["--energy", "gates"], "a library with tables of internal_power, this one has none"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(tessera: Tessera, arguments: list[str], message: str) -> None:
    outcome = tessera("estimate", "cluster", "--config", "tiny", *arguments)
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
