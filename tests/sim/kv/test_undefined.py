"""Values that give a quality no value, and value rows that INT8 cannot hold beside others."""

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
    assert outcome.out.count(" – ") == 1
    heads = json.loads(report.read_text())["quality"]["heads"]
    assert [heads[h]["output_error"] is None for h in "0123"] == [False, False, True, False]


@pytest.mark.parametrize("backend", ["model", "reference"])
@pytest.mark.parametrize("command", ["retrieve", "compress"])
def test_logits_beyond_float32(tessera: Tessera, command: str, backend: str, tmp_path: Path) -> None:
    """Scores overflow, the softmax has no value: one line or nulls, never NaN."""
    source, report = file_with(tmp_path, normal_values(), scale=np.array(3e38)), tmp_path / "report.json"
    outcome = tessera(command, "--backend", backend, source, "--report", report)
    assert "nan" not in outcome.out
    if outcome.status:
        assert outcome.status == 2
        assert outcome.err.count("\n") == 1
    else:
        assert "NaN" not in report.read_text()


def test_means_leave_out_what_has_no_value() -> None:
    def head(error: float) -> Quality:
        return Quality(kept=0.5, recall=0.5, mass=0.0, best_mass=0.0, output_error=error)

    mean = mean_quality([head(0.25), head(math.nan), head(math.inf), head(0.75)])
    assert mean["output_error"] == 0.5
    assert math.isnan(mean["relative_mass"])
