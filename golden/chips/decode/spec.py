"""What changes the results of the composition: the two engines' specs, which must fit each other."""

from __future__ import annotations

from dataclasses import dataclass

from golden.cluster import spec as cluster
from golden.errors import InputError
from golden.kv import spec as kv

WIDEST = 64  # bytes of a memory word, as the retrieval engine has it
MOST_PLANES = kv.KEY_BITS - 1  # an exact scan fetches values alone, and the decode units need keys


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A cluster of decode units and a retrieval engine on one memory, whose word is a flit for every node."""

    cluster: cluster.Spec
    kv: kv.Spec

    def __post_init__(self) -> None:
        if not self.cluster.compute:
            raise InputError("decode: the nodes need decode units: set compute=1, it is 0")
        word = self.word_bytes
        if self.kv.word_bytes != word:
            raise InputError(
                f"decode: both engines need one memory word: a flit for every node are {word} B, the scan's word has "
                f"{self.kv.word_bytes}"
            )
        if self.kv.head_size % word:
            raise InputError(
                f"decode: the head's size must be a multiple of the memory's word of {word} B, it is "
                f"{self.kv.head_size}"
            )

    @property
    def word_bytes(self) -> int:
        """Of external memory."""
        return self.cluster.external_bytes

    @property
    def nodes(self) -> int:
        return self.cluster.nodes

    @property
    def entry_words(self) -> int:
        """Memory words of a row of the decode units' keys, or of its values: a token for every node."""
        return self.kv.head_size // self.cluster.flit_bytes

    @property
    def key_words(self) -> int:
        """Memory words of a token's key, and of its value, as the scan fetches them."""
        return self.kv.head_size // self.word_bytes


#: Of what clusters tokens the composition uses nothing: tables as small as they can be.
UNUSED = {
    "hash_bits": 8, "hamming_threshold": 2, "tokens": 64, "clusters": 16, "rows": 2, "buckets": 8, "block_tokens": 2,
    "blocks": 16, "near_blocks": 16,
}  # fmt: skip


def for_layer(nodes: cluster.Spec, *, heads: int, head_size: int, group: int, tokens: int) -> Spec:
    """The spec for a layer's key-value heads, query heads of each, and tokens.

    Raises:
        InputError: an engine cannot be built for them, or they do not fit each other.
    """
    lanes = nodes.external_bytes // 2
    if 2 * lanes > WIDEST:
        raise InputError(
            f"decode: a memory word must have at most {WIDEST} B, the one of {nodes.nodes} nodes with links of "
            f"{nodes.link_width} bits has {2 * lanes}"
        )
    if head_size % (2 * lanes):
        raise InputError(
            f"decode: the head's size must be a multiple of the memory's word of {2 * lanes} B, it is {head_size}"
        )
    room = max(64, 1 << (tokens - 1).bit_length())
    scan = kv.Spec(heads=heads, head_size=head_size, lanes=lanes, group=group, scan_tokens=room, **UNUSED)
    return Spec(cluster=nodes, kv=scan)
