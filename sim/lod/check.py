"""LoD search: RTL against model, view by view."""

from __future__ import annotations

import numpy as np

from golden.lod.model import Found, SearchModel, initial_state
from sim.kernel.compare import CheckError
from sim.lod.workload import LodWorkload, RtlSearch


def search_model(workload: LodWorkload) -> list[Found]:
    """Every view by the bit-true model."""
    model = SearchModel(workload.image)
    found: list[Found] = []
    for k, view in enumerate(workload.path):
        state = (found[-1].state if found else initial_state(workload.image)) if workload.temporal else None
        found.append(model.search(view, state, begin=not workload.temporal or k == 0))
    return found


def check_search(workload: LodWorkload, rtl: RtlSearch, model: list[Found]) -> None:
    """Compares every result of every view, and the state table at the end.

    Raises:
        CheckError: one differs; the message names view, subtree, expected and got.
    """
    first = len(model) - len(rtl.views)
    for number, (got, expected) in enumerate(zip(rtl.views, model[first:], strict=True), first):
        order = slice(None) if workload.config.ordered else np.argsort(got.subtrees, kind="stable")
        _compare(f"view {number}: subtrees visited", expected.subtrees.numpy(), got.subtrees[order])
        _compare(f"view {number}: cut of visited subtree", expected.cuts.numpy(), got.cuts[order])
        for name, want in (("subtrees", len(expected.subtrees)), ("nodes", expected.nodes)):
            if got.summary[name] != want:
                raise CheckError(f"view {number}: summary, {name}: expected {want}, got {got.summary[name]}")
    if workload.temporal:
        state = model[-1].state
        for name in ("deadline", "entered", "cut", "expanded"):
            _compare(f"state table: {name} of subtree", getattr(state, name).numpy(), rtl.state[name])


def _compare(what: str, expected: np.ndarray, got: np.ndarray) -> None:
    if len(expected) != len(got):
        raise CheckError(f"{what}: expected {len(expected)}, got {len(got)}")
    wrong = np.flatnonzero(expected != got)
    if len(wrong):
        index = int(wrong[0])
        raise CheckError(f"{what} {index}: expected {expected[index]:#x}, got {got[index]:#x}")
