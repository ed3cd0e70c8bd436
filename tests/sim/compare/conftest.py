"""No record or estimate but those that a test makes."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records are read in `records` and `tree`, estimates in `estimate`, below the folder that is given."""
    monkeypatch.setattr("sim.kernel.baseline.SIM", tmp_path / "tree")
    monkeypatch.setattr("sim.kernel.baseline.LOCAL", tmp_path / "records")
    monkeypatch.setattr("sim.compare.costs.ESTIMATES", tmp_path / "estimate")
    return tmp_path
