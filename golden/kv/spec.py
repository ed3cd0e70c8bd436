"""Everything that changes what the KV-retrieval engine selects."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from golden.errors import InputError, Limits, check_limits
from golden.tables import LinearTable

KEY_BITS = 8  # of a key, value, query and cluster mean, two's complement, at most 127 in magnitude
KEY_MAX = 127
THRESHOLD_FRACTION = 10  # fraction bits of Th_r-wics
MEAN_GUARD = 8  # fraction bits of a key sum when it meets the reciprocal of its count
RECIPROCAL_FRACTION = 16
FIRST_PLANES = 4  # of a key, the most significant, that lie apart in a scan's memory and are read of every token
SCAN_BUCKETS = 256  # of joined scores
DECAY_FRACTION = 16  # fraction bits of a bucket's softmax weight
LEAST_LANES = 4
LONGEST_BURST = 64  # memory words of a block of a head
EVICT_AHEAD = 8  # near slots kept free for blocks that are being copied to the far level
#: 1/x for x in [1, 2): turns a cluster's key sum into its mean.
RECIPROCAL = LinearTable(
    function=lambda x: 1 / x, low=1, span=1, in_bits=15, index_bits=8, out_fraction=RECIPROCAL_FRACTION
)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Formats, thresholds and sizes of the KV-retrieval engine. Every field changes results or capacity.

    The defaults come from the sweeps in docs/kv.md.
    """

    heads: int = 4  #: key-value heads that are clustered together
    head_size: int = 32  #: dimensions of a head, a multiple of `lanes`
    lanes: int = 32  #: dimensions of a chunk: one memory word holds a chunk of key and of value
    hash_bits: int = 48  #: hyperplanes, each of which gives a bit of a hash
    plane_seed: int = 7  #: seed of the hyperplanes' signs
    hamming_threshold: int = 9  #: Th_hd: clusters nearer than this take a token
    wicsum_code: int = 307  #: Th_r-wics, the share of the weighted sum that is kept, in 1/1024
    tokens: int = 32768  #: tokens that the engine holds
    clusters: int = 2048  #: clusters that the hash-cluster table holds
    rows: int = 16  #: query rows scored together
    buckets: int = 256  #: score ranges of a row
    block_tokens: int = 16  #: tokens of a cluster that lie side by side in memory
    blocks: int = 8192  #: blocks of both levels of the store
    near_blocks: int = 512  #: blocks of the near level
    sink_capacity: int = 4  #: largest capacity of a vision-sink bucket
    group: int = 4  #: query heads that may share a key-value head in a scan
    scan_tokens: int = 8192  #: tokens of a scan

    LIMITS: ClassVar[Limits] = {
        "heads": (1, 8), "head_size": (8, 128), "lanes": (LEAST_LANES, 32), "hash_bits": (8, 48),
        "plane_seed": (0, 2**31),
        "hamming_threshold": (1, 48), "wicsum_code": (1, 1023), "tokens": (64, 32768), "clusters": (16, 4096),
        "rows": (2, 16), "buckets": (8, 256), "block_tokens": (2, 64), "blocks": (16, 32768),
        "near_blocks": (16, 32768), "sink_capacity": (1, 8),
        "group": (1, 8), "scan_tokens": (64, 32768),
    }  # fmt: skip
    POWERS: ClassVar = (
        "lanes", "tokens", "clusters", "rows", "buckets", "block_tokens", "blocks", "near_blocks",
        "scan_tokens",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_limits("kv", self)
        check_hamming_threshold(self.hamming_threshold, self.hash_bits)
        if self.head_size % self.lanes:
            raise InputError(f"kv: head_size must be a multiple of lanes = {self.lanes}, it is {self.head_size}")
        if self.token_words < 4:
            raise InputError(
                f"kv: heads · head_size / lanes must be at least 4, {self.heads} · {self.head_size} / {self.lanes} "
                f"is {self.token_words}"
            )
        if self.lanes < 8:
            self.check_rows()
        if self.block_tokens * self.chunks > LONGEST_BURST:
            raise InputError(
                f"kv: a block's burst must not exceed {LONGEST_BURST} words, block_tokens · head_size / lanes is "
                f"{self.block_tokens * self.chunks}"
            )
        if self.near_blocks > self.blocks:
            raise InputError(f"kv: near_blocks must not exceed blocks = {self.blocks}, it is {self.near_blocks}")

    def check_rows(self) -> None:
        """Raises InputError: the shifts of all query rows do not fit in a memory word, which the engine asks for.

        The model does without, and reads heads of sizes that need narrower words than their rows would.
        """
        if 32 + 8 * self.rows > 8 * self.word_bytes:
            raise InputError(
                f"kv: rows must not exceed 2 · lanes - 4 = {2 * self.lanes - 4}, whose shifts fit in a memory word, "
                f"it is {self.rows}"
            )

    @property
    def chunks(self) -> int:
        """Memory words of a head of a token."""
        return self.head_size // self.lanes

    @property
    def token_words(self) -> int:
        """Memory words of a token, keys and values of all heads."""
        return self.heads * self.chunks

    @property
    def word_bytes(self) -> int:
        return 2 * self.lanes

    @property
    def plane_tokens(self) -> int:
        """Tokens of which a memory word holds a bit plane of a head's key."""
        return 8 * self.word_bytes // self.head_size

    @property
    def plane_words(self) -> int:
        """Memory words of a bit plane of a head, of as many tokens as a scan takes."""
        return -(-self.scan_tokens // self.plane_tokens)

    @property
    def key_size(self) -> int:
        """D: the dimensions that are hashed together."""
        return self.heads * self.head_size

    @property
    def sum_bits(self) -> int:
        """A signed sum of keys over as many tokens as there are."""
        return KEY_BITS + (self.tokens - 1).bit_length()

    @property
    def count_bits(self) -> int:
        return self.tokens.bit_length()

    @property
    def score_bits(self) -> int:
        """A signed Q · mean."""
        return 2 * KEY_BITS - 1 + (self.head_size - 1).bit_length()

    @property
    def weight_bits(self) -> int:
        """A signed sum of score · count over clusters."""
        return self.score_bits + self.count_bits

    @property
    def near_keep(self) -> int:
        """Blocks that stay open to their cluster; the oldest beyond it is closed and moves to the far level."""
        return self.near_blocks - EVICT_AHEAD

    @cached_property
    def planes(self) -> tuple[int, ...]:
        """The hyperplanes: for each of the D dimensions a word whose bit b is set where plane b's component is +1."""
        source = random.Random(self.plane_seed)
        return tuple(source.getrandbits(self.hash_bits) for _ in range(self.key_size))


def check_hamming_threshold(value: int, hash_bits: int) -> None:
    """Refuses a Th_hd that no distance, or every distance, is below.

    Raises:
        InputError: it is not in 1..hash_bits.
    """
    if not 1 <= value <= hash_bits:
        raise InputError(f"kv: Th_hd must lie in 1..hash_bits = {hash_bits}, it is {value}")


DEFAULT = Spec()
TINY = Spec(
    heads=2, head_size=16, lanes=8, hash_bits=32, hamming_threshold=7, tokens=256, clusters=32, rows=4, buckets=32,
    block_tokens=4, blocks=128, near_blocks=32,
    scan_tokens=256,
)  # fmt: skip
#: Half of its dimensions a memory word, a quarter of its hash, and one query head to a key-value head in a scan.
NANO = replace(
    TINY, lanes=4, hash_bits=8, hamming_threshold=2, clusters=16, rows=2, buckets=16, blocks=64, near_blocks=16,
    group=1, scan_tokens=128,
)  # fmt: skip
#: Llama-3-8B's eight KV heads of 128, hashed together; V-Rex's 32 planes, Th_hd of 7 and memory of 1,024 hashes (4 KB).
PAPER = Spec(heads=8, head_size=128, hash_bits=32, hamming_threshold=7, clusters=1024)
