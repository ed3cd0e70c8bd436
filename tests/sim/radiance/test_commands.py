"""`tessera reuse`: what it shows and writes; the bound of a run; the baseline's answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hw.radiance.config import tiny
from sim.kernel.jobs import MemorySettings
from sim.kernel.problem import WrongAnswerError, solve
from sim.kernel.processor import cpu
from sim.radiance import baseline, kernels
from sim.radiance.run import roofline
from sim.radiance.traces import load_trace
from sim.radiance.workload import prepare
from tests.sim.conftest import Tessera

SMALL = ("--config", "tiny", "--size", 16, "--frames", 2)


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_frames_as_numbers(backend: str, tessera: Tessera, tmp_path: Path) -> None:
    """Pictures are joined from their regions; where nothing hits they are what was drawn."""
    outcome = tessera(
        "reuse", "synthetic:4", *SMALL, "--backend", backend, "--result", tmp_path / "r.npz", "--report",
        tmp_path / "r.json",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    found = np.load(tmp_path / "r.npz")
    drawn = load_trace("synthetic:4", tiny().spec, size=16, frames=2).colour
    missed = found["hit"] == 0
    assert found["colour"].shape == (2, 16, 16, 4)
    assert (found["colour"][missed] == drawn[missed]).all()
    quality = json.loads((tmp_path / "r.json").read_text())["quality"]
    assert quality["hit_rates"] == pytest.approx((found["hit"].mean((1, 2))).tolist(), abs=1e-5)
    assert ("false_hits" in quality) == (backend == "model")


def test_what_is_refused(tessera: Tessera, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", ids=np.full((1, 8, 8, 3), 1 << 16), count=np.full((1, 8, 8), 3),
             colour=np.zeros((1, 8, 8, 4), int))  # fmt: skip
    lines = {
        ("missing.npz",): "missing.npz: no such file",
        ("synthetic", "--frames", 0): "a trace has at least 1 frame, not 0",
        (tmp_path / "t.npz", "--frames", 2): "--frames must lie in 1..1, the frames there are, it is 2",
        (tmp_path / "t.npz",): "radiance: ids must lie in 0..65535, it reaches 65536..65536",
    }
    for line, message in lines.items():
        outcome = tessera("reuse", *line, "--config", "tiny", "--backend", "model")
        assert outcome.status == 2
        assert message in outcome.err


def test_the_bound_follows_the_visits() -> None:
    """Pixels, and between two visits save and restore by their words; at the ends one of them alone."""
    counters = dict.fromkeys(("look_ups", "hits", "job_words"), 10) | {
        "cycles": 500, "visits": 3, "pixels": 100, "pixel_words": 100, "result_write_words": 60, "image_words": 20,
        "save_write_words": 102,
    }  # fmt: skip
    bound = roofline(counters, tiny(), MemorySettings())
    assert bound.stages == {
        "look-ups": 100, "restore": 48, "save": 102, "memory": 292, "visit by visit": 160 + 122 + (150 - 122) / 3,
    }  # fmt: skip
    slow = roofline(counters, tiny(), MemorySettings(bandwidth=128))
    assert slow.stages["save"] == 204
    assert slow.useful == 1


def test_a_baseline_that_answers_wrongly_has_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pixel is enough."""
    config = tiny()
    problem = baseline.problem_of(prepare(load_trace("synthetic:4", config.spec, size=16, frames=2), config))
    right = solve(problem, cpu())
    assert right
    assert right["pixels"] == 512
    frame = kernels.frame

    def wrong(*args: object) -> object:
        hit, colour = frame(*args)  # type: ignore[arg-type]
        colour[3] ^= 1
        return hit, colour

    monkeypatch.setattr(kernels, "frame", wrong)
    with pytest.raises(WrongAnswerError, match="frame 0: the baseline's colours are not the model's"):
        solve(problem, cpu())
