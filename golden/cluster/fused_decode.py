"""The program of a fused decode step of one key-value head, and its memory image.

The commands are those of `golden.cluster.decode_steps`. `unfused` does the same work as kernels that meet only in
external memory have to.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.cluster.command import Command, check
from golden.cluster.decode_steps import Steps
from golden.cluster.head import SharedHead
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes, to_lanes
from golden.cluster.places import places_of
from golden.cluster.spec import Dataflow, Op, Schedule
from golden.cluster.weights import pack_weights
from golden.rows import Bytes


def regions(head: SharedHead) -> dict[str, Bytes]:
    """External memory after the program, in lanes: what the steps read, in their order."""
    spec = head.spec
    kind = np.int8 if spec.activation_bits == 8 else np.int16
    hidden = np.tile(head.hidden.astype(kind).view(np.uint8), (spec.nodes, 1))  # every node's lane holds a copy
    constants = head.constants.reshape(spec.nodes, 4, -1, spec.lanes, 2).swapaxes(3, 4)  # own flit, other flit
    cache = [codes.swapaxes(0, 1).astype(np.int8).reshape(spec.nodes, -1) for codes in (head.keys, head.values)]
    parts = {
        "hidden": hidden,
        "constants": np.ascontiguousarray(constants).reshape(spec.nodes, -1).view(np.uint8),
        "projections": np.stack([pack_weights(w, spec).reshape(-1) for w in head.projections]),
        "keys": cache[0].view(np.uint8),
        "values": cache[1].view(np.uint8),
    }
    lanes = {name: to_lanes(part, spec) for name, part in parts.items()}
    outputs = [np.stack([pack_weights(w, spec).reshape(-1) for w in nodes]) for nodes in head.outputs]
    return {**lanes, "outputs": np.concatenate([to_lanes(part, spec) for part in outputs])}


def fused_decode(
    head: SharedHead, *, schedule: Schedule = Schedule.XOR, unfused: bool = False, trace: bool = False,
    watchdog: int = 0, base: int = 0,
) -> tuple[list[Command], MemoryImage]:  # fmt: skip
    """Commands and memory image of one step; the result is each query head's contribution [D], D/N singles a node.

    Args:
        unfused: what nodes exchange goes through external memory. The sums that follow are still the
            network's, and not to be counted: kernels add while they load.
        trace: the result is followed by what the steps handed on: vectors, cache entries, scores, record.
        base: where in memory the image begins.

    Raises:
        InputError: something does not fit a node's memories, or `base` is not the start of a word.
    """
    spec, places = head.spec, places_of(head)
    parts = regions(head)
    slices = head.group * len(head.hidden) // spec.nodes // spec.lanes
    whole = head.dataflow == Dataflow.HEAD  # all of the result in every node, of which each stores its part
    out = [Command(op=Op.STORE, source=places.result, flits=slices, rank_stride=slices if whole else 0)]
    if trace:
        out.append(Command(op=Op.STORE, source=0, flits=places.result))
    kept = sum(command.flits for command in out) * spec.external_bytes
    spare = places.scratch * spec.external_bytes if unfused else 0

    def build(first: int) -> list[Command]:
        address, place = {}, first
        for name, raw in parts.items():
            address[name] = place
            place += len(raw)
        address["exchange"] = place
        steps = Steps(head, places, address, schedule, unfused)
        commands = steps.by_token() if head.dataflow == Dataflow.TOKEN else steps.by_head()
        place += spare
        for command in out:
            commands.append(replace(command, external=place))
            place += command.flits * spec.external_bytes
        return commands

    first = base + aligned(len(program_bytes(build(0), spec)), spec)
    commands = build(first)
    for command in commands:
        check(command, spec)
    program = program_bytes(commands, spec, watchdog=watchdog, base=base)
    before, padding = (np.zeros(size, np.uint8) for size in (base, first - base - len(program)))
    data = np.concatenate([before, program, padding, *parts.values(), np.zeros(spare, np.uint8)])
    begins = first + np.cumsum([0, *map(len, parts.values())])
    places_in_memory = {name: int(begin) for name, begin in zip((*parts, "exchange"), begins, strict=True)}
    del places_in_memory["constants"]  # lie behind `hidden`, and count with it
    return commands, MemoryImage(
        data=data, result_address=len(data), result_bytes=kept, header_address=base,
        parts={"program": base, **places_in_memory, "results": len(data)},
    )  # fmt: skip
