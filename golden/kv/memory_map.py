"""Where everything lies in the engine's memory image, bit by bit.

The contract between host and RTL: `memory_image.py` writes by these tables, `hw/kv/layouts.py`
reads by them. A table is a list of fields from bit 0 upwards, little endian.
"""

from __future__ import annotations

from golden.kv.spec import KEY_BITS, Spec
from golden.rows import Field

LINE_BYTES = 64  # every region starts on a line
HEADER_BYTES = 256
LOG_BYTES = 8  # a token's entry in the log
SHIFT_BITS = 8  # of a row's bucket shift in a query block
MODE_PAGES = 1  # clusters are pages of `block_tokens` neighbours, not hash clusters
MODE_COUNT = 2  # a selection ends at a share of the tokens, not of the weighted sum
MODE_SCAN = 8  # bit planes are scanned; the header gives token_count and, at query_address, a scan row a head
MODE_SINK = 4  # vision-sink bucketing alone, of tokens whose scores lie at token_address; the bitmap says which stay
SINK_SCORE_BITS = 16  # of a token's score in that mode, not negative

#: Job header: 64 words of 32 bits at the address given with `start`.
HEADER = [
    Field("token_count", 32),
    Field("query_blocks", 32),
    Field("mode", 32),
    Field("hamming_threshold", 32),
    Field("wicsum_code", 32),
    Field("token_address", 32),
    Field("query_address", 32),
    Field("near_address", 32),
    Field("far_address", 32),
    Field("log_address", 32),
    Field("select_address", 32),
    Field("gather_address", 32),
    Field("sink_budget", 32),
    Field("sink_buckets", 32),
    Field("sink_capacity", 32),
    Field("sink_unconditional", 32),
    *(Field(f"offset_{k}", 32, True) for k in range(48)),
]

#: What the engine writes for every token, in order of arrival.
LOG = [
    Field("hash", 48),
    Field("cluster", 12),
    Field("new", 1),
    Field("spilled", 1),
    Field("refused", 1),
    Field("spare", 1),
]


def record(spec: Spec) -> list[Field]:
    """One memory word of a token: a chunk of one head's key, and the same chunk of its value.

    A token is `token_words` such words, head by head, chunk by chunk.
    """
    return [Field(f"{part}_{k}", KEY_BITS, True) for part in ("key", "value") for k in range(spec.lanes)]


def query_info(spec: Spec) -> list[Field]:
    """First word of a query block: which rows hold a query, and each row's bucket shift."""
    fields = [Field("valid", 32), *(Field(f"shift_{r}", SHIFT_BITS) for r in range(spec.rows))]
    return [*fields, Field("spare", 8 * spec.word_bytes - sum(f.width for f in fields))]


def query_words(spec: Spec) -> int:
    """Words of a query block after its first: chunk by chunk, two rows a word."""
    return spec.chunks * spec.rows // 2


def select_words(spec: Spec) -> int:
    """Words of a head's bitmap of selected clusters."""
    return -(-spec.clusters // (8 * spec.word_bytes))


#: A selected token in a scan's list. The first entry of a list gives in `token` how many follow, and in `score` whether
#: their records are values alone.
SCAN_ENTRY = [Field("token", 32), Field("score", 32)]
ENTRY_BYTES = 8


def scan_row(spec: Spec) -> list[Field]:
    """What a scan of one head needs: where its parts lie, what to select, and the group's queries.

    `planes_address`: of each word of tokens the `FIRST_PLANES` most significant planes, a memory word each;
    `rest_address`: of each word of tokens the other planes; `record_address`: of each token its key and its value,
    each a whole number of memory words. In a plane's word bit i · head_size + c is channel c of token i.
    """
    scalars = [
        *(Field(f"{name}_address", 32) for name in ("planes", "rest", "record", "list", "gather")),
        Field("words", 16),  # words of tokens
        Field("budget", 16),  # no more than there are tokens
        Field("always", 16),  # tokens kept always: those below `sink_tokens`, and those from `window_start` on
        Field("sink_tokens", 16),
        Field("window_start", 16),
        Field("planes", 8),
        Field("shift", 8),  # bucket = score >> shift
        Field("mass_code", 16),
        Field("decay", 16),
        Field("magnitude", 16),  # Σ|q| of the row where it is largest
        Field("valid", 8),  # a bit a row that holds a query
        *(Field(f"sum_{r}", 16, True) for r in range(spec.group)),
    ]
    codes = [Field(f"query_{r}_{c}", KEY_BITS, True) for r in range(spec.group) for c in range(spec.head_size)]
    return [*scalars, *codes]


def scan_row_bytes(spec: Spec) -> int:
    """Bytes of a scan row, a whole number of memory words."""
    return -(-sum(f.width for f in scan_row(spec)) // (8 * spec.word_bytes)) * spec.word_bytes


def scan_record_words(spec: Spec) -> int:
    """Memory words of a token's key in a scan's records; of its value as many."""
    return -(-spec.head_size // spec.word_bytes)


def place_offset(spec: Spec, block: int, head: int, position: int) -> int:
    """Where a head of a token begins in a level of the store, in bytes.

    A block is the tokens of head 0, then those of head 1, …: a head's tokens are one run. In the
    near level `block` is the slot, the block's number modulo `near_blocks`.
    """
    return ((block * spec.heads + head) * spec.block_tokens + position) * spec.chunks * spec.word_bytes
