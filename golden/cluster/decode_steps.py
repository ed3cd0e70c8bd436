"""The commands of a fused decode step of one key-value head, one a step, in both dataflows of the publication.

ClusterFusion (arXiv 2508.18850). Split by token, Alg. 3: projections, ClusterGather, rotary embedding, the
new token's entry of the cache, attention over each node's tokens, ClusterReduce of (m, l, o), output projection.
Split by head, its appendix: the nodes keep their columns throughout; scores and the result are reduced. What one
step hands to the next stays in the nodes' memories, at `golden.cluster.places`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.cluster.command import Command
from golden.cluster.head import SharedHead
from golden.cluster.places import Places
from golden.cluster.spec import (
    INDEPENDENT,
    STREAM_AHEAD,
    WAIT_IDLE,
    ElementType,
    Kind,
    Move,
    Op,
    Schedule,
    Turned,
    Weighed,
)
from golden.cluster.weights import block_flits, row_flits
from golden.float_format import SINGLE

QUERY, KEY, VALUE, OUTPUT = range(4)  # vectors that constants are held for; the query heads share theirs


@dataclass(frozen=True)
class Steps:
    """Makes the commands of a step."""

    head: SharedHead
    at: Places
    address: dict[str, int]  # in external memory, of what the steps read, and of what nodes exchange there
    schedule: Schedule
    unfused: bool  # what nodes exchange goes through external memory

    def by_token(self) -> list[Command]:
        """Alg. 3; each query head attends in turn, and all their records are merged at once."""
        return [self.hidden(), self.constants(), *self.last_rows(), *self.projected(), *self.attended()]

    def hidden(self) -> Command:
        """The hidden vector becomes the activations."""
        head, spec = self.head, self.head.spec
        flits = len(head.hidden) * (1 if spec.activation_bits == 8 else 2) // spec.flit_bytes
        scale = int(np.float32(head.hidden_scale).view(np.uint32))
        return Command(
            op=Op.LOAD, kind=Move.ACTIVATIONS, flits=flits, external=self.address["hidden"], scale=scale,
            flags=INDEPENDENT,
        )  # fmt: skip

    def constants(self) -> Command:
        """The factors of the TURNs."""
        return Command(
            op=Op.LOAD, kind=Move.CONSTANTS, flits=8 * self.at.vector, external=self.address["constants"],
            flags=INDEPENDENT,
        )  # fmt: skip

    def last_rows(self) -> list[Command]:
        """The cache's last row, in which the new token has other nodes' tokens beside it."""
        at = self.at
        return [
            Command(op=Op.LOAD, flits=at.entry, target=row, external=self._last(name)) for row, name in self._rows()
        ]

    def projected(self) -> list[Command]:
        """Queries, key and value as the projections give them, in every node: vector v's pieces from v·`piece` on."""
        slot = self.at.vectors * self.at.piece
        return [self._project(slot), *self._gather(slot)]

    def attended(self) -> list[Command]:
        """From the projected vectors and the last row on: the new entry, attention, merge, output."""
        at, head = self.at, self.head
        slot = at.vectors * at.piece
        heads = range(head.group)
        return [
            *(
                self._turn(
                    Turned.CACHE, which, source=at.first + (head.group + k) * at.piece, target=row, rank_stride=slot,
                    record=at.piece,
                )
                for k, (which, (row, _)) in enumerate(zip((KEY, VALUE), self._rows(), strict=True))
            ),
            *(
                Command(op=Op.STORE, flits=at.entry, source=row, external=self._last(name))
                for row, name in self._rows()
            ),
            *(
                command
                for k in heads
                for command in (
                    self._turn(
                        Turned.ACTIVATE, QUERY, source=at.first + k * at.piece, rank_stride=slot, record=at.piece
                    ),
                    self._score(),
                    self._weigh(Weighed.LAST, k),
                )
            ),
            *self._merge(),
            *(
                command
                for k in heads
                for command in (
                    self._turn(Turned.NORMALISE, OUTPUT, source=at.record + k * at.record_flits + 1, record=at.vector),
                    self._output(row_flits(head.size, head.spec), k),
                )
            ),
        ]  # fmt: skip

    def by_head(self) -> list[Command]:
        """The appendix."""
        at, head = self.at, self.head
        rows = self._rows()
        return [
            self.hidden(),
            self.constants(),
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

    def _rows(self) -> list[tuple[int, str]]:
        """Where the new entry's key and value are put together, and where they go."""
        return [(self.at.entries, "keys"), (self.at.entries + self.at.entry, "values")]

    def _last(self, name: str) -> int:
        """Address of the cache's last row."""
        return self.address[name] + (self.head.rows - 1) * self.at.entry * self.head.spec.external_bytes

    def _project(self, stride: int) -> Command:
        record = row_flits(len(self.head.hidden), self.head.spec)
        return Command(
            op=Op.GEMV, flits=self.at.vectors * self.at.piece, record=record, target=self.at.first,
            rank_stride=stride, external=self.address["projections"], flags=INDEPENDENT,
        )  # fmt: skip

    def _output(self, record: int, head: int = 0) -> Command:
        spec, flits = self.head.spec, self.at.result_flits
        stream = flits * block_flits(record * spec.products, spec) * spec.external_bytes
        return Command(
            op=Op.GEMV, flits=flits, record=record, target=self.at.result + head * flits,
            external=self.address["outputs"] + head * stream, flags=INDEPENDENT,
        )  # fmt: skip

    def _turn(
        self, kind: Turned, which: int, *, source: int, record: int, target: int = 0, rank_stride: int = 0
    ) -> Command:
        return Command(
            op=Op.TURN, kind=kind, flits=self.at.vector, scale=which * self.at.vector, root=self.head.owner,
            source=source, record=record, target=target, rank_stride=rank_stride,
        )  # fmt: skip

    def _cached(self) -> int:
        """The cache may be read ahead only if no request sent by then can reach the row that is stored just before."""
        return INDEPENDENT if (self.head.rows - 1) * self.at.entry >= STREAM_AHEAD else 0

    def _score(self) -> Command:
        return Command(
            op=Op.SCORE, flits=self.head.rows, record=self.at.entry, target=self.at.scores, root=self.head.owner,
            scale=SINGLE.one, external=self.address["keys"], flags=self._cached(),
        )  # fmt: skip

    def _weigh(self, kind: Weighed, head: int = 0) -> Command:
        return Command(
            op=Op.WEIGH, kind=kind, flits=self.head.rows, record=self.at.entry, source=self.at.scores,
            target=self.at.record + head * self.at.record_flits, root=self.head.owner,
            external=self.address["values"], flags=self._cached(),
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
            return self._through_memory(self.at.first, slot, self.at.first, slot, stride=slot)
        return [Command(op=Op.GATHER, schedule=self.schedule, flits=slot, target=self.at.first, flags=WAIT_IDLE)]

    def _merge(self) -> list[Command]:
        """Of the records; unfused, the merged ones are handed to the next kernel as well."""
        at, there = self.at, self.address["exchange"]
        flits = self.head.group * at.record_flits
        merge = Command(
            op=Op.REDUCE, schedule=self.schedule, format=ElementType.SINGLE, kind=Kind.MERGE, record=at.record_flits,
            flits=flits, source=at.record, target=at.record, flags=WAIT_IDLE,
        )  # fmt: skip
        if not self.unfused:
            return [merge]
        return [
            *self._through_memory(at.record, flits, at.scratch, 0),
            merge,
            Command(op=Op.STORE, source=at.record, flits=flits, external=there),
            Command(op=Op.LOAD, target=at.record, flits=flits, external=there),
        ]

    def _sum(self, place: int, flits: int) -> list[Command]:
        """Over all nodes."""
        add = Command(
            op=Op.REDUCE, schedule=self.schedule, format=ElementType.SINGLE, kind=Kind.SUM, flits=flits, source=place,
            target=place, flags=WAIT_IDLE,
        )  # fmt: skip
        return [*self._through_memory(place, flits, self.at.scratch, 0), add] if self.unfused else [add]
