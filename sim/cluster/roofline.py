"""The least cycles that a program of the cluster can take."""

from __future__ import annotations

from collections.abc import Sequence

from golden.cluster.command import Command
from golden.cluster.spec import COMPUTE, MOVES, QUARTERS, Op, Schedule, Spec, Turned, Weighed
from sim.cluster.workload import ClusterWorkload
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline


def collective_roofline(workload: ClusterWorkload, job: JobResult, _: MemorySettings) -> Roofline:
    """Of the collectives alone: flits through the busiest node's link, at one flit an interval."""
    link = busiest_link(workload.commands, workload.config.spec) * workload.config.interval
    return Roofline(cycles=job.counters["collective_cycles"], stages={"link": link})


def decode_roofline(workload: ClusterWorkload, job: JobResult, memory: MemorySettings) -> Roofline:
    """Cycles that the steps need at least; each depends on the one before, so that they add up.

    Words of memory at its bandwidth, read or written, those of streams at one an interval besides; and a flit an
    interval through the busiest node's link, and through the decode units' phases that read no stream.
    """
    interval = workload.config.interval
    units = 0
    for command in workload.commands:
        if command.op == Op.TURN:
            units += 2 * command.flits + (command.kind == Turned.NORMALISE)
        elif command.op == Op.WEIGH:
            scores = -(-command.flits // workload.config.spec.lanes) if command.kind == Weighed.FOUND else 0
            units += scores + 1 + QUARTERS * command.record
    words = sum(job.counters[name] for name in ("load_words", "store_words", "program_words"))
    rate = memory.words_a_cycle(workload.config.word_bytes)
    streams = job.counters["stream_words"] * max(1 / rate, interval)
    link = busiest_link(workload.commands, workload.config.spec)
    steps = words / rate + streams + (link + units) * interval
    return Roofline(cycles=job.counters["cycles"], stages={"steps": steps})


def busiest_link(commands: Sequence[Command], spec: Spec) -> int:
    """Flits that the node that sends or receives most has to send or receive, over all collectives."""
    return sum(node_flits(c, spec) for c in commands if c.op not in MOVES and c.op not in COMPUTE)


def node_flits(command: Command, spec: Spec) -> int:
    """Flits that the busiest node has to send or receive for one collective."""
    n, rounds = spec.nodes, spec.rounds
    ring = command.schedule == Schedule.RING
    if command.op == Op.BARRIER:
        return rounds
    if command.op == Op.GATHER:
        return command.flits * (n - 1)
    if command.op == Op.REDUCE_SCATTER:
        return command.flits * (n - 1) // n
    if command.op == Op.REDUCE:
        return 2 * command.flits * (n - 1) // n if ring else command.flits * rounds
    return command.flits if ring else command.flits * rounds
