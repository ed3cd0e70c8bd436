"""The program of a fused decode step of one head, and its memory image.

ClusterFusion (arXiv 2508.18850). Split by token, Alg. 3: projections, ClusterGather, rotary embedding, the
new token's entry of the cache, attention over each node's tokens, ClusterReduce of (m, l, o), output projection.
Split by head, its appendix: the nodes keep their columns throughout; scores and the result are reduced. One
command a step; what one step hands to the next stays in the nodes' memories. `unfused` does the same work
as kernels that meet only in external memory have to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from golden.cluster.command import Command, check
from golden.cluster.head import SharedHead
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes, to_lanes
from golden.cluster.spec import (
    INDEPENDENT,
    STREAM_AHEAD,
    WAIT_IDLE,
    Dataflow,
    Format,
    Kind,
    Move,
    Op,
    Schedule,
    Turned,
    Weighed,
)
from golden.cluster.weights import pack_weights, row_flits
from golden.float_format import SINGLE
from golden.rows import Bytes

QUERY, KEY, VALUE, OUTPUT = range(4)  # vectors that constants are held for


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a node keeps what is handed on, in flits of its memory; the projected vectors start at 0."""

    piece: int  # flits of a query, key or value that one node projects
    vector: int  # flits of one that it attends with
    entry: int  # flits of its key or value in the cache
    entries: int  # the new token's row: key, then value
    scores: int
    record: int
    result: int
    result_flits: int
    scratch: int  # of the unfused program: what all nodes have stored

    @property
    def record_flits(self) -> int:
        return 1 + self.vector


def places_of(head: SharedHead) -> Places:
    """One behind the other."""
    spec = head.spec
    vector, entry = head.elements // spec.lanes, head.elements // spec.flit_bytes
    scores = 3 * vector + 2 * entry
    record = scores + -(-head.rows // spec.lanes)
    result = record + 1 + vector
    rows = len(head.hidden) // (spec.nodes if head.dataflow == Dataflow.TOKEN else 1)
    return Places(
        piece=head.size // spec.nodes // spec.lanes,
        vector=vector,
        entry=entry,
        entries=3 * vector,
        scores=scores,
        record=record,
        result=result,
        result_flits=rows // spec.lanes,
        scratch=result + rows // spec.lanes,
    )


def regions(head: SharedHead) -> dict[str, Bytes]:
    """External memory behind the program, in lanes: what the steps read, in their order."""
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
        "outputs": np.stack([pack_weights(w, spec).reshape(-1) for w in head.outputs]),
    }
    return {name: to_lanes(part, spec) for name, part in parts.items()}


def fused_decode(
    head: SharedHead, *, schedule: Schedule = Schedule.XOR, unfused: bool = False, trace: bool = False,
    watchdog: int = 0, base: int = 0,
) -> tuple[list[Command], MemoryImage]:  # fmt: skip
    """Commands and memory image of one step; the result is the head's contribution [D], D/N singles a node.

    Args:
        unfused: what nodes exchange goes through external memory. The sums that follow are still the
            network's, and not to be counted: kernels add while they load.
        trace: the result has behind it what the steps handed on: vectors, cache entries, scores, record.
        base: where in memory the image begins.

    Raises:
        InputError: something does not fit a node's memories, or `base` is not the start of a word.
    """
    spec, places = head.spec, places_of(head)
    parts = regions(head)
    slices = len(head.hidden) // spec.nodes // spec.lanes
    out = [
        Command(op=Op.STORE, source=places.result, flits=slices, rank_stride=places.result_flits - slices and slices)
    ]
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
    return commands, MemoryImage(data=data, result_address=len(data), result_bytes=kept, header_address=base)


