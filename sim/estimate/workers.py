"""Who measures the points of a sweep: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from typing import Any

from golden.errors import InputError

GIB_A_WORKER = 2.0  #: a C++ build or a mapping of a large unit takes so much
QUEUES = {"slurm": "SLURMCluster", "lsf": "LSFCluster"}
#: Calls a function on every task, and yields the results as they come.
Pool = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


def pool_for(cluster: str | None) -> Pool:
    """Processes here where `cluster` is None; a local Dask cluster of that many workers; or `slurm`, `lsf`.

    Raises:
        InputError: another word, or the packages of the extra `cluster` are not installed.
    """
    if cluster is None:
        return _processes
    if cluster not in QUEUES and not (cluster.isdecimal() and int(cluster) > 0):
        raise InputError(f"--cluster must be a number of workers, slurm or lsf, it is '{cluster}'")
    try:
        import distributed

        if cluster in QUEUES:
            import dask_jobqueue
    except ImportError as error:
        raise InputError(f"--cluster needs the package {error.name}: .venv/bin/pip install -e '.[cluster]'") from error
    if cluster in QUEUES:
        return partial(_queue, getattr(dask_jobqueue, QUEUES[cluster]), distributed)
    return partial(_local, int(cluster), distributed)


def safe_workers() -> int:
    """Processes that this machine's cores and free memory have room for."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return max(1, min(os.cpu_count() or 1, int(free / GIB_A_WORKER)))


def _processes(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    if not tasks:
        return
    with ProcessPoolExecutor(min(safe_workers(), len(tasks)), mp_context=get_context("spawn")) as pool:
        yield from _results(as_completed([pool.submit(function, task) for task in tasks]))


def _results(completed: Iterable[Any]) -> Iterator[Any]:
    """Of futures as they complete; the first failure is raised after the others, so that their files are kept."""
    failure: Exception | None = None
    for future in completed:
        try:
            yield future.result()
        except Exception as error:
            failure = failure or error
    if failure:
        raise failure


def _local(count: int, distributed: Any, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    cluster = distributed.LocalCluster(
        n_workers=count, threads_per_worker=1, dashboard_address=None, memory_limit=0
    )  # fmt: skip
    yield from _dask(cluster, distributed, function, tasks)


def _queue(kind: Any, distributed: Any, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    """On a batch system; what a job is, dask-jobqueue reads from the user's configuration."""
    cluster = kind()
    cluster.scale(jobs=len(tasks))
    yield from _dask(cluster, distributed, function, tasks)


def _dask(cluster: Any, distributed: Any, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    with cluster, distributed.Client(cluster) as client:
        yield from _results(distributed.as_completed(client.map(function, list(tasks), pure=False, retries=0)))
