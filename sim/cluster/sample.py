"""A reduction for estimates."""

from __future__ import annotations

from golden.cluster.spec import ElementType, Op
from hw.cluster.config import Config
from sim.cluster.player import LinkedMemory
from sim.cluster.run import COLLECTIVE
from sim.cluster.workload import prepare, random_messages
from sim.kernel.run import Run
from sim.kernel.sample import Events, Sample, words_moved


def sample(config: Config, *, source: str | None = None, size: int | None = None) -> Sample:
    """Half-precision sums of random messages, or `source`: another collective. `size`: bytes a node."""
    op = Op[(source or "reduce").upper()]
    messages = random_messages(config, size or 256, ElementType.HALF, 1)
    return Sample(
        operation=COLLECTIVE,
        workload=prepare(config, messages, op=op, form=ElementType.HALF),
        memory=LinkedMemory(),
        measure="",
        quality=lambda _: None,
        events=_events,
    )


def _events(run: Run) -> Events:
    c, spec = run.counters, run.workload.config.spec
    lanes = spec.link_width // 32
    return {
        "combine_lane": c["taken"] * lanes,
        **dict.fromkeys(("low", "high", "single"), c["taken"] * lanes),
        **dict.fromkeys(("node", "alu", "send", "receive", "operand", "memory"), c["flits"] + c["taken"]),
        "exchange": c["flits"],
        **dict.fromkeys(("compute", "projection", "probability", "turn", "sums"), c["feed_cycles"]),
        "": words_moved(c),
    }
