"""The study of a language model on a tiny one: its files, and that it goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim.kv.perplexity_sweep as sweep
from golden.errors import InputError
from sim.kv.perplexity import Choice
from tests.golden.llm.tiny_model import random_weights, write_model

CHOICES = Choice(rule="scan", budget=0.3, planes=4), Choice(rule="scan"), Choice(rule="topk", budget=0.3)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seed: int) -> Path:
    """Two short texts and contexts; the folder of the study."""
    model = write_model(tmp_path / "tiny.gguf", random_weights(seed))
    monkeypatch.setattr(sweep, "real_models", lambda: [model])
    monkeypatch.setattr(sweep, "POINTS", {100: {10: CHOICES[:1]}, 130: {60: CHOICES, 20: CHOICES[2:]}})
    monkeypatch.setattr(sweep, "TEXTS", {"a": lambda: "hello world " * 60, "b": lambda: "all is well, " * 60})
    (tmp_path / "docs" / "sweeps").mkdir(parents=True)
    return tmp_path / "docs"


def test_study(small: Path) -> None:
    said: list[str] = []
    paths = sweep.record(small, said.append, size=130)
    rows = json.loads(paths[0].read_text())["rows"]
    points = [*((130, 60, choice) for choice in CHOICES), (130, 20, CHOICES[2]), (100, 10, CHOICES[0])]
    assert [sweep.key_of(row) for row in rows] == [(text, *point) for text in "ab" for point in points]
    assert paths[1].read_text().count("| scan 0.3, 4 planes |") == 4
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    assert set(sweep.curves(rows)) == {"scan, 4 planes", "topk"}
    # Of what was measured nothing is measured again; of a study broken off, only what is missing.
    said.clear()
    sweep.record(small, said.append, size=130)
    assert said == []
    paths[0].write_text(json.dumps({"rows": [row for row in rows if row["text"] == "a"]}))
    sweep.record(small, said.append, size=130)
    assert said[0] == "b: full attention over 130 tokens"
    assert json.loads(paths[0].read_text())["rows"] == rows


def test_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="a size from 100 on, it is 20"):
        sweep.record(small, print, size=20)
    monkeypatch.setattr(sweep, "real_models", list)
    with pytest.raises(InputError, match="needs the model of `make model`"):
        sweep.record(small, print, size=130)
    monkeypatch.setattr(sweep, "POD", str(small))
    with pytest.raises(InputError, match="needs Perl's manual"):
        sweep.perl_text()


def test_texts() -> None:
    assert sweep.python_text().startswith('The "assert" statement')
