"""What the streams between the stages must carry, by the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hw.kv.layouts import DecisionLayout, ScoreLayout, sums_layout
from hw.kv.wtu import SelectedLayout
from sim.kernel.compare import Row, StageStream
from sim.kv.workload import RetrieveWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed until a job is compared
    from golden.kv.model import ModelResult


def stage_streams(workload: RetrieveWorkload, model: ModelResult) -> dict[str, StageStream]:
    """Hashes, decisions, key sums, scores and selections.

    Key sums are compared as the score unit reads them, counts and scores as they enter the thresholding unit.
    """
    spec = workload.config.spec
    return {
        "hash_unit": StageStream(layout=spec.hash_bits, groups=[[{"": h} for h in model.hashes.tolist()]]),
        "hcu": StageStream(layout=DecisionLayout(spec), groups=[_decisions(model)]),
        "key_table": StageStream(layout=sums_layout(spec), groups=[_sums(workload, model)]),
        "score_unit": StageStream(layout=ScoreLayout(spec), groups=[_scores(workload, model)]),
        "wtu": StageStream(layout=SelectedLayout(workload.config), groups=[_selected(model)]),
    }


def _decisions(model: ModelResult) -> list[Row]:
    c = model.clustering
    columns = zip(model.hashes.tolist(), c.cluster.tolist(), c.new.tolist(), c.spilled.tolist(), strict=True)
    return [{"hash": h, "cluster": k, "new": n, "spilled": s} for h, k, n, s in columns]


def _sums(workload: RetrieveWorkload, model: ModelResult) -> list[Row]:
    """A walk of the table for every head and block of rows: cluster by cluster, chunk by chunk."""
    spec = workload.config.spec
    blocks = -(-len(workload.data.queries) // spec.rows)
    walks = model.table.sums.reshape(-1, spec.heads, spec.chunks, spec.lanes).transpose(0, 1).reshape(spec.heads, -1)
    rows = walks.repeat_interleave(blocks, 0).reshape(-1, spec.lanes).tolist()
    return [{f"lane.{k}": value for k, value in enumerate(row)} for row in rows]


def _scores(workload: RetrieveWorkload, model: ModelResult) -> list[Row]:
    """Head by head, block by block, cluster by cluster; rows that hold a query only."""
    rows = workload.config.spec.rows
    counts = model.table.counts.tolist()
    result: list[Row] = []
    for head in model.heads:
        for first in range(0, len(head.scores), rows):
            columns = head.scores[first : first + rows].T.tolist()
            for count, column in zip(counts, columns, strict=True):
                result.append({"count": count, **{f"scores.{r}": score for r, score in enumerate(column)}})
    return result


def _selected(model: ModelResult) -> list[Row]:
    last = model.clustering.count - 1
    return [
        {"cluster": c, "selected": int(taken), "last": int(c == last)}
        for head in model.heads
        for c, taken in enumerate(head.selected.tolist())
    ]
