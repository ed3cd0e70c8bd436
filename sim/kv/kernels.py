"""Clustering, selection and gather on a processor, beside plain top-k. Needs torch, or Triton where it says so.

Hash bits are taken as given: a matrix unit makes them in both worlds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from golden.kv.key_table import mean_unit
from sim.kernel.gpu_code import need_triton
from sim.kernel.problem import Kernel, Problem, Settings, Tensors, WrongAnswerError


def cluster(work: Tensors, settings: Settings) -> tuple[Tensor, int]:
    """Clusters of the tokens, in order: the nearest below Th_hd, else a new one; a full table takes the nearest."""
    hashes = work["hashes"]
    limit = hashes.shape[1] - 2 * settings["hamming_threshold"]  # d < Th is dot > limit
    table = torch.zeros(settings["clusters"], hashes.shape[1], device=hashes.device)
    places: list[int] = []
    count = 0
    for own in hashes:
        place = count
        if count:
            best, nearest = (table[:count] @ own).max(0)
            if float(best) > limit or count == len(table):
                place = int(nearest)
        if place == count:
            table[count] = own
            count += 1
        places.append(place)
    return torch.tensor(places, device=hashes.device), count


def select(work: Tensors, settings: Settings, places: Tensor, count: int) -> Tensor:
    """WiCSum by sorting, the union over rows: whether each head's tokens are picked, [heads, tokens]."""
    keys = work["keys"]
    table = torch.zeros(count, *keys.shape[1:], device=places.device).index_add_(0, places, keys)
    counts = torch.bincount(places, minlength=count)
    means = mean_unit(table.long(), counts).float()
    scores = torch.einsum("hrd,chd->hrc", work["queries"], means).double()
    falling, order = scores.sort(dim=2, descending=True, stable=True)
    weight = (falling - falling[..., -1:]) * counts[order]
    reached = weight.cumsum(2) * 1024 > settings["wicsum_code"] * weight.sum(2, keepdim=True)
    last = torch.where(reached.any(2), reached.long().argmax(2), count - 1)
    taken = torch.arange(count, device=places.device) <= last[..., None]
    return torch.zeros_like(taken).scatter_(2, order, taken).any(1)[:, places]


def _records(work: Tensors, picked: Tensor) -> list[Tensor]:
    return [records[tokens] for records, tokens in zip(work["records"], picked, strict=True)]


def _resv(work: Tensors, settings: Settings) -> Callable[[], list[Tensor]]:
    """The whole path; the gathered records of every head."""

    def run() -> list[Tensor]:
        return _records(work, select(work, settings, *cluster(work, settings)))

    return run


def _resv_by_triton(work: Tensors, settings: Settings) -> Callable[[], list[Tensor]]:
    from sim.kv.triton_retrieval import clusters, gathered

    cluster_all, gather = clusters(work, settings), gathered(work)
    return lambda: gather(select(work, settings, *cluster_all()))


def _select_gather(work: Tensors, settings: Settings) -> Callable[[], list[Tensor]]:
    """The same with the clusters given."""
    places, count = cluster(work, settings)
    return lambda: _records(work, select(work, settings, places, count))


def _select_gather_by_triton(work: Tensors, settings: Settings) -> Callable[[], list[Tensor]]:
    from sim.kv.triton_retrieval import clusters, gathered

    places, count = clusters(work, settings)()
    gather = gathered(work)
    return lambda: gather(select(work, settings, places, count))


def _top_k(work: Tensors, settings: Settings) -> Callable[[], list[Tensor]]:
    """As many tokens of the best pooled score for every head, gathered."""

    def run() -> list[Tensor]:
        scored = ((queries @ work["keys"][:, h].T).max(0).values for h, queries in enumerate(work["queries"]))
        chosen = (scores.topk(size).indices for scores, size in zip(scored, settings["kept"], strict=True))
        return [records[tokens] for records, tokens in zip(work["records"], chosen, strict=True)]

    return run


def _the_models(got: list[Tensor], problem: Problem) -> dict[str, Any]:
    """The gathered records are those that the model selects by its exact rule (whole buckets would be a few more)."""
    expected = problem.answer["records"].split(list(problem.settings["kept"]))
    if any(not torch.equal(a.cpu(), b) for a, b in zip(got, expected, strict=True)):
        raise WrongAnswerError(
            f"{problem.workload['stream']}: the baseline's selection is not the model's before bucketing"
        )
    return {}


def _as_many(got: list[Tensor], problem: Problem) -> dict[str, Any]:
    if [len(one) for one in got] != list(problem.settings["kept"]):
        raise WrongAnswerError(f"{problem.workload['stream']}: top-k did not keep as many tokens as ReSV")
    return {}


KERNELS = {
    "ReSV": Kernel(make=_resv, judge=_the_models),  # launches for each token
    "select+gather": Kernel(make=_select_gather, judge=_the_models, roof="memory"),
    "top-k": Kernel(make=_top_k, judge=_as_many, roof="memory"),
    "ReSV, Triton": Kernel(make=_resv_by_triton, judge=_the_models, kinds=("cuda",), needs=need_triton),
    "select+gather, Triton": Kernel(
        make=_select_gather_by_triton, judge=_the_models, roof="memory", kinds=("cuda",), needs=need_triton
    ),
}