@dataclass(frozen=True)
class Steps:
    """Makes the commands of a step."""

    head: SharedHead
    at: Places
    address: dict[str, int]
    schedule: Schedule
    unfused: bool

    def by_token(self) -> list[Command]:
        """Alg. 3."""
        at, head = self.at, self.head
        slot = 3 * at.piece
        rows = [(at.entries, "keys"), (at.entries + at.entry, "values")]
        return [
            *self._fill(),
            # The new token's row has other nodes' tokens beside it.
            *(Command(op=Op.LOAD, flits=at.entry, target=row, external=self._last(name)) for row, name in rows),
            self._project(slot),
            *self._gather(slot),
            *(
                self._turn(Turned.CACHE, which, source=which * at.piece, target=row, rank_stride=slot, record=at.piece)
                for which, (row, _) in zip((KEY, VALUE), rows, strict=True)
            ),
            *(Command(op=Op.STORE, flits=at.entry, source=row, external=self._last(name)) for row, name in rows),
            self._turn(Turned.ACTIVATE, QUERY, source=0, rank_stride=slot, record=at.piece),
            self._score(),
            self._weigh(Weighed.LAST),
            *self._merge(),
            self._turn(Turned.NORMALISE, OUTPUT, source=at.record + 1, record=at.vector),
            self._output(row_flits(head.size, head.spec)),
        ]

    def by_head(self) -> list[Command]:
        """The appendix."""
        at, head = self.at, self.head
        rows = [(at.entries, "keys"), (at.entries + at.entry, "values")]
        return [
            *self._fill(),
            self._project(0),
            *(
                self._turn(Turned.CACHE_ALL, which, source=which * at.piece, target=row, record=at.piece)
                for which, (row, _) in zip((KEY, VALUE), rows, strict=True)
            ),
            *(Command(op=Op.STORE, flits=at.entry, source=row, external=self._last(name)) for row, name in rows),
            self._turn(Turned.ACTIVATE, QUERY, source=0, record=at.piece),
            self._score(),
            *self._sum(at.scores, -(-head.rows // head.spec.lanes)),
            self._weigh(Weighed.FOUND),
            self._turn(Turned.NORMALISE, OUTPUT, source=at.record + 1, record=at.vector),
            self._output(row_flits(head.elements, head.spec)),
            *self._sum(at.result, at.result_flits),
        ]

    def _last(self, name: str) -> int:
        """Address of the cache's last row."""
        return self.address[name] + (self.head.rows - 1) * self.at.entry * self.head.spec.external_bytes

    def _fill(self) -> list[Command]:
        head, at, spec = self.head, self.at, self.head.spec
        flits = len(head.hidden) * (1 if spec.activation_bits == 8 else 2) // spec.flit_bytes
        scale = int(np.float32(head.hidden_scale).view(np.uint32))
        loads = [(Move.ACTIVATIONS, flits, "hidden", scale), (Move.CONSTANTS, 8 * at.vector, "constants", 0)]
        return [
            Command(op=Op.LOAD, kind=kind, flits=n, external=self.address[name], scale=value, flags=INDEPENDENT)
            for kind, n, name, value in loads
        ]

    def _project(self, stride: int) -> Command:
        record = row_flits(len(self.head.hidden), self.head.spec)
        return Command(
            op=Op.GEMV, flits=3 * self.at.piece, record=record, rank_stride=stride,
            external=self.address["projections"], flags=INDEPENDENT,
        )  # fmt: skip

    def _output(self, record: int) -> Command:
        return Command(
            op=Op.GEMV, flits=self.at.result_flits, record=record, target=self.at.result,
            external=self.address["outputs"], flags=INDEPENDENT,
        )  # fmt: skip

    def _turn(
        self, kind: Turned, which: int, *, source: int, record: int, target: int = 0, rank_stride: int = 0
    ) -> Command:
        return Command(
            op=Op.TURN, kind=kind, flits=self.at.vector, scale=which * self.at.vector, root=self.head.owner,
            source=source, record=record, target=target, rank_stride=rank_stride,
        )  # fmt: skip

    def _cached(self) -> int:
        """The cache may be read ahead if the row that is stored just before lies behind all that can be on its way."""
        return INDEPENDENT if (self.head.rows - 1) * self.at.entry >= STREAM_AHEAD else 0

    def _score(self) -> Command:
        return Command(
            op=Op.SCORE, flits=self.head.rows, record=self.at.entry, target=self.at.scores, root=self.head.owner,
            scale=SINGLE.one, external=self.address["keys"], flags=self._cached(),
        )  # fmt: skip

    def _weigh(self, kind: Weighed) -> Command:
        return Command(
            op=Op.WEIGH, kind=kind, flits=self.head.rows, record=self.at.entry, source=self.at.scores,
            target=self.at.record, root=self.head.owner, external=self.address["values"], flags=self._cached(),
        )  # fmt: skip

    def _through_memory(self, source: int, flits: int, target: int, into: int, stride: int = 0) -> list[Command]:
        """Every node stores its flits, and loads all nodes' to target + b·into."""
        there = self.address["exchange"]
        return [
            Command(op=Op.STORE, source=source, flits=flits, rank_stride=stride, external=there),
            Command(op=Op.LOAD, kind=Move.BROADCAST, target=target, flits=flits, rank_stride=into, external=there),
        ]

    def _gather(self, slot: int) -> list[Command]:
        if self.unfused:
            return self._through_memory(0, slot, 0, slot, stride=slot)
        return [Command(op=Op.GATHER, schedule=self.schedule, flits=slot, target=0, flags=WAIT_IDLE)]

    def _merge(self) -> list[Command]:
        """Of the records; unfused, the merged one is handed to the next kernel as well."""
        at, there = self.at, self.address["exchange"]
        merge = Command(
            op=Op.REDUCE, schedule=self.schedule, format=Format.SINGLE, kind=Kind.MERGE, record=at.record_flits,
            flits=at.record_flits, source=at.record, target=at.record, flags=WAIT_IDLE,
        )  # fmt: skip
        if not self.unfused:
            return [merge]
        return [
            *self._through_memory(at.record, at.record_flits, at.scratch, 0),
            merge,
            Command(op=Op.STORE, source=at.record, flits=at.record_flits, external=there),
            Command(op=Op.LOAD, target=at.record, flits=at.record_flits, external=there),
        ]

    def _sum(self, place: int, flits: int) -> list[Command]:
        """Over all nodes."""
        add = Command(
            op=Op.REDUCE, schedule=self.schedule, format=Format.SINGLE, kind=Kind.SUM, flits=flits, source=place,
            target=place, flags=WAIT_IDLE,
        )  # fmt: skip
        return [*self._through_memory(place, flits, self.at.scratch, 0), add] if self.unfused else [add]
