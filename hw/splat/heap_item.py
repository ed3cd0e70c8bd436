"""What a heap holds, how it is compared, and what its levels tell each other."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux, Value
from amaranth.lib import data

from golden.splat.spec import Spec

GROUP_BITS = 2  # of a group's number; 2**GROUP_BITS groups may be inside


class ItemLayout(data.StructLayout):
    """An entry: its order (the group, then depth, then rank) and where its splat lies."""

    def __init__(self, spec: Spec) -> None:
        slots = spec.sort_banks << spec.sort_levels
        super().__init__(
            {
                "rank": spec.rank_bits,  #: place in the file; the earlier of equal depths comes first
                "depth": spec.depth_bits,  #: sort key
                "group": GROUP_BITS,  #: number of its group, modulo the groups that may be inside
                "slot": range(slots),  #: where the splat lies
            }
        )


def order_key(item: data.View, group: Value) -> Value:
    """What entries are compared by: the group being drained (`group`) comes before the next ones."""
    return Cat(item.rank, item.depth, (item.group - group)[:GROUP_BITS])


class HeapOperation(data.StructLayout):
    """`insert` an item below a parent, or fill its place: from below (pop), or from item and below (`replace`).

    Where the item of an insert stayed in the parent's place, the entry that it displaced comes in instead. That takes
    a comparison to know, so both travel, and who gets them chooses (`incoming`).
    """

    def __init__(self, spec: Spec, level: int) -> None:
        super().__init__(
            {
                "insert": 1,  #: else the parent's place is empty, …
                "replace": 1,  #: … and the item goes there or below
                "pair": max(level - 1, 0),  #: number of the two places below the parent
                "item": ItemLayout(spec),  #: that comes in, of `insert` and `replace`, …
                "displaced": ItemLayout(spec),  #: … or this entry, …
                "stays": 1,  #: … for the item of an insert has taken its place
            }
        )


def incoming(operation: data.View) -> Value:
    """The item that an insert or a replacement brings in."""
    return Mux(operation.stays, Value.cast(operation.displaced), Value.cast(operation.item))


class HeapAnswer(data.StructLayout):
    """What fills a parent's place: the nearer of two siblings, if there is one and a replacement's item is farther.

    Which sibling is known before what a comparison says of each, so it is chosen (`comes`) by who gets them.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "item": ItemLayout(spec),  #: the sibling
                "side": 1,  #: which of them it is
                "there": 2,  #: of each side: it comes, if it is the nearer
            }
        )


def comes(answer: data.View) -> Value:
    """There is an answer."""
    return Mux(answer.side, answer.there[1], answer.there[0])
