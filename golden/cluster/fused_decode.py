"""The program of a fused decode step of one head, and its memory image.

ClusterFusion (arXiv 2508.18850), Alg. 3, split by tokens: projections, ClusterGather, rotary embedding,
the new token's entry of the cache, attention over each node's tokens, ClusterReduce of (m, l, o), output
projection. One command a step; what one step hands to the next stays in the nodes' memories. `unfused`
does the same work as kernels that meet only in external memory have to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.cluster.command import Command, check
from golden.cluster.head import SharedHead
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes, to_lanes
from golden.cluster.spec import INDEPENDENT, STREAM_AHEAD, WAIT_IDLE, Format, Kind, Move, Op, Schedule, Turned
from golden.cluster.weights import pack_weights, row_flits
from golden.rows import Bytes

ONE = 0x3F800000  # the single 1.0
QUERY, KEY, VALUE, OUTPUT = range(4)  # vectors that constants are held for


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a node keeps what is handed on, in flits of its memory."""

    piece: int  # flits of a query, key or value that one node projects
    vector: int  # flits of a whole one
    entry: int  # flits of a key or value of the cache
    entries: int  # the new token's row: key, then value
    scores: int
    record: int
    result: int
    scratch: int  # of the unfused program: the nodes' records

    @property
    def record_flits(self) -> int:
        return 1 + self.vector


