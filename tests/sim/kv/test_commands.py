"""`tessera retrieve` and the baseline: bad input is one line, good input is what the model says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from golden.errors import InputError
from golden.kv.model import Options, retrieve
from golden.kv.spec import DEFAULT
from hw.kv.config import default
from sim.cli import cli
from sim.kernel.compare import CheckError
from sim.kernel.runner import SimulationError
from sim.kv import baseline as baseline
from sim.kv.retrieval import quantise_stream
from sim.kv.streams import load_stream, synthetic_stream
from sim.kv.workload import KvWorkload, RtlRetrieval, run_rtl


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.npz"], "no such file"),
        (["synthetic", "--queries", "0"], "--queries must be at least 1, it is 0"),
        (["synthetic", "--tokens", "40000"], "at most 32768 tokens fit this config, there are 40000"),
        (["synthetic", "--set", "hamming_threshold=49"], "hamming_threshold must lie in 1..48, it is 49"),
        (["synthetic", "--set", "hash_bits=8", "--set", "hamming_threshold=9"], "Th_hd must lie in 1..hash_bits = 8"),
        (["synthetic", "--share", "1.5"], "--share must lie in 1/1024..1023/1024, it is 1.5"),
        (["synthetic", "--hamming", "0"], "Th_hd must lie in 1..hash_bits = 48, it is 0"),
        (["synthetic", "--backend", "gpu"], "--backend must be rtl, model or reference, it is 'gpu'"),
        (["synthetic", "--select", "best"], "--select must be resv or pages, it is 'best'"),
        (["synthetic", "--head", "4"], "--head must lie in 0..3, it is 4"),
        (["synthetic", "--set", "lanes=64"], "lanes must lie in 8..32, it is 64"),
    ],
)
def test_bad_input(arguments: list[str], message: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = CliRunner().invoke(
        cli, ["retrieve", *arguments, "--report", str(report)] + ["--backend", "model"] * ("--backend" not in arguments)
    )
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not report.exists()


def test_head_size_that_is_not_supported(tmp_path: Path) -> None:
    keys = np.zeros((1, 4, 8, 48), np.float32)
    np.savez(tmp_path / "a.npz", K=keys, V=keys, Q=keys)
    result = CliRunner().invoke(cli, ["retrieve", str(tmp_path / "a.npz"), "--backend", "model"])
    assert str(result.exception) == "kv: head_size must be a power of two, it is 48"


@pytest.mark.parametrize("rule", ["resv", "pages"])
def test_selection_file(rule: str, tmp_path: Path) -> None:
    target = tmp_path / "sel.npz"
    arguments = [
        "retrieve",
        "synthetic",
        "--tokens",
        "300",
        "--backend",
        "model",
        "--select",
        rule,
        "--selection",
        str(target),
    ]
    result = CliRunner().invoke(cli, arguments)
    assert result.exception is None, result.output
    stream = synthetic_stream(300)
    options = Options.livevlm(DEFAULT) if rule == "pages" else Options.of(DEFAULT)
    model = retrieve(quantise_stream(stream, DEFAULT, options), DEFAULT, options)
    with np.load(target) as arrays:
        for h, head in enumerate(model.heads):
            assert arrays[f"head_{h}"].tolist() == sorted(head.tokens.tolist())


class RtlBranch:
    """`retrieve --backend rtl` on the small config, on the build that the engine's tests share."""

    arguments = ("retrieve", "synthetic", "--config", "tiny", "--tokens", "100", "--queries", "3", "--check")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.monkeypatch = monkeypatch
        self.files = (folder / "report.json", folder / "sel.npz")

    def run(self, run_rtl: Callable[..., RtlRetrieval], *more: str) -> Result:
        self.monkeypatch.setattr("sim.kv.retrieval.run_rtl", run_rtl)
        files = ("--report", str(self.files[0]), "--selection", str(self.files[1]))
        return CliRunner().invoke(cli, [*self.arguments, *more, *files])

    def written(self) -> list[bool]:
        return [path.exists() for path in self.files]


def with_taps(workload: KvWorkload, **options: Any) -> RtlRetrieval:
    return run_rtl(workload, **options, taps=True)


def test_rtl_branch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    branch = RtlBranch(monkeypatch, tmp_path)
    result = branch.run(with_taps, "--stalls", "20")
    assert result.exception is None, result.output
    assert "RTL equals the model in every hash, cluster, selected set and gathered word" in result.output
    assert json.loads(branch.files[0].read_text())["counters"]["tokens"] == 100
    assert branch.written() == [True, True]


def test_rtl_branch_that_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong bit in the log is one line, and nothing is written."""

    def flipped(workload: KvWorkload, **options: Any) -> RtlRetrieval:
        rtl = with_taps(workload, **options)
        log = rtl.log.copy()
        log[7, 0] ^= 1
        return replace(rtl, log=log)

    branch = RtlBranch(monkeypatch, tmp_path)
    result = branch.run(flipped)
    assert isinstance(result.exception, CheckError)
    assert str(result.exception).startswith("log: token 7 hash: expected ")
    assert branch.written() == [False, False]


def test_rtl_branch_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: Any, **__: Any) -> RtlRetrieval:
        raise SimulationError("kv: not done after 5 cycles")

    branch = RtlBranch(monkeypatch, tmp_path)
    assert str(branch.run(fails).exception) == "kv: not done after 5 cycles"
    refused = branch.run(fails, "--tokens", "257").exception
    assert isinstance(refused, InputError)
    assert str(refused) == "kv: at most 256 tokens fit this config, there are 257"
    assert branch.written() == [False, False]


def test_reference_runs() -> None:
    result = CliRunner().invoke(cli, ["retrieve", "synthetic", "--tokens", "200", "--backend", "reference"])
    assert result.exception is None
    assert "clusters" in result.output


def test_stream_names() -> None:
    for name in ("", "a@b@c", "video2:x.npz"):
        with pytest.raises(InputError):
            load_stream(name, 10)


def test_baseline_answers_are_the_models() -> None:
    stream = synthetic_stream(400)
    spec, options = default().spec, Options.of(DEFAULT)
    data = quantise_stream(stream, spec, options)
    model = retrieve(data, spec, options)
    work = baseline.work_of(data, model, spec, options, "cpu")
    places, count = baseline.cluster(work)
    assert torch.equal(places, model.clustering.cluster)
    chosen = baseline.select(work, places, count)
    assert all(set(c.tolist()) <= set(h.tokens.tolist()) for c, h in zip(chosen, model.heads, strict=True))
