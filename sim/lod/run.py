"""The cuts of a path by RTL, model or reference, and the least cycles that they can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from golden.lod.frustum import in_sight
from golden.lod.memory_image import expected_results, last_cut, read_results, read_view
from golden.lod.memory_map import RESULT_BYTES
from golden.lod.tree_image import TreeImage, cut_nodes
from golden.lod.view import View
from golden.rows import Ints
from hw.lod.config import Config, default
from hw.lod.top import COUNTERS, LodEngine
from sim.kernel.compare import Results
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline
from sim.kernel.run import Operation, Run, run_operation
from sim.lod.check import stage_streams
from sim.lod.workload import LodWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed to run RTL
    from golden.lod.model import Found

Counts = Mapping[str, int]


def search_path(image: TreeImage, path: Sequence[View], *, temporal: bool) -> list[Found]:
    """Every view by the bit-true model; a temporal search goes on from the view before."""
    from golden.lod.model import SearchModel, initial_state

    model = SearchModel(image)
    found: list[Found] = []
    for k, view in enumerate(path):
        state = (found[-1].state if found else initial_state(image)) if temporal else None
        found.append(model.search(view, state, begin=not temporal or k == 0))
    return found


def _reference(workload: LodWorkload) -> Results:
    """`cut`: the nodes on the last view's cut, ascending."""
    import torch

    from golden.lod.reference import find_cut

    tree, camera = workload.tree, workload.cameras[-1]
    seen = torch.from_numpy(in_sight(camera, tree.low, tree.high)) if workload.frustum else None
    found = find_cut(tree, torch.from_numpy(camera.position), max(camera.fx, camera.fy), workload.tau, seen)
    return {"cut": np.flatnonzero(found.cut.numpy())}


def summaries(workload: LodWorkload, job: JobResult) -> list[dict[str, int]]:
    """What the hardware says of each view whose results are kept; columns of `memory_map.SUMMARY`."""
    return [read_view(job.data, workload.memory, number).summary for number in workload.memory.kept]


def roofline(counters: Counts, views: Sequence[Counts], config: Config, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters and its summary of each view.

    LT units: a node that is reached, a cycle. Fetch: a word a cycle, hit or miss. State scan: a
    word a cycle. Memory: words moved / words a cycle. View by view: the sum of what each view's
    slowest stage needs, since a view goes on from what the one before has found. (The next view's
    table is read ahead by at most `state_words` words, so that a path can be faster by as much.)
    """
    words = sum(n for name, n in counters.items() if name.endswith("_words"))
    table = counters["state_words"] / counters["views"]
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "LT units": counters["nodes_counted"] / config.units,
            "fetch": float((counters["hits"] + counters["misses"]) * config.block_words),
            "state scan": float(counters["state_words"]),
            "memory": words / memory.words_a_cycle(config.word_bytes),
            "view by view": sum(max(_view_stages(view, table, config, memory)) for view in views),
        },
    )


def _view_stages(summary: Counts, table: float, config: Config, memory: MemorySettings) -> list[float]:
    """Cycles that the stages need for one view; the words that it writes to the state table are not known."""
    results = 1 + -(-summary["subtrees"] * RESULT_BYTES // config.word_bytes)
    words = summary["fetches"] * config.block_words + table + results
    return [
        summary["nodes"] / config.units,
        float(summary["subtrees"] * config.block_words),
        words / memory.words_a_cycle(config.word_bytes),
    ]


#: The highest in docs/lod.md, without pauses: a full search of statue_angel.hier.
RECORDED_RATIOS = {default(): 1.09}

SEARCH = Operation[LodWorkload](
    engine="lod",
    top=lambda workload: LodEngine(config=workload.config),
    counters=COUNTERS,
    read=lambda workload, job: read_results(job.data, workload.memory, ordered=bool(workload.config.ordered)),
    model=lambda workload: search_path(workload.image, workload.path, temporal=workload.temporal),
    expected=lambda workload, model: expected_results(model, workload.memory),
    reference=_reference,
    roofline=lambda workload, job, memory: roofline(job.counters, summaries(workload, job), workload.config, memory),
    streams=stage_streams,
    recorded_ratio=lambda workload: RECORDED_RATIOS.get(workload.config),
    axes={"view": ("visit",), "summary": (), "state": ("subtree",)},
)

#: run(workload, backend=, memory=, check=, waves=) -> Run
run = partial(run_operation, SEARCH)


def cut(run: Run) -> Ints:
    """The nodes on the last view's cut, whatever found it, ascending."""
    results: dict[str, Any] = dict(run.results)
    if "cut" in results:
        return results["cut"]
    return cut_nodes(run.workload.image.sltree, last_cut(results, run.workload.memory))


def report(run: Run) -> dict[str, Any]:
    """The run's, with the number of nodes on the last view's cut."""
    whole = run.report()
    whole["workload"] |= {"cut_nodes": len(cut(run))}
    return whole
