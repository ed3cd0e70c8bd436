"""Decode attention over the cluster network: the merge on the network, or through external memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.cluster.command import Command, check
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes, to_lanes
from golden.cluster.spec import WAIT_IDLE, Format, Kind, Move, Op, Schedule
from hw.cluster.config import Config
from sim.workloads.cluster import WATCHDOG, Bytes, ClusterWorkload, collective

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class DecodeWorkloads:
    """The same records, merged by the network, and handed round through external memory."""

    fused: ClusterWorkload
    unfused: ClusterWorkload
    loading: ClusterWorkload  # what both begin with


def prepare(config: Config, messages: Floats, *, schedule: Schedule = Schedule.XOR) -> DecodeWorkloads:
    """Programs for records [N, queries, words].

    `unfused`: every node stores its records, then loads the records of all nodes, as kernels that meet
    only in external memory have to. The merge that would follow is not part of it.

    Raises:
        InputError: the network would refuse it.
    """
    spec = config.spec
    nodes, queries, words = messages.shape
    size = queries * words * 4
    flits, record = size // spec.flit_bytes, words * 32 // spec.link_width
    data = np.ascontiguousarray(messages.astype("<f4")).reshape(nodes, -1).view(np.uint8)
    fused = collective(
        config, data, op=Op.REDUCE, schedule=schedule, form=Format.SINGLE, kind=Kind.MERGE, record=record
    )
    load = Command(op=Op.LOAD, flits=flits)
    hand_round = [
        Command(op=Op.STORE, flits=flits, flags=WAIT_IDLE),
        Command(op=Op.LOAD, kind=Move.BROADCAST, flits=flits, target=flits, rank_stride=flits),
    ]
    return DecodeWorkloads(
        fused=fused,
        unfused=_moves(config, [load, *hand_round], data),
        loading=_moves(config, [load], data),
    )


def _moves(config: Config, commands: Sequence[Command], data: Bytes) -> ClusterWorkload:
    """A program whose first command loads the messages and whose others use the region behind them."""
    spec = config.spec
    first = aligned(len(program_bytes(commands, spec)), spec)
    result = first + data.size
    placed = [replace(c, external=result if k else first) for k, c in enumerate(commands)]
    for command in placed:
        check(command, spec)
    image = np.zeros(result, np.uint8)
    program = program_bytes(placed, spec, watchdog=WATCHDOG)
    image[: len(program)] = program
    image[first:] = to_lanes(data, spec)
    return ClusterWorkload(
        config=config,
        commands=tuple(placed),
        image=MemoryImage(data=image, result_address=result, result_bytes=data.size),
        names={"op": "through external memory", "nodes": spec.nodes, "size": int(data.shape[1])},
    )
