"""The whole radiance cache on Verilator: every colour, every hit and every saved set equals the model's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden.radiance.model import Played
from golden.radiance.saved import save
from golden.radiance.spec import PAPER
from hw.radiance.config import CONFIGS, Config, tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend, compare
from sim.radiance.run import LOOK_UP, false_hits, lookups_per_cycle, play_trace, run
from sim.radiance.suite import run_suite
from sim.radiance.traces import Trace, load_trace
from sim.radiance.workload import RadianceWorkload, prepare


def workload(config: Config, source: str = "synthetic:3", size: int = 20, frames: int = 3) -> RadianceWorkload:
    return prepare(load_trace(source, config.spec, size=size, frames=frames), config)


@pytest.mark.parametrize("stalls", [0, 90])
def test_a_sequence(stalls: int) -> None:
    """Regions of several sizes, each restored from what the frame before has saved; counters add up."""
    asked = workload(tiny())
    found = run(asked, memory=MemorySettings(stalls=stalls, latency=20, seed=3), check=True)
    c = found.counters
    assert (c["visits"], c["pixels"], c["refused"]) == (27, 1200, 0)
    assert c["hits"] == found.results["hit"].sum() > 300
    assert c["look_ups"] == sum(int((visit.count == 3).sum()) for visit in asked.visits) < 1200
    assert c["replaced"] <= c["filled"]
    assert found.quality["hit_rates"][0] == 0
    assert found.quality["psnr_to_drawn_db"] > 25


def test_saved_caches_are_restored_or_refused() -> None:
    """The last frame's caches begin another sequence; a damaged one and a stranger's are refused, and counted."""
    first = workload(tiny(), size=16)
    played = play_trace(first)
    images = [save(first.config.spec, played.caches[k], 0, first.identity) for k in range(4)]
    images[1] = images[1].copy()
    images[1][200] ^= 1
    images[2] = save(first.config.spec, played.caches[2], 0, first.identity + 1)
    images[3] = images[3][:-16]
    again = prepare(first.trace, first.config, images)
    found = run(again, memory=MemorySettings(latency=20), check=True)
    assert found.counters["refused"] == 3 == found.model.refused
    hits = found.results["hit"][:4].sum(1)
    assert hits[0] > 0
    assert not hits[1:].any()


def test_ids_that_alias_are_false_hits() -> None:
    """With the published bits a colour of other ids comes back, where and as often as the model says."""
    config = replace(tiny(), spec=replace(PAPER, sets=16, region=8), memory_width=256)
    trace = load_trace("synthetic:3:0", config.spec, size=8, frames=2)
    ids = trace.ids.copy()
    ids[1, :, :4] ^= 1 << 20
    found = run(prepare(replace_ids(trace, ids), config), backend=Backend.MODEL)
    wrong = false_hits(found)
    full = (trace.count[1, :, :4] == 5).sum()
    assert wrong[0] == 0
    assert 0 < wrong[1] <= full


def replace_ids(trace: Trace, ids: np.ndarray) -> Trace:
    return replace(trace, ids=ids)


def test_a_wrong_word_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of results by visit and pixel; the stage that made it is looked for in the streams between the stages."""
    asked = workload(tiny(), size=16)
    played = play_trace(asked)
    results = dict(LOOK_UP.expected(asked, played))
    results["colour"] = results["colour"].copy()
    results["colour"][2, 5, 1] ^= 4
    monkeypatch.setattr("sim.kernel.run.stage_difference", lambda *_, **__: None)
    with pytest.raises(CheckError, match=r"colour.*visit 2.*pixel 5"):
        compare(LOOK_UP, asked, results, played)


def test_the_streams_are_the_model_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is wrong in a pixel differs first in what the pixel gets, not in what it asks."""
    asked = workload(tiny(), size=16)

    def wrong(workload: RadianceWorkload) -> Played:
        played = play_trace(workload)
        played.found[1].colour[0, 7] ^= 1
        return played

    from sim.kernel.run import stage_difference

    assert stage_difference(LOOK_UP, asked, play_trace(asked), MemorySettings(latency=20)) is None
    found = stage_difference(LOOK_UP, asked, wrong(asked), MemorySettings(latency=20))
    assert "answers" in str(found)
    assert "colour" in str(found)


def test_the_reference_hits_in_the_same_frame() -> None:
    """Pixel by pixel the first frame hits too: what the rule costs stands beside it."""
    asked = workload(tiny(), size=16)
    published = run(asked, backend=Backend.REFERENCE)
    assert published.quality["hit_rates"][0] > 0.2
    assert run(asked, backend=Backend.MODEL).quality["hit_rates"][0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_the_suite(name: str, tmp_path: Path) -> None:
    """Whole sequences of every trace, with and without pauses."""
    table = run_suite(CONFIGS[name](), tmp_path, size=256 if name != "tiny" else 32)
    assert len(table.rows) == 6
    assert len(list(tmp_path.glob("*.json"))) == 6


@pytest.mark.slow
def test_one_look_up_a_cycle() -> None:
    """While the cache is open, whatever hits, misses and goes in."""
    found = run(workload(CONFIGS["default"](), "synthetic:8", size=128, frames=2), check=True)
    assert lookups_per_cycle(found.counters) > 0.99
    assert found.roofline is not None
    assert found.roofline.ratio < 1.1
