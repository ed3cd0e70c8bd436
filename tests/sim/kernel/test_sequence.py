from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from hw.splat.config import tiny
from sim.kernel.report import make_report
from sim.kernel.report_schema import schema
from sim.kernel.roofline import Roofline
from sim.kernel.sequence import figures, plot_frames, sequence_report


def frame(number: int, cycles: int, stages: dict[str, float], psnr: float | None) -> dict[str, Any]:
    return make_report(
        engine="splat", config=tiny(), seed=1, counters={"cycles": cycles}, dram_bytes={"read": 64, "total": 64},
        workload={"scene": "a", "frame": number, "camera": {}, "seconds": 0.5},
        roofline=Roofline(cycles=cycles, stages=stages, useful=cycles / 1000),
        quality={"psnr_db": psnr, "rtl_equals_model": True, "words_compared": 10},
    )  # fmt: skip


def test_a_sequence_sums_and_averages_its_frames() -> None:
    """Cycles, bounds, counters and bytes are sums; shares and quality means; the frames stay as they are."""
    frames = [frame(3, 100, {"x": 80, "y": 10}, 40.0), frame(4, 200, {"x": 20, "y": 90}, 44.0)]
    whole = sequence_report(frames, "orbit:9:1deg")
    Draft202012Validator(schema()).validate(whole)
    assert whole["workload"] == {"scene": "a", "path": "orbit:9:1deg", "frames": 2, "seconds": 1.0}
    assert (whole["cycles"], whole["counters"], whole["bytes"]) == (300, {"cycles": 300}, {"read": 128, "total": 128})
    assert whole["bound"] == {"cycles": 170.0, "limit": "x", "stages": {"x": 100.0, "y": 100.0}}
    assert whole["ratio"] == pytest.approx(300 / 170)
    assert whole["useful_share"] == pytest.approx(0.15)
    assert whole["quality"] == {"psnr_db": 42.0, "rtl_equals_model": True, "words_compared": 20}
    assert whole["frames"] == frames


def test_what_a_frame_lacks_the_sequence_lacks() -> None:
    """No RTL, no cycles; a figure without a value in one frame has none in the sequence."""
    frames = [frame(0, 100, {"x": 80}, None), frame(1, 100, {"x": 80}, 40.0)]
    for report in frames:
        report |= {"cycles": None, "bound": None, "useful_share": None, "bytes": {}}
    whole = sequence_report(frames, "p.json")
    assert [whole[key] for key in ("cycles", "bound", "ratio", "useful_share")] == [None] * 4
    assert whole["quality"]["psnr_db"] is None
    assert figures(frames) == {}


def test_the_figures_of_every_frame_are_drawn(tmp_path: Path) -> None:
    """One row of axes for each."""
    frames = [frame(k, 100 + k, {"x": 80}, 40.0 + k) for k in range(3)]
    curves = figures(frames)
    assert curves == {"cycles": [100, 101, 102], "bytes": [64, 64, 64], "psnr_db": [40.0, 41.0, 42.0]}
    plot_frames(tmp_path / "f.png", range(3), curves)
    with Image.open(tmp_path / "f.png") as image:
        assert image.size[0] == 720