def places_of(head: SharedHead) -> Places:
    """One behind the other, from flit 0 on: the gathered vectors first."""
    spec = head.spec
    vector, entry = head.size // spec.lanes, head.size // spec.flit_bytes
    scores = 3 * vector + 2 * entry
    record = scores + -(-head.rows // spec.lanes)
    result = record + 1 + vector
    return Places(
        piece=vector // spec.nodes,
        vector=vector,
        entry=entry,
        entries=3 * vector,
        scores=scores,
        record=record,
        result=result,
        scratch=result + len(head.hidden) // spec.nodes // spec.lanes,
    )


def regions(head: SharedHead) -> dict[str, Bytes]:
    """External memory behind the program, in lanes: what the steps read, in their order."""
    spec = head.spec
    kind = np.int8 if spec.activation_bits == 8 else np.int16

    def same(raw: Bytes) -> Bytes:
        """Every node's lane holds a copy."""
        return to_lanes(np.tile(raw, (spec.nodes, 1)), spec)

    constants = head.constants.reshape(4, -1, spec.lanes, 2).swapaxes(2, 3)  # own flit, other flit
    cache = [codes.swapaxes(0, 1).astype(np.int8).reshape(spec.nodes, -1) for codes in (head.keys, head.values)]
    return {
        "hidden": same(head.hidden.astype(kind).view(np.uint8)),
        "constants": same(np.ascontiguousarray(constants).view(np.uint8).reshape(-1)),
        "projections": to_lanes(np.stack([pack_weights(w, spec).reshape(-1) for w in head.projections]), spec),
        "keys": to_lanes(cache[0].view(np.uint8), spec),
        "values": to_lanes(cache[1].view(np.uint8), spec),
        "outputs": to_lanes(np.stack([pack_weights(w, spec).reshape(-1) for w in head.outputs]), spec),
    }


def fused_decode(
    head: SharedHead, *, schedule: Schedule = Schedule.XOR, unfused: bool = False, trace: bool = False,
    watchdog: int = 0,
) -> tuple[list[Command], MemoryImage]:  # fmt: skip
    """Commands and memory image of one step; the result is the head's contribution [D], D/N singles a node.

    Args:
        unfused: gathered vectors, records and the merged record go through external memory; the merge of the
            records is still the network's.
        trace: the result has behind it what the steps handed on: vectors, cache entries, scores, record.

    Raises:
        InputError: something does not fit a node's memories.
    """
    spec, places = head.spec, places_of(head)
    parts = regions(head)
    out = [("result", places.result, len(head.hidden) // spec.nodes // spec.lanes)]
    if trace:
        out.append(("handed on", 0, places.result))
    kept = sum(flits for _, _, flits in out) * spec.external_bytes
    spare = places.scratch * spec.nodes * spec.external_bytes if unfused else 0

    def build(base: int) -> list[Command]:
        address, place = {}, base
        for name, raw in parts.items():
            address[name] = place
            place += len(raw)
        address["exchange"] = place
        commands = _commands(head, places, address, schedule, unfused)
        place += spare
        for _, first, flits in out:
            commands.append(Command(op=Op.STORE, source=first, flits=flits, external=place))
            place += flits * spec.external_bytes
        return commands

    base = aligned(len(program_bytes(build(0), spec)), spec)
    commands = build(base)
    for command in commands:
        check(command, spec)
    program = program_bytes(commands, spec, watchdog=watchdog)
    padding = [np.zeros(base - len(program), np.uint8)]
    data = np.concatenate([program, *padding, *parts.values(), np.zeros(spare, np.uint8)])
    return commands, MemoryImage(data=data, result_address=len(data), result_bytes=kept)


def _commands(
    head: SharedHead, at: Places, address: dict[str, int], schedule: Schedule, unfused: bool
) -> list[Command]:
    spec, rows = head.spec, head.rows
    last = (rows - 1) * at.entry * spec.external_bytes  # of the cache: the new token's row
    entries = {name: address[name] + last for name in ("keys", "values")}
    hidden_bytes = 1 if spec.activation_bits == 8 else 2
    slot = 3 * at.piece

    def turn(kind: Turned, which: int, **fields: int) -> Command:
        return Command(op=Op.TURN, kind=kind, flits=at.vector, scale=which * at.vector, root=head.owner, **fields)

    def gathered(kind: Turned, which: int, **fields: int) -> Command:
        """Of a vector whose pieces lie in the nodes' slots."""
        return turn(kind, which, source=which * at.piece, record=at.piece, rank_stride=slot, **fields)

    def through_memory(source: int, flits: int, stride: int, target: int, into: int) -> list[Command]:
        """Every node stores its flits, and loads all nodes'."""
        there = address["exchange"]
        return [
            Command(op=Op.STORE, source=source, flits=flits, rank_stride=stride, external=there, flags=WAIT_IDLE),
            Command(op=Op.LOAD, kind=Move.BROADCAST, target=target, flits=flits, rank_stride=into, external=there),
        ]

    gather = [Command(op=Op.GATHER, schedule=schedule, flits=slot, target=0, flags=WAIT_IDLE)]
    reduce = [
        Command(
            op=Op.REDUCE, schedule=schedule, format=Format.SINGLE, kind=Kind.MERGE, record=at.record_flits,
            flits=at.record_flits, source=at.record, target=at.record, flags=WAIT_IDLE,
        )
    ]  # fmt: skip
    if unfused:
        gather = through_memory(0, slot, slot, 0, slot)
        reduce = through_memory(at.record, at.record_flits, 0, at.scratch, at.record_flits) + reduce
        reduce += [
            Command(op=Op.STORE, source=at.record, flits=at.record_flits, external=address["exchange"]),
            Command(op=Op.LOAD, target=at.record, flits=at.record_flits, external=address["exchange"]),
        ]
    inputs = len(head.hidden)
    # The cache may be read ahead if the row that is stored just before lies behind all that could be on its way.
    cached = INDEPENDENT if (rows - 1) * at.entry >= STREAM_AHEAD else 0
    return [
        Command(
            op=Op.LOAD, kind=Move.ACTIVATIONS, flits=inputs * hidden_bytes // spec.flit_bytes,
            external=address["hidden"], flags=INDEPENDENT, scale=int(np.float32(head.hidden_scale).view(np.uint32)),
        ),
        Command(op=Op.LOAD, kind=Move.CONSTANTS, flits=8 * at.vector, external=address["constants"], flags=INDEPENDENT),
        Command(op=Op.LOAD, flits=at.entry, target=at.entries, external=entries["keys"]),
        Command(op=Op.LOAD, flits=at.entry, target=at.entries + at.entry, external=entries["values"]),
        Command(
            op=Op.GEMV, flits=slot, record=row_flits(inputs, spec), rank_stride=slot, external=address["projections"],
            flags=INDEPENDENT,
        ),
        *gather,
        gathered(Turned.CACHE, KEY, target=at.entries),
        gathered(Turned.CACHE, VALUE, target=at.entries + at.entry),
        Command(op=Op.STORE, flits=at.entry, source=at.entries, external=entries["keys"]),
        Command(op=Op.STORE, flits=at.entry, source=at.entries + at.entry, external=entries["values"]),
        gathered(Turned.ACTIVATE, QUERY),
        Command(
            op=Op.SCORE, flits=rows, record=at.entry, target=at.scores, root=head.owner, scale=ONE,
            external=address["keys"], flags=cached,
        ),
        Command(
            op=Op.WEIGH, flits=rows, record=at.entry, source=at.scores, target=at.record, root=head.owner,
            external=address["values"], flags=cached,
        ),
        *reduce,
        turn(Turned.NORMALISE, OUTPUT, source=at.record + 1, record=at.vector),
        Command(
            op=Op.GEMV, flits=inputs // spec.nodes // spec.lanes, record=row_flits(head.size, spec),
            target=at.result, external=address["outputs"], flags=INDEPENDENT,
        ),
    ]  # fmt: skip
