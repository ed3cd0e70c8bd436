"""Every payload of the KV-retrieval engine's streams."""

from __future__ import annotations

from amaranth.hdl import Shape, signed
from amaranth.lib import data

from golden.kv.memory_map import HEADER, LOG, SCAN_ENTRY, query_info, record, scan_row
from golden.kv.spec import KEY_BITS, Spec
from hw.lib.row_layout import layout_of

SCORE_BITS = 24  # of a joined score, not negative: 8 bits of bucket, 16 within it
DIGIT_BITS = 8  # a score has three digits, of which the highest is its bucket


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
        super().__init__(
            {
                "hash": spec.hash_bits,  #: the token's
                "cluster": range(spec.clusters),  #: which it joined or founded
                "new": 1,  #: it founded it
                "spilled": 1,  #: the table was full: it joined the nearest, though beyond Th_hd
            }
        )


class PlaceLayout(data.StructLayout):
    """Where a token goes in the near level."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "cluster": range(spec.clusters),  #: the token's
                "new": 1,  #: the cluster's key sum begins with this token
                "stored": 1,  #: the token has a place; else it only counts in its cluster
                "slot": range(spec.near_blocks),  #: of its block
                "position": range(spec.block_tokens),  #: in the block
                "evict": 1,  #: block `closed` may be copied once all earlier tokens are written
                "closed": range(spec.blocks),  #: the block that this token closed
            }
        )


class ChainLayout(data.StructLayout):
    """A cluster's chain of blocks."""

    def __init__(self, spec: Spec) -> None:
        blocks = range(spec.blocks)
        super().__init__(
            {
                "some": 1,  #: it has blocks
                "first": blocks,  #: the oldest
                "last": blocks,  #: the newest, to which tokens are added
                "fill": range(spec.block_tokens + 1),  #: tokens in the newest
            }
        )


class AddLayout(data.StructLayout):
    """A chunk of keys for the key table."""

    def __init__(self, spec: Spec) -> None:
        chunk = data.ArrayLayout(signed(KEY_BITS), spec.lanes)
        rows = range(spec.clusters * spec.token_words)
        super().__init__(
            {
                "valid": 1,  #: add it in this cycle
                "first": 1,  #: the row's sum begins with it
                "row": rows,  #: cluster · token_words + the chunk's place in its token
                "chunk": chunk,  #: the keys
            }
        )


class ScoreLayout(data.StructLayout):
    """A cluster's scores."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "count": spec.count_bits,  #: the cluster's tokens
                "scores": data.ArrayLayout(signed(spec.score_bits), spec.rows),  #: Q · mean, row by row
            }
        )


def scan_row_layout(spec: Spec) -> data.StructLayout:
    """What a scan of one head needs; the queries' codes are one member, `queries`, row by row."""
    fields = scan_row(spec)
    scalars = {f.name: Shape(f.width, signed=f.signed) for f in fields if not f.name.startswith("query_")}
    return data.StructLayout({**scalars, "queries": KEY_BITS * spec.group * spec.head_size})


def scan_entry_layout() -> data.StructLayout:
    """A selected token in a scan's list."""
    return layout_of(SCAN_ENTRY)


class WordRequestLayout(data.StructLayout):
    """A word of tokens of which bit planes are wanted."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "word": range(spec.plane_words),  #: its number
                "first": range(KEY_BITS),  #: plane, 0 the most significant
                "end": 1,  #: for the references alone
            }
        )


class PlaneLayout(data.StructLayout):
    """A memory word: one bit plane of a word of tokens."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "bits": 8 * spec.word_bytes,  #: of token i, channel c: bit i · head_size + c
                "word": range(spec.plane_words),  #: number of the word of tokens
                "first": 1,  #: the first plane of this run
                "last": 1,  #: the last plane of this run
                "end": 1,  #: the run is for the references alone
                "planes": range(KEY_BITS + 1),  #: that are known of the word behind the run
            }
        )


class ScoredLayout(data.StructLayout):
    """A word's joined scores."""

    def __init__(self, spec: Spec) -> None:
        tokens = spec.plane_tokens
        super().__init__(
            {
                "valid": 1,  #: a word is shown
                "word": range(spec.plane_words),  #: its number
                "planes": range(KEY_BITS + 1),  #: that its scores are of
                "there": tokens,  #: a bit a token: it exists
                "always": tokens,  #: a bit a token: it is kept always
                "scores": data.ArrayLayout(SCORE_BITS, tokens),  #: theirs
            }
        )


class SweptLayout(data.StructLayout):
    """A word of tokens of which some are looked for."""

    def __init__(self, spec: Spec) -> None:
        tokens = spec.plane_tokens
        super().__init__(
            {
                "word": range(spec.plane_words),  #: its number
                "best": tokens,  #: a bit a token: it may be chosen, and its score is within the limits
                "always": tokens,  #: a bit a token: it is kept always
                "scores": data.ArrayLayout(SCORE_BITS, tokens),  #: their scores
            }
        )
