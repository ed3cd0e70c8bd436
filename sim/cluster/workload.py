"""Programs for the cluster network: commands and messages to a memory image, and back to results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from golden.cluster.command import Command, check, flits_of
from golden.cluster.memory_image import MemoryImage, aligned, from_lanes, program_bytes, to_lanes
from golden.cluster.spec import COMPUTE, MOVES, ElementType, Kind, Op, Schedule, Spec
from golden.errors import InputError
from hw.cluster.config import Config
from hw.cluster.top import COUNTERS
from sim.cluster.player import SOURCE, ClusterPlayer
from sim.kernel.jobs import JobResult, MemorySettings, run_job
from sim.kernel.roofline import Roofline

Bytes = npt.NDArray[np.uint8]
WATCHDOG = 20_000  # cycles


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """How the nodes' links behave. `pauses` in 256ths; `hold` stops a node for ever from a cycle on."""

    pauses: int = 0
    hold: int | None = None
    hold_after: int = 0


@dataclass(frozen=True, kw_only=True)
class ClusterWorkload:
    """Commands on messages; `image.data` holds the program, and in lanes the messages; the result is in lanes too."""

    config: Config
    commands: tuple[Command, ...]
    image: MemoryImage
    names: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ClusterRun:
    """What came out: uint8 [N, bytes]."""

    results: Bytes
    job: JobResult


def collective(
    config: Config, messages: Bytes, *, op: Op, schedule: Schedule = Schedule.XOR,
    form: ElementType = ElementType.SINGLE, kind: Kind = Kind.SUM, record: int = 1, root: int = 0,
    watchdog: int = WATCHDOG,
) -> ClusterWorkload:  # fmt: skip
    """One collective on the nodes' messages, uint8 [N, bytes]: load, collective from an idle network, store.

    Raises:
        InputError: the network would refuse it.
    """
    spec = config.spec
    if len(messages) != spec.nodes:
        raise InputError(f"cluster: there must be a message for each of {spec.nodes} nodes, there are {len(messages)}")
    stored = flits_of(messages.shape[1], spec)
    wide = op in (Op.REDUCE, Op.REDUCE_SCATTER) and form == ElementType.MIXED
    flits = 2 * stored if wide else stored
    target = stored if wide else 0
    in_place = Command(
        op=op, schedule=schedule, format=form, kind=kind, record=record, root=root, flits=flits, target=target, flags=1
    )
    gathers, scatters = op == Op.GATHER, op == Op.REDUCE_SCATTER
    out = flits * spec.nodes if gathers else flits // spec.nodes if scatters else flits
    commands = [
        Command(op=Op.LOAD, flits=stored, rank_stride=stored if gathers else 0),
        in_place,
        Command(op=Op.STORE, flits=out, source=target, rank_stride=out if scatters else 0),
    ]
    first = aligned(len(program_bytes(commands, spec)), spec)
    result = first + messages.size
    commands[0] = replace(commands[0], external=first)
    commands[2] = replace(commands[2], external=result)
    for command in commands:
        check(command, spec)
    data = np.zeros(result, np.uint8)
    program = program_bytes(commands, spec, watchdog=watchdog)
    data[: len(program)] = program
    data[first:] = to_lanes(messages, spec)
    image = MemoryImage(data=data, result_address=result, result_bytes=out * spec.external_bytes)
    names = {
        "scene": f"{op.name.lower()} of {spec.nodes}",
        "size": int(messages.shape[1]),
        "op": op.name.lower(),
        "schedule": schedule.name.lower(),
        "format": form.name.lower(),
        "kind": kind.name.lower(),
        "nodes": spec.nodes,
    }
    return ClusterWorkload(config=config, commands=tuple(commands), image=image, names=names)


def run_rtl(
    workload: ClusterWorkload, *, memory: MemorySettings = MemorySettings(), links: LinkSettings = LinkSettings(),
    waves: bool = False,
) -> ClusterRun:  # fmt: skip
    """Runs the program on the generated Verilog."""
    config = workload.config
    arguments: dict[str, object] = {"link_pauses": links.pauses}
    if links.hold is not None:
        arguments |= {"hold": links.hold, "hold_after": links.hold_after}
    job = run_job(
        lambda: ClusterPlayer(config=config),
        "cluster",
        config,
        workload.image,
        COUNTERS,
        memory=memory,
        waves=waves,
        sources=[SOURCE],
        arguments=arguments,
    )
    return ClusterRun(results=from_lanes(job.data, config.spec), job=job)


def run_model(workload: ClusterWorkload) -> Bytes:
    """The same program on `golden.cluster.model`."""
    from golden.cluster.model import Cluster  # torch: only where results are compared

    image = workload.image
    external = np.concatenate([image.data, np.zeros(image.result_bytes, np.uint8)])
    Cluster(workload.config.spec).run(workload.commands, external)
    return from_lanes(external[image.result_address :], workload.config.spec)


def collective_roofline(workload: ClusterWorkload, counters: Mapping[str, int]) -> Roofline:
    """Of the collectives alone: flits through the busiest node's link, at one flit a cycle."""
    return Roofline(
        cycles=counters["collective_cycles"], stages={"link": busiest_link(workload.commands, workload.config.spec)}
    )


def busiest_link(commands: Sequence[Command], spec: Spec) -> int:
    """Flits that the node that sends or receives most has to send or receive, over all collectives."""
    total = 0
    for command in commands:
        if command.op not in MOVES and command.op not in COMPUTE:
            total += node_flits(command, spec)
    return total


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
