"""What the streams between the stages must carry, by the model; a group is a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from amaranth.lib import data

from golden.lod.memory_map import RESULT, STATE_BYTES
from golden.lod.spec import NEVER
from golden.rows import Ints
from hw.lib.memory_port import ADDRESS_WIDTH
from hw.lib.row_layout import layout_of
from hw.lod.layouts import LoadLayout, state_layout
from sim.kernel.compare import Row, StageStream
from sim.lod.workload import LodWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed to run RTL
    from golden.lod.model import Found

STATE_PAD = {"deadline": NEVER, "entered": 0, "cut": 0, "expanded": 0}  # behind the last subtree


def stage_streams(workload: LodWorkload, model: Sequence[Found]) -> dict[str, StageStream]:
    """Visits that begin and their results, by view, and the words of the state table that a temporal path writes.

    An engine that is not `ordered` visits the subtrees of a view in any order.
    """
    config, ordered = workload.config, bool(workload.config.ordered)
    streams = {
        "visits": StageStream(
            layout=LoadLayout(config), groups=[_visits(workload, model, k) for k in range(len(model))],
            key=None if ordered else "visit.subtree",
        ),
        "results": StageStream(
            layout=layout_of(RESULT), groups=[_results(found) for found in model], key=None if ordered else "subtree",
        ),
    }  # fmt: skip
    if workload.temporal:
        lanes = config.word_bytes // STATE_BYTES
        streams["states"] = StageStream(
            layout=StateWordLayout(lanes), groups=[_states(workload, found, lanes) for found in model]
        )
    return streams


class StateWordLayout(data.StructLayout):
    """A `WriteLayout` whose word holds records of the state table."""

    def __init__(self, lanes: int) -> None:
        super().__init__({"address": ADDRESS_WIDTH, "data": data.ArrayLayout(state_layout(), lanes), "last": 1})


def _visits(workload: LodWorkload, model: Sequence[Found], number: int) -> list[Row]:
    state, chosen = model[number].state, model[number].subtrees
    before = model[number - 1].state.expanded[chosen] if workload.temporal and number else chosen * 0
    columns = {"subtree": chosen, "entered": state.entered[chosen], "before": before, "turn": chosen * 0 + number % 2}
    return _rows({f"visit.{name}": column.numpy() for name, column in columns.items()})


def _results(found: Found) -> list[Row]:
    return _rows({"subtree": found.subtrees.numpy(), "cut": found.cuts.numpy()})


def _states(workload: LodWorkload, found: Found, lanes: int) -> list[Row]:
    """Every word of which a subtree was visited, whole."""
    words = np.unique(found.subtrees.numpy() // lanes)
    columns = {"address": workload.memory.result_address + words * workload.config.word_bytes}
    for name, pad in STATE_PAD.items():
        table = getattr(found.state, name).numpy()
        table = np.concatenate([table, np.full(-len(table) % lanes, pad)]).reshape(-1, lanes)
        columns |= {f"data.{lane}.{name}": table[words, lane] for lane in range(lanes)}
    return _rows(columns)


def _rows(columns: dict[str, Ints]) -> list[Row]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]
