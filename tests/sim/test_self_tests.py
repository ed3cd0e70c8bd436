"""Every engine's self-test job: the bytes that the model says are those that are read as its results, and the RTL's."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from golden.rows import Bytes
from sim.cluster.run import DECODE
from sim.engines import ENGINES
from sim.kernel.compare import first_difference
from sim.kernel.run import Operation, run_operation
from sim.kernel.vectors import Vectors
from sim.kv.run import RETRIEVE
from sim.lod.run import SEARCH
from sim.radiance.run import LOOK_UP
from sim.splat.run import DRAW

OPERATIONS: dict[str, Operation[Any]] = {
    "splat": DRAW, "kv": RETRIEVE, "lod": SEARCH, "cluster": DECODE, "radiance": LOOK_UP,
}  # fmt: skip
ROOM = 64 << 10  # bytes: 32 block RAMs of the 56 that the smallest board has
FLIPS = 60  # bytes that are changed one by one


@cache
def vectors(engine: str) -> Vectors:
    return ENGINES[engine].self_test().vectors(ENGINES[engine].configs["nano"]())


@cache
def job(engine: str) -> tuple[Any, Any]:
    """The workload and the model's answer."""
    workload = ENGINES[engine].self_test().workload(ENGINES[engine].configs["nano"]())
    return workload, OPERATIONS[engine].model(workload)


def counters(engine: str) -> dict[str, int]:
    """What `read` must know of a run beside its bytes."""
    if engine != "kv":
        return {}
    workload, model = job(engine)
    words = sum(len(head.tokens) for head in model.heads) * workload.config.spec.chunks
    return {"clusters": int(model.clustering.cluster.max()) + 1, "result_words": words}


def differs(engine: str, data: Bytes) -> bool:
    """Whether results read from these bytes are not the model's."""
    workload, model = job(engine)
    operation = OPERATIONS[engine]
    read = operation.read(workload, SimpleNamespace(data=data, counters=counters(engine)))  # type: ignore[arg-type]
    return first_difference(operation.expected(workload, model), read, operation.axes) is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_known_is_what_is_read(engine: str, seed: int) -> None:
    """A wrong byte beside those of the checksum changes no result; one among them does, spare bits of a row aside."""
    results = vectors(engine).results
    assert not differs(engine, results.data)
    assert not results.data[~results.known].any()
    rng = np.random.default_rng(seed)
    for known in (True, False):
        places = np.flatnonzero(results.known == known)
        chosen = rng.choice(places, min(FLIPS, len(places)), replace=False)
        found = []
        for place in chosen:
            data = results.data.copy()
            data[place] ^= 0xFF
            found.append(differs(engine, data))
        assert sum(found) >= 0.9 * len(chosen) if known else not any(found)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_job_fits_block_ram(engine: str) -> None:
    found, word_bytes = vectors(engine), ENGINES[engine].configs["nano"]().word_bytes
    assert found.memory_words(word_bytes) * word_bytes <= ROOM
    assert found.results.known.sum() >= 200
    assert len(np.unique(found.results.data[found.results.known])) > 16, "results that are all alike prove little"


@pytest.mark.slow  # a simulator each
@pytest.mark.parametrize("engine", OPERATIONS)
def test_the_rtl_of_nano_equals_the_model(engine: str) -> None:
    """Word for word, and by the checksum that a board makes."""
    run = run_operation(OPERATIONS[engine], job(engine)[0], check=True)
    assert run.job
    known = vectors(engine).results.known
    assert (run.job.data[known] == vectors(engine).results.data[known]).all()
