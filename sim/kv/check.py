"""KV retrieval, RTL against model: the first word that differs, stage by stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from golden.kv.memory_image import expected_bitmaps, expected_log, expected_records
from golden.kv.memory_map import LOG
from golden.kv.model import ModelResult
from golden.rows import from_bytes
from hw.kv.layouts import DecisionLayout, ScoreLayout, sums_layout
from hw.kv.wtu import SelectedLayout
from hw.lib.fields import unpack
from sim.kernel.compare import CheckError
from sim.kv.workload import KvWorkload, RtlRetrieval, run_rtl


def check_retrieval(workload: KvWorkload, rtl: RtlRetrieval, model: ModelResult) -> None:
    """Compares every hash, cluster, flag, selected set and gathered word.

    Raises:
        CheckError: one differs. A wrong selection is looked for again in the stages' recorded streams.
    """
    spec = workload.config.spec
    log, got = from_bytes(LOG, expected_log(model)), from_bytes(LOG, rtl.log)
    for name, column in log.items():
        wrong = np.flatnonzero(column != got[name])
        if len(wrong):
            t = int(wrong[0])
            raise CheckError(f"log: token {t} {name}: expected {column[t]:#x}, got {got[name][t]:#x}")
    bitmaps = expected_bitmaps(model, spec)
    records = np.concatenate(expected_records(model, workload.data, spec))
    same_records = records.shape == rtl.records.shape and np.array_equal(records, rtl.records)
    if np.array_equal(bitmaps, rtl.bitmaps) and same_records:
        return
    stage = check_stages(workload, model)
    if stage:
        raise CheckError(stage)
    if bitmaps.shape != rtl.bitmaps.shape or not np.array_equal(bitmaps, rtl.bitmaps):
        raise CheckError("bitmaps: the sets of selected clusters differ")
    if records.shape != rtl.records.shape:
        raise CheckError(f"records: expected {len(records)} gathered records, got {len(rtl.records)}")
    n, place = (int(v) for v in np.argwhere(records != rtl.records)[0])
    raise CheckError(f"records: record {n} byte {place}: expected {records[n, place]}, got {rtl.records[n, place]}")


def check_stages(workload: KvWorkload, model: ModelResult) -> str | None:
    """Runs with taps and names the first difference of the earliest stage that has one; None if all are equal.

    Key sums are compared as the score unit reads them, counts and scores as they enter the thresholding unit.
    """
    spec = workload.config.spec
    taps = run_rtl(workload, taps=True).job.taps
    expected: dict[str, tuple[Any, list[dict[str, int]]]] = {
        "hash_unit": (spec.hash_bits, [{"": int(h)} for h in model.hashes]),
        "hcu": (DecisionLayout(spec), _decisions(model)),
        "key_table": (sums_layout(spec), _sums(workload, model)),
        "score_unit": (ScoreLayout(spec), _scores(workload, model)),
        "wtu": (SelectedLayout(workload.config), _selected(model)),
    }
    for stage, (layout, rows) in expected.items():
        got = [int(line, 16) for line in Path(taps[stage]).read_text().split()]
        if len(got) != len(rows):
            return f"{stage}: expected {len(rows)} payloads, got {len(got)}"
        for index, (bits, row) in enumerate(zip(got, rows, strict=True)):
            fields = unpack(bits, layout)
            for field, value in row.items():
                if fields[field] != value:
                    return f"{stage}: index {index} {field}: expected {value}, got {fields[field]}"
    return None


def _decisions(model: ModelResult) -> list[dict[str, int]]:
    c = model.clustering
    columns = zip(model.hashes.tolist(), c.cluster.tolist(), c.new.tolist(), c.spilled.tolist(), strict=True)
    return [{"hash": h, "cluster": k, "new": n, "spilled": s} for h, k, n, s in columns]


def _sums(workload: KvWorkload, model: ModelResult) -> list[dict[str, int]]:
    """A walk of the table for every head and block of rows: cluster by cluster, chunk by chunk."""
    spec = workload.config.spec
    blocks = -(-len(workload.data.queries) // spec.rows)
    walks = model.table.sums.reshape(-1, spec.heads, spec.chunks, spec.lanes).transpose(0, 1).reshape(spec.heads, -1)
    rows = walks.repeat_interleave(blocks, 0).reshape(-1, spec.lanes).tolist()
    return [{f"lane.{k}": value for k, value in enumerate(row)} for row in rows]


def _scores(workload: KvWorkload, model: ModelResult) -> list[dict[str, int]]:
    """Head by head, block by block, cluster by cluster; rows that hold a query only."""
    rows = workload.config.spec.rows
    counts = model.table.counts.tolist()
    result: list[dict[str, int]] = []
    for head in model.heads:
        for first in range(0, len(head.scores), rows):
            columns = head.scores[first : first + rows].T.tolist()
            for count, column in zip(counts, columns, strict=True):
                result.append({"count": count, **{f"scores.{r}": score for r, score in enumerate(column)}})
    return result


def _selected(model: ModelResult) -> list[dict[str, int]]:
    last = model.clustering.count - 1
    return [
        {"cluster": c, "selected": int(taken), "last": int(c == last)}
        for head in model.heads
        for c, taken in enumerate(head.selected.tolist())
    ]
