"""Pixels whose records recur: what the cache's tests are made of."""

from __future__ import annotations

import numpy as np

from golden.radiance.alpha_record import Records, make_records
from golden.radiance.spec import Spec
from golden.rows import Ints


def frames(spec: Spec, *, frames: int, regions: int, pixels: int, seed: int, kinds: int) -> list[tuple[Records, Ints]]:
    """For each frame, records of `kinds` different lists of ids, some of them too short, and random colours."""
    rng = np.random.default_rng(seed)
    lists = rng.integers(0, 1 << spec.id_bits, (kinds, spec.record_length))
    short = rng.integers(0, spec.record_length, (frames, regions, pixels))
    count = np.where(rng.random(short.shape) < 0.1, short, spec.record_length)
    chosen = lists[rng.integers(0, kinds, short.shape)]
    colours = rng.integers(0, 256, (*short.shape, spec.channels))
    return [(make_records(spec, chosen[k], count[k]), colours[k]) for k in range(frames)]
