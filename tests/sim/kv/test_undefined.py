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
    """One warning names the heads, and the worst row with its ratio; the float reference loses nothing."""
    values = normal_values()
    values[0, 1, 5] *= 100 / np.abs(values[0, 1, 5]).max()
    values[0, 3, 7] *= 1000 / np.abs(values[0, 3, 7]).max()
    values[0, 3, 20:60] = 0
    rows = np.abs(values[0, 3]).max(1)
    ratio = 1000 / np.sort(rows[rows > 0])[(np.count_nonzero(rows) - 1) // 2]
    source = file_with(tmp_path, values)
    outcome = tessera(*RETRIEVE, "model", source)
    assert outcome.status == 0
    assert outcome.err.startswith("tessera: warning: values: in heads 1, 3 one row dwarfs the others")
    assert f"in head 3 token 7 is {ratio:.4g} times the median row" in outcome.err
    assert outcome.err.count("\n") == 1
    assert tessera(*RETRIEVE, "reference", source).err == ""


@pytest.mark.parametrize("rows", [slice(0, 64), slice(0, 63)])
def test_padding_is_no_dwarf(tessera: Tessera, rows: slice, tmp_path: Path) -> None:
    values = normal_values()
    values[:, :, rows] = 0
    assert tessera(*RETRIEVE, "model", file_with(tmp_path, values)).err == ""


def test_means_leave_out_what_has_no_value() -> None:
    def head(error: float) -> Quality:
        return Quality(kept=0.5, recall=0.5, mass=0.0, best_mass=0.0, output_error=error)

    mean = mean_quality([head(0.25), head(math.nan), head(math.inf), head(0.75)])
    assert mean["output_error"] == 0.5
    assert math.isnan(mean["relative_mass"])
