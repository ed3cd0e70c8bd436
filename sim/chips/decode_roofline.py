"""The least cycles that a decode step with retrieval can take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from golden.cluster.command import Command
from golden.cluster.spec import QUARTERS, Op, Turned
from golden.kv.spec import SCAN_BUCKETS
from sim.cluster.roofline import busiest_link
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline
from sim.kv.bounds import WALKS

if TYPE_CHECKING:
    from sim.chips.decode import StepWorkload


def step_roofline(workload: StepWorkload, job: JobResult, memory: MemorySettings) -> Roofline:
    """Two bounds: all words of memory at its bandwidth; and what can only come one after another.

    In order are the projections, the first head's scan, and the attention of all heads: words of memory at its
    bandwidth, flits through the busiest node's link, a flit a cycle through the decode units' phases without a stream,
    and of a scan its walks and sweeps.
    """
    counters, spec = job.counters, workload.config.spec
    rate = memory.words_a_cycle(workload.config.word_bytes)
    words = {name: count / rate for name, count in counters.items() if name.endswith("_words")}
    heads, programs = spec.kv.heads, [workload.memory.project, *workload.memory.attend]
    scanned = (words["scan_words"] + words["list_words"] + words["record_words"]) / heads + selecting(workload)
    nodes = sum(words[name] for name in ("node_words", "store_words", "template_words", "row_words"))
    flits = sum(busiest_link(p, spec.cluster) + unstreamed(p) for p in programs)
    return Roofline(
        cycles=counters["cycles"], stages={"memory": sum(words.values()), "in order": nodes + flits + scanned}
    )


def selecting(workload: StepWorkload) -> int:
    """Of a head's scan, the cycles of walks and sweeps; 0 where there is nothing to choose."""
    config, shared = workload.config.kv, workload.shared
    always = int(shared.options.always(shared.tokens).sum())
    if shared.selected in (always, shared.tokens):
        return 0
    rows = -(-shared.tokens // (config.spec.plane_tokens * config.sweep_words))
    return WALKS * SCAN_BUCKETS + 2 * rows


def unstreamed(commands: Sequence[Command]) -> int:
    """Flits through the decode units' phases that read no stream."""
    turns = sum(2 * c.flits + (c.kind == Turned.NORMALISE) for c in commands if c.op == Op.TURN)
    return turns + sum(1 + QUARTERS * c.record for c in commands if c.op == Op.WEIGH)
