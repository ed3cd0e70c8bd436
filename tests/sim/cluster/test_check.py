"""A difference names the byte, and the command that made it; a reference is what its definition says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from golden.cluster import model
from golden.cluster.heads import random_head
from golden.cluster.spec import ElementType, Kind, Op, Schedule
from golden.cluster.units import Units
from golden.errors import InputError
from hw.cluster.config import tiny
from sim.cluster.check import after
from sim.cluster.decode import decode
from sim.cluster.decode_workload import prepare_step
from sim.cluster.run import run, values
from sim.cluster.workload import ClusterWorkload, prepare, random_messages
from sim.kernel.compare import CheckError
from sim.kernel.run import Backend

CONFIG = tiny()


def changed(original: Callable[..., Any], node: int, flit: int) -> Callable[..., Any]:
    """A step of the decode units that leaves a bit of a flit of its results wrong in one node."""

    def tampered(self: Units, command: Any, rank: int, unit: Any, raw: Any) -> None:
        original(self, command, rank, unit, raw)
        if rank == node:
            self.memory[rank, command.target + flit, 0] ^= 1 << 16

    return tampered


@pytest.mark.parametrize(("step", "command", "flit"), [("_score", "score", 0), ("_weigh", "weigh", 1)])
def test_the_command_that_went_wrong(monkeypatch: pytest.MonkeyPatch, step: str, command: str, flit: int) -> None:
    """A model that differs in one word of one node: its command is named among all of a step, and the byte."""
    monkeypatch.setattr(Units, step, changed(getattr(Units, step), 2, flit))
    workload = prepare_step(CONFIG, *random_head(32, 256, 31, 1), trace=True)
    number = next(k for k, c in enumerate(workload.commands) if c.op.name.lower() == command)
    byte = (workload.commands[number].target + flit) * CONFIG.spec.flit_bytes + 2  # bit 16
    with pytest.raises(CheckError) as error:
        run(workload, check=True)
    first, second = str(error.value).split("; the first stage that differs: ")
    assert first.startswith("results: node ")
    assert second.startswith(f"command {number} ({command}): results: node 2 byte {byte}: expected ")


def test_a_collective_that_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of a model that adds something else: the byte, and the reduction between LOAD and STORE."""
    original = model.combine
    monkeypatch.setattr(model, "combine", lambda *arguments: original(*arguments) ^ 1)
    workload = prepare(
        CONFIG, random_messages(CONFIG, 64, ElementType.INTEGER, 1), op=Op.REDUCE, form=ElementType.INTEGER
    )
    with pytest.raises(
        CheckError,
        match=r"^results: node 0 byte 0: .* that differs: command 1 \(reduce\): results: node 0 byte 0:",
    ):
        run(workload, check=True)


def test_a_store_that_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that stores another word: the memories were right before."""
    original = model.Cluster._move

    def moved(self: model.Cluster, command: Any, external: Any) -> None:
        original(self, command, external)
        if command.op == Op.STORE and command.flits < self.spec.words:
            external[command.external] ^= 1

    monkeypatch.setattr(model.Cluster, "_move", moved)
    workload = prepare(CONFIG, random_messages(CONFIG, 64, ElementType.HALF, 1), op=Op.GATHER)
    with pytest.raises(
        CheckError,
        match=r"^results: node 0 byte 0: .* that differs: command 2 \(store\): before it the nodes'",
    ):
        run(workload, check=True)


def test_flits_are_held_against_the_formulae(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where results are not compared."""
    monkeypatch.setattr("sim.cluster.run.traffic", lambda command, spec: 5)
    workload = prepare(CONFIG, random_messages(CONFIG, 64, ElementType.HALF, 1), op=Op.REDUCE)
    with pytest.raises(CheckError, match="reduce: 64 flits sent, the formulae say 15"):
        run(workload)


FORMATS = [(ElementType.HALF, 2e-2), (ElementType.SINGLE, 1e-5), (ElementType.INTEGER, 0), (ElementType.MIXED, 1e-5)]


@pytest.mark.parametrize("op", [Op.REDUCE, Op.GATHER, Op.REDUCE_SCATTER, Op.BROADCAST, Op.BARRIER])
@pytest.mark.parametrize("kind", [Kind.SUM, Kind.MAX, Kind.MIN])
@pytest.mark.parametrize(("form", "bound"), FORMATS)
def test_the_reference_of_a_collective(op: Op, kind: Kind, form: ElementType, bound: float) -> None:
    """float64 says what the model says, within the format's rounding; integers wrap in both."""
    schedule = Schedule.RING if op == Op.REDUCE_SCATTER else Schedule.XOR
    messages = random_messages(CONFIG, 128, form, 1)
    workload = prepare(CONFIG, messages, op=op, kind=kind, form=form, schedule=schedule, root=3 * (op == Op.BROADCAST))
    exact, got = (values(run(workload, backend=backend)) for backend in (Backend.REFERENCE, Backend.MODEL))
    assert exact.shape == got.shape
    assert np.abs(exact - got).max() <= bound


def test_the_reference_of_a_merge() -> None:
    """Records of m, l and o by the definition of a softmax over all nodes."""
    messages = np.abs(random_messages(CONFIG, 64, ElementType.SINGLE, 1).view("<f4")).view(np.uint8)
    workload = prepare(CONFIG, messages, op=Op.REDUCE, kind=Kind.MERGE, record=2)
    exact, got = (values(run(workload, backend=backend)) for backend in (Backend.REFERENCE, Backend.MODEL))
    assert exact == pytest.approx(got, rel=2e-4)


def test_the_reference_of_a_step() -> None:
    """The backends without RTL: no cycles, the error of the model alone."""
    head = random_head(32, 256, 31, 1)
    exact, got = (decode(CONFIG, *head, backend=backend) for backend in (Backend.REFERENCE, Backend.MODEL))
    assert exact.report()["quality"] == {"max_error": 0, "rms_error": 0}
    assert 0 < got.run.quality["rms_error"] < 0.05
    assert got.unfused is None
    assert got.report()["cycles"] is None
    assert got.output == pytest.approx(exact.output, abs=0.15 * float(np.abs(exact.output).max()))


def test_other_programs_have_no_reference() -> None:
    step = prepare_step(CONFIG, *random_head(32, 256, 31, 1))
    part = after(ClusterWorkload(config=CONFIG, commands=step.commands, memory=step.memory), 3)
    with pytest.raises(InputError, match="only a collective and a decode step"):
        run(part, backend=Backend.REFERENCE)
