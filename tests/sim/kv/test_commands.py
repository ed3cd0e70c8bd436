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

from golden.errors import InputError
from golden.kv.model import Options, retrieve
from golden.kv.spec import DEFAULT
from hw.kv.config import default
from sim.kernel.jobs import JobResult, run_job
from sim.kernel.problem import WrongAnswerError, kernel_of
from sim.kernel.run import Backend
from sim.kernel.runner import SimulationError
from sim.kv import baseline, kernels
from sim.kv.run import run
from sim.kv.selection import cluster_count, head_tokens
from sim.kv.streams import load_stream, quantise_stream, synthetic_stream
from sim.kv.workload import prepare_retrieve, retrieve_options
from tests.sim.conftest import Outcome, Tessera


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
        (["synthetic", "--backend", "gpu"], "'--backend': 'gpu' is not one of 'rtl', 'model', 'reference', 'fpga'."),
        (["synthetic", "--select", "best"], "'--select': 'best' is not one of 'resv', 'pages', 'scan'."),
        (["synthetic", "--head", "4"], "--head must lie in 0..3, it is 4"),
        (["synthetic", "--set", "lanes=64"], "lanes must lie in 4..32, it is 64"),
    ],
)
def test_bad_input(tessera: Tessera, arguments: list[str], message: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    backend = [] if "--backend" in arguments else ["--backend", "model"]
    outcome = tessera("retrieve", *arguments, "--report", report, *backend)
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not report.exists()


def test_head_size_that_is_not_supported(tessera: Tessera, tmp_path: Path) -> None:
    keys = np.zeros((1, 4, 8, 36), np.float32)
    np.savez(tmp_path / "a.npz", K=keys, V=keys, Q=keys)
    outcome = tessera("retrieve", tmp_path / "a.npz", "--backend", "model")
    assert outcome.err == "tessera: error: kv: a head size must be a multiple of 8, it is 36\n"


@pytest.mark.parametrize("command", ["retrieve", "compress"])
def test_more_tokens_than_there_are(tessera: Tessera, command: str, tmp_path: Path) -> None:
    """Refused, not cut: a report would say another number than was asked for. Video is made as long as is wanted."""
    keys = np.random.default_rng(1).normal(size=(1, 4, 70, 32)).astype(np.float32)
    np.savez(tmp_path / "a.npz", K=keys, V=keys, Q=keys)
    for tokens, wanted in ((70, 0), (71, 2)):
        outcome = tessera(command, tmp_path / "a.npz", "--tokens", tokens, "--backend", "model")
        assert outcome.status == wanted, outcome.err
    assert outcome.err == "tessera: error: a: --tokens must lie in 1..70, the tokens there are, it is 71\n"
    assert tessera(command, tmp_path / "a.npz", "--tokens", 80, "--video", 0.9, "--backend", "model").status == 0


@pytest.mark.parametrize("rule", ["resv", "pages"])
def test_selection_file(tessera: Tessera, rule: str, tmp_path: Path) -> None:
    target = tmp_path / "sel.npz"
    outcome = tessera(
        "retrieve", "synthetic", "--tokens", 300, "--backend", "model", "--select", rule, "--selection", target
    )
    assert (outcome.status, outcome.err) == (0, "")
    stream = synthetic_stream(300)
    options = Options.livevlm(DEFAULT) if rule == "pages" else Options.of(DEFAULT)
    model = retrieve(quantise_stream(stream, DEFAULT, options), DEFAULT, options)
    with np.load(target) as arrays:
        for h, head in enumerate(model.heads):
            assert arrays[f"head_{h}"].tolist() == sorted(head.tokens.tolist())


def test_options_of_a_job() -> None:
    pages = retrieve_options(DEFAULT, pages=True, share=0.25, hamming=5)
    assert pages == Options(hamming_threshold=5, wicsum_code=256, pages=True, count_mode=True)
    assert retrieve_options(DEFAULT) == Options.of(DEFAULT)


def test_one_head(tessera: Tessera, tmp_path: Path) -> None:
    """--head limits the selection and the report, not the work."""
    files = [tmp_path / "report.json", tmp_path / "sel.npz"]
    outcome = tessera(
        "retrieve", "synthetic", "--tokens", 200, "--backend", "reference", "--head", 1,
        "--report", files[0], "--selection", files[1],
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    assert list(json.loads(files[0].read_text())["quality"]["heads"]) == ["1"]
    assert np.load(files[1]).files == ["head_1"]


class RtlBranch:
    """`retrieve --backend rtl` on the small config, with a simulator that may lie."""

    arguments = ("retrieve", "synthetic", "--config", "tiny", "--tokens", 100, "--queries", 3, "--check")

    def __init__(self, tessera: Tessera, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.tessera, self.monkeypatch = tessera, monkeypatch
        self.files = (folder / "report.json", folder / "sel.npz")

    def run(self, simulator: Callable[..., JobResult], *more: object) -> Outcome:
        self.monkeypatch.setattr("sim.kernel.run.run_job", simulator)
        return self.tessera(*self.arguments, *more, "--report", self.files[0], "--selection", self.files[1])

    def written(self) -> list[bool]:
        return [path.exists() for path in self.files]


def test_rtl_branch(tessera: Tessera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    branch = RtlBranch(tessera, monkeypatch, tmp_path)
    outcome = branch.run(run_job, "--stalls", 20)
    assert (outcome.status, outcome.err) == (0, "")
    assert "words of log, bitmaps, records" in outcome.out
    report = json.loads(branch.files[0].read_text())
    assert report["counters"]["tokens"] == 100
    assert report["quality"]["rtl_equals_model"] is True
    assert branch.written() == [True, True]


def test_rtl_branch_that_differs(tessera: Tessera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wrong bit in the log is a small table and one line of error, as every stage is right; nothing is written."""

    def flipped(*given: Any, **settings: Any) -> JobResult:
        job = run_job(*given, **settings)
        data = job.data.copy()
        data[7 * 8] ^= 1
        return replace(job, data=data)

    branch = RtlBranch(tessera, monkeypatch, tmp_path)
    outcome = branch.run(flipped)
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].startswith("tessera: error: log: token 7 hash: expected ")
    assert branch.written() == [False, False]


def test_rtl_branch_that_fails(tessera: Tessera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: Any, **__: Any) -> JobResult:
        raise SimulationError("kv: not done after 5 cycles")

    branch = RtlBranch(tessera, monkeypatch, tmp_path)
    assert branch.run(fails).err == "tessera: error: kv: not done after 5 cycles\n"
    refused = branch.run(fails, "--tokens", 257)
    assert refused.status == 2
    assert refused.err == "tessera: error: kv: at most 256 tokens fit this config, there are 257\n"
    assert branch.written() == [False, False]


@pytest.mark.parametrize("rule", ["resv", "pages"])
def test_reference_runs(tessera: Tessera, rule: str) -> None:
    """The float algorithms say which tokens they choose in the form in which the model does."""
    outcome = tessera("retrieve", "synthetic", "--tokens", 200, "--backend", "reference", "--select", rule)
    assert (outcome.status, outcome.err) == (0, "")
    assert "clusters" in outcome.out
    options = retrieve_options(DEFAULT, pages=rule == "pages")
    workload = prepare_retrieve(synthetic_stream(600), default(), options)
    chosen, bit_true = (run(workload, backend=backend).results for backend in (Backend.REFERENCE, Backend.MODEL))
    least = 0.75 if rule == "pages" else 0.9  # the reference pools pages by mean softmax, the engine by mean query
    for own, other in zip(head_tokens(chosen), head_tokens(bit_true), strict=True):
        assert bool((np.diff(own) > 0).all())
        assert len(np.intersect1d(own, other)) >= least * len(own) > 0, "the model rounds a selection up"
    if rule == "pages":
        assert cluster_count(chosen) == cluster_count(bit_true) == -(-600 // DEFAULT.block_tokens)


def test_stream_names() -> None:
    for name in ("", "a@b@c", "video2:x.npz"):
        with pytest.raises(InputError):
            load_stream(name, 10)


def test_baseline_answers_are_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters are the model's, and what each kernel gathers is judged: another token is a wrong answer."""
    stream = synthetic_stream(400)
    workload = prepare_retrieve(stream, default(), Options.of(DEFAULT))
    model = retrieve(workload.data, workload.config.spec, workload.options)
    problems = list(baseline.problems_of(stream, workload, model))
    places, _ = kernels.cluster(problems[0].inputs, problems[0].settings)
    assert torch.equal(places, model.clustering.cluster)
    for problem in problems:
        kernel = kernel_of(problem)
        if "cpu" not in kernel.kinds:
            continue
        got = kernel.make(problem.inputs, problem.settings)()
        assert kernel.judge(got, problem) == {}
        with pytest.raises(WrongAnswerError, match="synthetic: "):
            kernel.judge([got[0][:-1], *got[1:]], problem)
