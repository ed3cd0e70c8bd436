"""Where a node's memory holds what one step of a fused decode step hands to the next."""

from __future__ import annotations

from dataclasses import dataclass

from golden.cluster.head import SharedHead
from golden.cluster.spec import Dataflow


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a node keeps what is handed on, in flits of its memory.

    Records, and results, of the query heads lie side by side.
    """

    first: int  # of the projected vectors
    piece: int  # flits of a query, key or value that one node projects
    vector: int  # flits of one that it attends with
    entry: int  # flits of its key or value in the cache
    vectors: int  # queries, key and value, of each of which a node projects a piece
    entries: int  # the new token's row: key, then value
    scores: int
    record: int
    result: int
    result_flits: int
    scratch: int  # of the unfused program: what all nodes have stored

    @property
    def record_flits(self) -> int:
        return 1 + self.vector


def places_of(head: SharedHead, *, first: int = 0, behind: int = 0) -> Places:
    """The places of a head, one after another, the projected vectors from `first` on.

    Args:
        behind: flits that hold something else; what comes after the vectors lies behind both.
    """
    spec = head.spec
    vector, entry = head.elements // spec.lanes, head.elements // spec.flit_bytes
    vectors = head.group + 2
    entries = max(first + vectors * vector, behind)
    scores = entries + 2 * entry
    record = scores + -(-head.rows // spec.lanes)
    result = record + head.group * (1 + vector)
    rows = len(head.hidden) // (spec.nodes if head.dataflow == Dataflow.TOKEN else 1)
    return Places(
        first=first,
        piece=head.size // spec.nodes // spec.lanes,
        vector=vector,
        entry=entry,
        vectors=vectors,
        entries=entries,
        scores=scores,
        record=record,
        result=result,
        result_flits=rows // spec.lanes,
        scratch=result + head.group * (rows // spec.lanes),
    )
