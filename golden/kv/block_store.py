"""The two-level store: tokens of a cluster side by side in blocks, chained in order of arrival (KVMU).

Blocks are numbered in order of allocation. Block b lies in slot b mod near_blocks of the near
level until it is closed; then it is copied to place b of the far level. A cluster whose last block
is full or closed gets a new block: clusters are never re-formed with tokens that have moved on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from golden.kv.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one token went."""

    block: int
    position: int  # in the block
    closes: int | None = None  # the block that moves to the far level, as the token opened one


@dataclass(kw_only=True)
class BlockStore:
    """Where every token went."""

    chains: list[list[int]] = field(default_factory=list)  # blocks of every cluster
    fill: list[int] = field(default_factory=list)  # tokens of every block
    places: list[Place | None] = field(default_factory=list)  # of every token, None: refused
    refused: list[int] = field(default_factory=list)  # tokens for which no block was left

    def closed(self, spec: Spec) -> int:
        """Blocks below this number are in the far level."""
        return max(0, len(self.fill) - spec.near_keep)

    def bursts(self, selected: list[int]) -> int:
        """Bursts that gather these clusters for one head."""
        return sum(len(self.chains[c]) for c in selected)


def block_store(cluster: Tensor, count: int, spec: Spec) -> BlockStore:
    """Appends tokens in order. When no block is left, a token is refused: it counts in the table but is not stored."""
    store = BlockStore(chains=[[] for _ in range(count)])
    for t, c in enumerate(cluster.tolist()):
        chain = store.chains[c]
        closes = None
        is_open = bool(chain) and chain[-1] >= store.closed(spec) and store.fill[chain[-1]] < spec.block_tokens
        if not is_open:
            if len(store.fill) == spec.blocks:
                store.refused.append(t)
                store.places.append(None)
                continue
            oldest = store.closed(spec)
            chain.append(len(store.fill))
            store.fill.append(0)
            closes = oldest if store.closed(spec) > oldest else None
        block = chain[-1]
        store.places.append(Place(block=block, position=store.fill[block], closes=closes))
        store.fill[block] += 1
    return store
