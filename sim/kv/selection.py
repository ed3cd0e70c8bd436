"""What results select, whatever computed them, and what the selection is worth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden.kv.attention import Quality, quality
from golden.kv.model import ModelResult
from golden.kv.quantise import Quantised
from golden.kv.scan_image import ScanData
from sim.kernel.compare import Results
from sim.kv.reference import kept_in_float
from sim.kv.streams import Stream
from sim.kv.workload import CompressWorkload, RetrieveWorkload, ScanWorkload

FIELDS = ("kept", "recall", "mass", "best_mass", "relative_mass", "output_error")


def head_tokens(results: Results) -> list[npt.NDArray[np.int64]]:
    """The tokens that each head selects, rising: from the log and the bitmaps, or as the reference names them."""
    if "bitmaps" in results:
        stored = results["log.refused"] == 0
        return [np.flatnonzero(bits[results["log.cluster"]] & stored) for bits in results["bitmaps"]]
    return [tokens for name, tokens in results.items() if name.startswith("tokens.")]


def kept_tokens(results: Results) -> npt.NDArray[np.int64]:
    """The tokens that stay of a compression, rising."""
    return np.flatnonzero(results["vision_sink"])


def cluster_count(results: Results) -> int:
    """Clusters or pages; they are numbered in order of their first tokens."""
    return int(results["log.cluster" if "log.cluster" in results else "cluster"].max()) + 1


def result_qualities(workload: RetrieveWorkload | ScanWorkload, results: Results) -> list[Quality]:
    """Attention over each head's tokens against full attention; as they are stored, where they were stored."""
    data = workload.data if any(name.startswith("records") for name in results) else None
    return head_qualities(workload.stream, data, [torch.from_numpy(tokens) for tokens in head_tokens(results)])


def head_qualities(stream: Stream, data: Quantised | ScanData | None, tokens: Sequence[Tensor]) -> list[Quality]:
    """Attention over each head's tokens against full attention; `data`: what is read back, the float ones if None."""
    result: list[Quality] = []
    for h, numbers in enumerate(tokens):
        chosen = torch.zeros(stream.keys.shape[1], dtype=torch.bool)
        chosen[numbers] = True
        result.append(_quality(stream, data, h, chosen))
    return result


def row_qualities(stream: Stream, data: Quantised, model: ModelResult) -> list[Quality]:
    """The same for each query row's own selection, without the union over rows; pages have one for all rows."""
    cluster_of = model.clustering.cluster
    rows = stream.queries.shape[1]
    return [
        _quality(stream, data, h, head.rows.selected[:, cluster_of].expand(rows, -1))
        for h, head in enumerate(model.heads)
    ]


def _quality(stream: Stream, data: Quantised | ScanData | None, head: int, chosen: Tensor) -> Quality:
    stored = data and (
        data.keys[:, head] * data.key_scale[head],
        data.values[:, head] * data.value_scale[:, head, None],
    )
    return quality(stream.queries[head], stream.keys[head], stream.values[head], stream.scale, chosen, stored=stored)


def mean_quality(qualities: Sequence[Quality]) -> dict[str, float]:
    """Every figure's mean over the heads in which it has a value; NaN if it has none in any."""
    result: dict[str, float] = {}
    for name in FIELDS:
        figures = [figure for q in qualities if math.isfinite(figure := getattr(q, name))]
        result[name] = round(sum(figures) / len(figures), 4) if figures else math.nan
    return result


def choice_quality(workload: CompressWorkload, results: Results) -> dict[str, float]:
    """`mass`: of the window's attention on the tokens that stay; `best_mass`: on the best as many; `agreement`:
    share of the tokens on which the choice equals the reference's."""
    keep = torch.from_numpy(results["vision_sink"]).bool()
    scores = workload.scores
    return {
        "mass": float(scores[keep].sum()),
        "best_mass": float(scores.topk(int(keep.sum())).values.sum()),
        "agreement": float((keep == kept_in_float(workload)).double().mean()),
    }
