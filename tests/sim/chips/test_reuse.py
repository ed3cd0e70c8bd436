from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.chips import reuse, reuse_measures
from sim.chips.reuse_measures import settings
from sim.splat import share_sweep


@pytest.mark.slow
def test_the_tables_say_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the built-in scene alone, few settings and frames: every row of the JSON stands in its table."""
    tried = {name: settings()[name] for name in ("colour, 5 ids", "remainder, 5 ids")}
    monkeypatch.setattr(reuse_measures, "settings", lambda: tried)
    monkeypatch.setattr(reuse, "known_scenes", lambda: ["embedded"])
    monkeypatch.setattr(reuse, "FAST_STEPS", ())
    monkeypatch.setattr(share_sweep, "SETTINGS", ((2, 8),))
    lines: list[str] = []
    paths = reuse.record(tmp_path, lines.append, size=64, frames=2)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == ["sweeps/radiance.json", "sweeps/radiance.md"]
    found, text = json.loads(paths[0].read_text()), paths[1].read_text()
    rows = found["cache"]
    assert {(row["setting"], row["step"]) for row in rows} == {(name, step) for name in tried for step in (1, 0.25)}
    for row in rows:
        assert 0.1 < row["hit_rate"] <= 1
        assert 0 < row["blends_saved"] < row["hit_rate"]
        assert f"{row['hit_rate']:.0%} · {row['blends_saved']:.0%} · {row['cached_db']:.1f}" in text
        assert row["loss_db"] > row["photo_loss_db"] > 0
    colour, remainder = rows[:2]
    assert colour["hit_rate"] == remainder["hit_rate"]
    assert remainder["cached_db"] > colour["cached_db"] + 1
    keys = {row["key"]: row for row in found["keys"]}
    assert keys["hash of 40 bits"]["hit_rate"] == colour["hit_rate"]
    assert keys["hash of 48 bits"]["hit_rate"] == pytest.approx(colour["hit_rate"], abs=0.01)
    at_once = keys["hash of 40 bits, a fill is seen at once"]["hit_rate"]
    assert at_once == pytest.approx(colour["hit_rate"], abs=0.05)
    light = [row["light"] for row in found["light"]]
    assert 1 > light[0] > light[1] > light[2] > 0
    (slow, slower) = found["sorting"]
    assert slower["shared_db"] > slow["shared_db"] > 30
    assert f"{slow['shared_db']:.1f} dB (worst {slow['worst_db']:.1f})" in text
    assert any("frame 1" in line for line in lines)
