"""Values that give a quality no value, and value rows that dwarf the others."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from golden.kv.attention import Quality
from sim.kv.selection import mean_quality
from tests.sim.conftest import Tessera

RETRIEVE = ("retrieve", "--backend")


def file_with(folder: Path, values: np.ndarray, **others: np.ndarray) -> Path:
    rng = np.random.default_rng(5)
    keys, queries = rng.standard_normal((2, *values.shape)).astype(np.float32)
    np.savez(folder / "a.npz", **{"K": keys, "V": values, "Q": queries[..., :8, :], **others})
    return folder / "a.npz"


def normal_values(tokens: int = 64) -> np.ndarray:
    return np.random.default_rng(6).standard_normal((1, 4, tokens, 32)).astype(np.float32)


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_a_head_whose_values_are_zero(tessera: Tessera, backend: str, tmp_path: Path) -> None:
    """|output - full output| / |full output| is 0/0: null in the report, a dash in the table."""
    values, report = normal_values(), tmp_path / "report.json"
    values[0, 2] = 0
    outcome = tessera(*RETRIEVE, backend, file_with(tmp_path, values), "--report", report)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.count("–") == 1
    heads = json.loads(report.read_text())["quality"]["heads"]
    assert [heads[h]["output_error"] is None for h in "0123"] == [False, False, True, False]


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_logits_beyond_float32(tessera: Tessera, backend: str, tmp_path: Path) -> None:
    """Scores overflow, the softmax has no value: what is measured by it has none, and nothing is chosen by it."""
    source, report = file_with(tmp_path, normal_values(), scale=np.array(3e38)), tmp_path / "report.json"
    outcome = tessera(*RETRIEVE, backend, source, "--report", report)
    assert (outcome.status, outcome.err) == (0, "")
    assert "nan" not in outcome.out
    head = json.loads(report.read_text())["quality"]["heads"]["0"]
    assert {name for name, figure in head.items() if figure is None} == {"recall", "mass", "best_mass", "output_error"}
    refused = tessera("compress", "--backend", backend, source)
    assert refused.status == 2
    assert refused.err == "tessera: error: kv: attention scores of tokens must be finite numbers, 64 of 64 are not\n"


def test_a_value_row_that_dwarfs_the_others(tessera: Tessera, tmp_path: Path) -> None:
    """A scale a token: beside a row a thousand times the others these lose nothing. Keys are zero, so that all stay."""
    values, reports = normal_values(), [tmp_path / f"{name}.json" for name in ("plain", "sink")]
    for report, factor in zip(reports, (1, 1000), strict=True):
        values[0, 3, 7] *= factor
        source = file_with(tmp_path, values, K=np.zeros_like(values))
        outcome = tessera(*RETRIEVE, "model", source, "--report", report)
        assert (outcome.status, outcome.err) == (0, "")
    plain, sink = (json.loads(report.read_text())["quality"]["heads"]["3"] for report in reports)
    assert plain["kept"] == sink["kept"] == 1
    assert 0 < plain["output_error"] < 0.02
    assert 0 < sink["output_error"] < 0.02


def test_means_leave_out_what_has_no_value() -> None:
    def head(error: float) -> Quality:
        return Quality(kept=0.5, recall=0.5, mass=0.0, best_mass=0.0, output_error=error)

    mean = mean_quality([head(0.25), head(math.nan), head(math.inf), head(0.75)])
    assert mean["output_error"] == 0.5
    assert math.isnan(mean["relative_mass"])
