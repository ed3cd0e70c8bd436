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


def place_offset(spec: Spec, block: int, head: int, position: int) -> int:
    """Where a head of a token begins in a level of the store, in bytes.

    A block is the tokens of head 0, then those of head 1, …: a head's tokens are one run. In the
    near level `block` is the slot, the block's number modulo `near_blocks`.
    """
    return ((block * spec.heads + head) * spec.block_tokens + position) * spec.chunks * spec.word_bytes
