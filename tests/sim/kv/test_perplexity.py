"""The command on a tiny random model, and on a real one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from golden.llm.gguf_file import GgufFile
from golden.llm.tokenizer import load_tokenizer
from sim.kernel.report_schema import schema
from tests.golden.llm.tiny_model import plain_forward, random_weights, write_model
from tests.sim.conftest import Tessera

TEXT = "hello world, hell or well: " * 7


@pytest.fixture
def files(tmp_path: Path, seed: int) -> tuple[Path, Path]:
    """Model and text."""
    text = tmp_path / "text.txt"
    text.write_text(TEXT)
    return write_model(tmp_path / "tiny.gguf", random_weights(seed)), text


def test_report(files: tuple[Path, Path], tessera: Tessera, tmp_path: Path, seed: int) -> None:
    """Full attention's perplexity is that of the plain forward pass; every choice has its line and its figures."""
    report = tmp_path / "report.json"
    options = "--tokens 90 --last 20 --sink 2 --window 4 --budget 0.3 --budget 0.9 --planes 3 --planes 8"
    rules = "--select scan --select full --select resv --select pages --select topk"
    outcome = tessera("perplexity", *files, *options.split(), *rules.split(), "--report", report)
    assert outcome.status == 0, outcome.err
    whole = json.loads(report.read_text())
    Draft202012Validator(schema()).validate(whole)
    choices = whole["quality"]["choices"]
    assert [(c["rule"], c["budget"], c["planes"]) for c in choices] == [
        ("scan", 0.3, 3), ("scan", 0.3, 8), ("scan", 0.9, 3), ("scan", 0.9, 8), ("full", 1.0, 8),
        ("resv", 0.3, 8), ("resv", 0.9, 8), ("pages", 0.3, 8), ("pages", 0.9, 8), ("topk", 0.3, 8), ("topk", 0.9, 8),
    ]  # fmt: skip
    assert "scan 0.3, 3 planes" in outcome.out
    tokens = load_tokenizer(GgufFile(files[0])).encode(TEXT)[:91]
    logits = plain_forward(random_weights(seed), tokens[:-1])[70:]
    shares = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    exact = math.exp(-shares[np.arange(20), tokens[71:]].mean())
    assert whole["quality"]["full_perplexity"] == pytest.approx(exact, rel=1e-4)
    full = choices[4]
    assert (full["ratio"], full["kept"], full["read"], full["searched"]) == (pytest.approx(1, abs=1e-6), 1, 1, 0)
    for choice in choices:
        assert choice["perplexity"] == pytest.approx(choice["ratio"] * exact, rel=1e-4)
        assert choice["searched"] <= choice["read"]


def test_layers_that_attend_to_all(files: tuple[Path, Path], tessera: Tessera, tmp_path: Path) -> None:
    """Half of the layers read everything, both as much as all tokens of the codes; so do as many tokens at least."""
    figures = []
    for more in ("", "--whole 1", "--whole 2", "--least 90"):
        report = tmp_path / "report.json"
        options = f"--tokens 90 --last 60 --sink 2 --window 4 --budget 0.2 --planes 3 --select scan {more}"
        assert tessera("perplexity", *files, *options.split(), "--report", report).status == 0
        (choice,) = json.loads(report.read_text())["quality"]["choices"]
        figures.append(choice)
    none, half, both, least = figures
    assert half["kept"] == pytest.approx((1 + none["kept"]) / 2)
    assert half["searched"] == pytest.approx(none["searched"] / 2)
    assert (both["kept"], both["searched"]) == (1, 0)
    assert (least["kept"], least["perplexity"]) == (1, both["perplexity"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--tokens 1", "--tokens must lie in 2.."),
        ("--tokens 999", "what text and model have, it is 999"),
        ("--tokens 50 --last 50", "--last must lie in 1..49, less than the tokens, it is 50"),
        ("--budget 2", "a budget of scan must lie in 0..1, it is 2"),
        ("--planes 9", "planes must lie in 1..8, and are a scan's, they are 9 for scan"),
        ("--window 0", "--window must lie in 1..65536, it is 0"),
        ("--sink -1", "--sink must lie in 0..65536, it is -1"),
        ("--least -1", "--least must lie in 0..65536, it is -1"),
        ("--whole -1", "--whole must lie in 0..65536, it is -1"),
    ],
)
def test_refused_options(options: str, message: str, files: tuple[Path, Path], tessera: Tessera) -> None:
    outcome = tessera("perplexity", *files, *options.split())
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_refused_texts(files: tuple[Path, Path], tessera: Tessera, tmp_path: Path) -> None:
    text = tmp_path / "other.txt"
    for raw, message in (
        (b"hell\xff", "other.txt: a text must be UTF-8, byte 4 is not"),
        (b"", "--tokens must lie in 2..-1, what text and model have, it is left out"),
        (None, "no such file"),
    ):
        text.unlink(missing_ok=True)
        if raw is not None:
            text.write_bytes(raw)
        outcome = tessera("perplexity", files[0], text)
        assert (outcome.status, outcome.err.count("\n")) == (2, 1)
        assert message in outcome.err


@pytest.mark.slow
def test_real_model(real_model: Path, tessera: Tessera, tmp_path: Path) -> None:
    """Python's documentation: every fourth token, by four planes, costs less than 3 % of perplexity at 1,024 tokens."""
    from pydoc_data.topics import topics

    text, report = tmp_path / "topics.txt", tmp_path / "report.json"
    text.write_text("\n\n".join(topics.values())[:9000])
    options = "--tokens 1024 --budget 0.25 --planes 4 --select scan --select full"
    assert tessera("perplexity", real_model, text, *options.split(), "--report", report).status == 0
    found = json.loads(report.read_text())["quality"]
    scan, full = found["choices"]
    assert 5 < found["full_perplexity"] < 25
    assert full["ratio"] == pytest.approx(1, abs=1e-4)
    assert abs(scan["ratio"] - 1) < 0.03
    assert scan["kept"] == pytest.approx(0.25, abs=0.001)
