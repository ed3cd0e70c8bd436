from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hw.splat.config import Config, default, tiny
from hw.splat.counters import COUNTERS, counters_of
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline
from sim.splat.run import roofline


def bound(
    counters: dict[str, int],
    config: Config,
    memory: MemorySettings = MemorySettings(),
    *,
    degree: int = 0,
    books: SimpleNamespace | None = None,
) -> Roofline:
    """The bound of a job that counted so, of a scene of that degree with those codebooks."""
    workload = SimpleNamespace(config=config, image=SimpleNamespace(sh_degree=degree, books=books))
    return roofline(workload, SimpleNamespace(counters=counters), memory)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counter", "stage", "cycles"),
    [
        ("streamed", "coarse filter", 250),
        ("candidates", "fine filter", 500),
        ("splats", "depth sort", 1000),
        ("draws", "rasteriser", 250),
        ("flushes", "rasteriser", 250),
        ("order_cycles", "voxel order", 1000),
        ("order_words", "memory", 2000),
        ("frame_words", "memory", 2000),
        ("list_words", "memory", 2000),
        ("coarse_words", "memory", 2000),
        ("record_words", "memory", 2000),
        ("order_write_words", "memory", 2000),
        ("write_words", "memory", 2000),
    ],
)
def test_each_kind_of_work_bounds_its_stage(counter: str, stage: str, cycles: int) -> None:
    """1000 units of one kind of work need what the default config's stage takes for them, other stages nothing."""
    counters = dict.fromkeys(COUNTERS.members, 0) | {counter: 1000, "cycles": 4000}
    least = bound(counters, default(), MemorySettings(bandwidth=128))
    assert least.limit == stage
    assert {name: need for name, need in least.stages.items() if need} == {stage: cycles}
    assert least.ratio == 4000 / cycles


@pytest.mark.parametrize(("books", "degree", "cycles"), [(0, 1, 500), (0, 2, 1000), (1, 0, 500), (1, 1, 1000)])
def test_two_fine_units_halve_the_cycles_of_candidates(books: int, degree: int, cycles: int) -> None:
    """Where the scene's records come in pairs."""
    counters = dict.fromkeys(COUNTERS.members, 0) | {"candidates": 1000}
    config = default()
    config = replace(config, spec=replace(config.spec, codebooks=books), fine_units=2)
    assert bound(counters, config, degree=degree).stages["fine filter"] == cycles


@pytest.mark.parametrize(
    ("frames", "alone", "behind"), [(2, 0, 2000), (2, 1500, 2000), (2, 5000, 5000), (1, 1500, 2300), (1, 3000, 3000)]
)
def test_candidates_wait_for_codebooks(frames: int, alone: int, behind: int) -> None:
    """1000 words at half a word a cycle, with 150 read for the lists of a frame by itself, unless lists take longer."""
    config = default()
    config = replace(config, spec=replace(config.spec, codebooks=1))
    counters = dict.fromkeys(counters_of(config).members, 0)
    work = {"streamed": 4000, "candidates": 2000, "splats": 300, "draws": 4000, "book_words": 1000}
    work |= {"frames": frames, "order_words": 150, "order_write_words": 100}
    stages = bound(counters | work | {"order_alone": alone}, config, MemorySettings(bandwidth=128)).stages
    assert {name: need - behind for name, need in stages.items() if name in ("fine filter", "depth sort")} == {
        "fine filter": 1000, "depth sort": 300,
    }  # fmt: skip
    assert (stages["coarse filter"], stages["rasteriser"]) == (alone + 1000, behind + 1000)


@pytest.mark.parametrize(("loads", "rest", "behind"), [(1, 0, 150), (1, 3, 150 + 400), (0, 3, 100)])
def test_books_are_stored_a_line_or_an_entry_a_cycle(loads: int, rest: int, behind: int) -> None:
    """Four entries of the longest of three books a line, harmonics singly, 100 words; nothing if they were held."""
    config = replace(default(), spec=replace(default().spec, codebooks=1))
    counters = dict.fromkeys(counters_of(config).members, 0) | {
        "candidates": 2000,
        "book_words": 100,
        "book_loads": loads,
    }
    entries = {name: np.zeros((count, 3)) for name, count in (("scale", 10), ("quaternion", 597), ("dc", 20))}
    books = SimpleNamespace(**entries, sh=np.zeros((400, rest, 3)))
    assert bound(counters, config, degree=3, books=books).stages["fine filter"] == behind + 2000


def test_paced_filters_need_their_intervals() -> None:
    counters = dict.fromkeys(COUNTERS.members, 0) | {"candidates": 1000, "streamed": 3000}
    stages = bound(counters, replace(tiny(), fine_interval=8, coarse_interval=4)).stages
    assert (stages["coarse filter"], stages["fine filter"]) == (12000, 8000)


def test_fewer_units_need_more_cycles() -> None:
    """One coarse lane and one bank of the tiny config are slower than four of the default."""
    counters = dict.fromkeys(COUNTERS.members, 0) | {"streamed": 1000, "splats": 1000}
    stages = bound(counters, tiny()).stages
    assert (stages["coarse filter"], stages["depth sort"]) == (1000, 2000)
