"""Jobs give the same results wherever in memory their image lies."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hw.lib.counters import CounterLayout
from sim.kernel.jobs import run_job

TIMEOUT = 1_000_000  # cycles; an engine that finds no header may never end
FURTHEST = 1 << 20  # bytes


def same_anywhere(
    make: Callable[[], Any], name: str, config: Any, image_at: Callable[[int], Any], counters: CounterLayout, *,
    step: int, seed: int, sources: Sequence[Path] = (),
) -> None:  # fmt: skip
    """Runs the image that `image_at` gives at a random multiple of `step`, and at 0: equal bytes, equal counters."""
    base = random.Random(seed).randrange(1, FURTHEST // step) * step
    results = []
    for place in (base, 0):
        image = image_at(place)
        # Zeros in the results' place, so that what the engine leaves there unwritten is the same in both runs.
        end = image.result_address + image.result_bytes
        image = replace(image, data=np.pad(image.data, (0, end - len(image.data))))
        job = run_job(make, name, config, image, counters, timeout=TIMEOUT, sources=sources)
        results.append(job)
    there, at_zero = results
    assert there.data.any()
    assert (there.data == at_zero.data).all(), f"an image at {base:#x}"
    assert there.counters == at_zero.counters, f"an image at {base:#x}"
