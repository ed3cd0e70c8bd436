"""Sequences of frames by RTL, model or reference, and the least cycles that they can take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from golden.radiance.memory_image import expected_results, read_results
from golden.radiance.model import Played, play
from golden.rows import Ints
from hw.radiance.config import Config, default
from hw.radiance.top import COUNTERS, RadianceEngine
from sim.kernel.compare import Results
from sim.kernel.jobs import MemorySettings
from sim.kernel.quality import psnr
from sim.kernel.roofline import Roofline
from sim.kernel.run import Operation, Run, run_operation
from sim.radiance.check import stage_streams
from sim.radiance.workload import RadianceWorkload, drawn


def play_trace(workload: RadianceWorkload) -> Played:
    """Every visit by the bit-true model."""
    return play(workload.config.spec, workload.visits, workload.images, workload.identity)


def _reference(workload: RadianceWorkload) -> Results:
    """`hit` and `colour` in the publication's order, pixel by pixel; saved caches are not restored."""
    from golden.radiance.alpha_record import make_records
    from golden.radiance.reference import Cache, frame

    spec = workload.config.spec
    caches = [Cache(spec) for _ in range(workload.regions)]
    hits, colours = np.zeros(drawn(workload).shape[:2], np.int64), drawn(workload)
    for k, visit in enumerate(workload.visits):
        records = make_records(spec, visit.ids[None], visit.count[None])
        found = frame(spec, [caches[visit.region]], records, visit.colour[None])
        hits[k, : len(visit.count)], colours[k, : len(visit.count)] = found.hit[0], found.colour[0]
    return {"hit": hits, "colour": colours}


def hit_rates(workload: RadianceWorkload, hit: Ints) -> list[float]:
    """Of each frame, the share of pixels whose colour came from the cache."""
    counts = np.array(workload.memory.pixels).reshape(-1, workload.regions).sum(1)
    return (hit.sum(1).reshape(-1, workload.regions).sum(1) / counts).round(6).tolist()


def _quality(workload: RadianceWorkload, results: Results) -> dict[str, Any]:
    """Hits frame by frame, and the returned pictures beside those that were drawn to the end."""
    got, want = (
        np.concatenate([array[k, :n, :3].reshape(-1) for k, n in enumerate(workload.memory.pixels)]) / 255
        for array in (results["colour"], drawn(workload))
    )
    rates = hit_rates(workload, results["hit"])
    return {"hit_rate": float(np.mean(rates)), "hit_rates": rates, "psnr_to_drawn_db": round(psnr(got, want), 3)}


def roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters.

    Look-ups: a pixel a cycle. Restore and save: a set a cycle, or a word where a set has more. Memory: words moved /
    words a cycle. Visit by visit: pixels, and between two visits the slower of save and restore, which share the
    memory; before the first one its restore and after the last one its save. Useful: hits over look-ups.
    """
    bandwidth = memory.words_a_cycle(config.word_bytes)
    words = sum(n for name, n in counters.items() if name.endswith("_words"))
    sets = counters["visits"] * config.spec.sets
    restore = max(sets, counters["image_words"] / bandwidth)
    save = max(sets, counters["save_write_words"] / bandwidth)
    pixels = max(counters["pixels"], (counters["pixel_words"] + counters["result_write_words"]) / bandwidth)
    between = max(restore, save, (counters["image_words"] + counters["save_write_words"]) / bandwidth)
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "look-ups": float(counters["pixels"]),
            "restore": float(restore),
            "save": float(save),
            "memory": words / bandwidth,
            "visit by visit": float(pixels + between + (restore + save - between) / max(counters["visits"], 1)),
        },
        useful=counters["hits"] / counters["look_ups"] if counters["look_ups"] else None,
    )


def lookups_per_cycle(counters: Mapping[str, int]) -> float:
    """Pixels for each cycle in which the cache was open to them."""
    return counters["pixels"] / max(counters["open_cycles"], 1)


#: The highest in docs/radiance.md, without pauses.
RECORDED_RATIOS = {default(): 1.08}

LOOK_UP = Operation[RadianceWorkload](
    engine="radiance",
    top=lambda workload: RadianceEngine(config=workload.config),
    counters=COUNTERS,
    read=lambda workload, job: read_results(job.data, workload.memory),
    model=play_trace,
    expected=lambda workload, model: expected_results(model, workload.memory),
    reference=_reference,
    roofline=lambda workload, job, memory: roofline(job.counters, workload.config, memory),
    quality=_quality,
    streams=stage_streams,
    recorded_ratio=lambda workload: RECORDED_RATIOS.get(workload.config),
    axes={
        "hit": ("visit", "pixel"), "colour": ("visit", "pixel", "channel"), "header": ("region", "field"),
        "valid": ("region", "set", "way"), "tag": ("region", "set", "way", "word"),
        "cached": ("region", "set", "way", "channel"), "recent": ("region", "set"),
    },
)  # fmt: skip

#: run(workload, backend=, memory=, check=, waves=) -> Run
run = partial(run_operation, LOOK_UP)


def false_hits(found: Run) -> list[int]:
    """Of each frame, hits on an entry that was filled by a record of other ids; the model alone knows them.

    Raises:
        ValueError: the model was not asked.
    """
    if found.model is None:
        raise ValueError("false hits are the model's: run it, or check against it")
    regions = found.workload.regions
    each = [int(one.false.sum()) for one in found.model.found]
    return [sum(each[k : k + regions]) for k in range(0, len(each), regions)]


def report(found: Run) -> dict[str, Any]:
    """The run's, with the false hits where the model was asked and look-ups a cycle where hardware ran."""
    whole = found.report()
    if found.model is not None:
        whole["quality"]["false_hits"] = false_hits(found)
    if found.job:
        whole["quality"]["lookups_per_cycle"] = round(lookups_per_cycle(found.counters), 4)
    return whole
