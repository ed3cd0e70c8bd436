"""Every payload of the KV-retrieval engine's streams."""

from __future__ import annotations

from amaranth.hdl import signed
from amaranth.lib import data

from golden.kv.memory_map import HEADER, LOG, query_info, record
from golden.kv.spec import KEY_BITS, Spec
from hw.lib.row_layout import layout_of


def header_layout() -> data.StructLayout:
    """The job's header."""
    return layout_of(HEADER)


def log_layout() -> data.StructLayout:
    """A token's entry in the log."""
    return layout_of(LOG)


def query_info_layout(spec: Spec) -> data.StructLayout:
    """The first word of a query block."""
    return layout_of(query_info(spec))


def record_layout(spec: Spec) -> data.StructLayout:
    """A memory word of a token: the record's fields as two vectors."""
    vector = data.ArrayLayout(signed(KEY_BITS), spec.lanes)
    layout = data.StructLayout({"key": vector, "value": vector})
    assert layout.size == sum(f.width for f in record(spec))
    return layout


def sums_layout(spec: Spec) -> data.StructLayout:
    """A row of the key table: a chunk of a cluster's key sums.

    Vectors are members of a structure throughout: a signal that is itself an array has elements and
    bits of the same name, `sums[3]`, on which Yosys' technology mapping stops.
    """
    return data.StructLayout({"lane": data.ArrayLayout(signed(spec.sum_bits), spec.lanes)})


class DecisionLayout(data.StructLayout):
    """What the HCU decided for a token."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({"hash": spec.hash_bits, "cluster": range(spec.clusters), "new": 1, "spilled": 1})


class PlaceLayout(data.StructLayout):
    """Where a token goes: slot `slot` of the near level, place `position` in the block.

    `new`: its cluster's key sum begins with it. `stored`: it has a place. `evict`: block `closed`
    may be copied once all earlier tokens are written.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "cluster": range(spec.clusters),
                "new": 1,
                "stored": 1,
                "slot": range(spec.near_blocks),
                "position": range(spec.block_tokens),
                "evict": 1,
                "closed": range(spec.blocks),
            }
        )


class AddLayout(data.StructLayout):
    """A chunk of keys for row `row` of the key table; `first`: the row's sum begins with it."""

    def __init__(self, spec: Spec) -> None:
        chunk = data.ArrayLayout(signed(KEY_BITS), spec.lanes)
        rows = range(spec.clusters * spec.token_words)
        super().__init__({"valid": 1, "first": 1, "row": rows, "chunk": chunk})


class ScoreLayout(data.StructLayout):
    """A cluster's count, and its score in every row."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({"count": spec.count_bits, "scores": data.ArrayLayout(signed(spec.score_bits), spec.rows)})
