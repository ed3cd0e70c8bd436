"""The composition's own blocks at its `tiny` config, for lint and out-of-context synthesis; its engines have theirs."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

from hw.chips.decode.config import tiny
from hw.chips.decode.query_rows import QueryRows
from hw.chips.decode.record_lanes import RecordLanes
from hw.chips.decode.step_sequencer import StepSequencer


def catalogue() -> dict[str, Callable[[], wiring.Component]]:
    """Name to a function that makes the component. Names are module names too."""
    return {
        "query_rows": lambda: QueryRows(config=tiny()),
        "record_lanes": lambda: RecordLanes(config=tiny()),
        "step_sequencer": lambda: StepSequencer(config=tiny()),
    }
