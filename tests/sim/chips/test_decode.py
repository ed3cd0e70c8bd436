"""A decode step with retrieval: RTL against the composed models, its command, and its refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from golden.cluster.spec import Status
from golden.kv.scan import ScanOptions
from hw.cluster.config import tiny
from sim.chips.decode import STEP, StepWorkload, prepare, run
from sim.kernel.compare import CheckError, first_difference
from sim.kernel.jobs import MemorySettings
from sim.kernel.report_schema import schema
from sim.kernel.run import Backend
from tests.golden.chips.decode.layers import SIZE, layer
from tests.sim.conftest import Tessera

OPTIONS = ScanOptions(budget=17, sink_tokens=2, window=3, planes=4)


def workload(tokens: int, options: ScanOptions, seed: int, size: int = SIZE) -> StepWorkload:
    whole = layer(tokens, seed, wanted=4 if tokens >= 4 else 0, size=size)
    return prepare(tiny(), [(whole.hidden, head, None) for head in whole.heads], options)


@pytest.mark.slow
@pytest.mark.parametrize("stalls", [0, 64])
@pytest.mark.parametrize(
    ("tokens", "options", "size"),
    [
        (200, OPTIONS, SIZE),
        (201, replace(OPTIONS, budget=16, planes=1), SIZE),
        (129, replace(OPTIONS, budget=1000), SIZE),
        (256, replace(OPTIONS, budget=0, planes=7), SIZE),
        (1, OPTIONS, SIZE),
        (130, OPTIONS, 2 * SIZE),
    ],
)
def test_rtl_equals_the_models(tokens: int, options: ScanOptions, size: int, stalls: int, seed: int) -> None:
    """Query codes, scan rows, tokens, their keys and values with the new ones, and the contributions, every word."""
    step = workload(tokens, options, seed, size)
    done = run(step, memory=MemorySettings(stalls=stalls, seed=seed), check=True)
    assert done.checked
    assert done.counters["selected"] == 2 * step.shared.selected
    assert done.roofline
    assert done.roofline.ratio >= 1


@pytest.mark.slow
def test_a_program_that_fails_is_named(seed: int) -> None:
    """A command with an impossible code ends the step with its status."""
    step = workload(200, OPTIONS, seed)
    place = step.memory.address["attend.0"] + 32  # of the first command's operation
    data = step.memory.data.copy()
    data[place] = 200
    with pytest.raises(CheckError, match=f"ended with status {Status.REFUSED.name.lower()}"):
        run(replace(step, memory=replace(step.memory, data=data)))


@pytest.mark.slow
def test_real_layer(tessera: Tessera, real_data: Path, tmp_path: Path) -> None:
    """A layer of SmolLM2 after 8,128 real tokens: a tenth of them for each of three key-value heads."""
    files = [real_data / "kv" / f"smollm2_{name}.npz" for name in ("layer14", "8k")]
    outcome = tessera(
        "decode", files[0], "--cache", files[1], "--layer", 1, "--tokens", 8128, "--select", "scan", "--check",
        "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    report = json.loads((tmp_path / "r.json").read_text())
    Draft202012Validator(schema()).validate(report)
    assert report["quality"]["rtl_equals_model"]
    assert report["quality"]["selection_error"] < 0.06
    assert report["quality"]["rms_error"] < 0.15
    assert report["quality"]["mass"] > 0.95
    assert report["full"]["cycles"] > 2 * report["cycles"]
    assert report["full"]["bytes"] > 2 * report["bytes"]["total"]


def test_the_command(tessera: Tessera, tmp_path: Path) -> None:
    """Output, report and words of the model; the reference needs no codes."""
    line = ["decode", "--select", "scan", "--hidden", "256", "--tokens", "60", "--top-k", "55", "--window", "8"]
    outcome = tessera(*line, "--backend", "model", "--out", tmp_path / "o.npy", "--report", tmp_path / "r.json")
    assert (outcome.status, outcome.err) == (0, "")
    assert "55 of 60 tokens for each of 1 key-value heads" in outcome.out
    report = json.loads((tmp_path / "r.json").read_text())
    Draft202012Validator(schema()).validate(report)
    assert report["workload"]["selected"] == 55
    assert report["full"]["rms_error"] < report["quality"]["rms_error"] < 0.3
    got = np.load(tmp_path / "o.npy")
    other = tessera(*line, "--backend", "reference", "--out", tmp_path / "f.npy")
    assert (other.status, other.err) == (0, "")
    exact = np.load(tmp_path / "f.npy")
    assert np.linalg.norm(got - exact) < 0.3 * np.linalg.norm(exact)


def test_what_differs_is_named(seed: int) -> None:
    """Every result of the model is compared, the first that differs is named by head and place."""
    step = workload(30, OPTIONS, seed)
    right = run(step, backend=Backend.MODEL)
    wrong = {name: array.copy() for name, array in right.results.items()}
    wrong["keys.1"][4, 7] += 1

    difference = first_difference(right.results, wrong, STEP.axes)
    assert difference
    assert "keys: token 4 channel 7" in str(difference)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--budget 0.1", "--budget is an option of --select scan, not of all"),
        ("--planes 3", "--planes is an option of --select scan, not of all"),
        ("--select scan --planes 8", "reads 1 to 7 planes, as an exact one fetches values alone, they are 8"),
        ("--select scan --planes 0", "planes must lie in 1..8, it is 0"),
        ("--select scan --top-p 0.9", "selected by a budget, top-p does not say how many"),
        ("--select scan --budget 0.1 --top-k 3", "--budget and --top-k are two budgets of one scan"),
        ("--select scan --budget 1.5", "--budget must lie in 0..1, it is 1.5"),
        ("--select scan --top-k 0 --window 0 --sink-tokens 0", "a selection must hold a token"),
        ("--select scan --head 1", "--head is an option of --select all, not of scan"),
        ("--select scan --dataflow head", "--dataflow is an option of --select all, not of scan"),
        ("--select scan --head-size 64 --hidden 256", "heads · head_size / lanes must be at least 4, 1 · 64 / 32"),
        ("--select scan --head-size 96 --hidden 256", "multiple of the memory's word of 64 B, it is 96"),
        ("--select scan --config paper", "a memory word must have at most 64 B"),
        ("--select scan --set compute=0", "need decode units: set compute=1, it is 0"),
        ("--select scan --tokens 40000", "scan_tokens must lie in 64..32768, it is 65536"),
    ],
)
def test_refusals(tessera: Tessera, options: str, message: str) -> None:
    """One line, status 2."""
    outcome = tessera("decode", "--backend", "model", *options.split())
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1
    assert message in outcome.err
