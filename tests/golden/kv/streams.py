"""Random streams for the tests of the KV-retrieval engine."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.kv.quantise import Quantised, quantise
from golden.kv.spec import Spec


def clustered(spec: Spec, tokens: int, queries: int, *, seed: int, anchors: int = 20) -> Quantised:
    """Keys around a few anchors, unrelated values and queries, as codes."""
    return quantise(*clustered_floats(spec, tokens, queries, seed=seed, anchors=anchors), spec)


def clustered_floats(
    spec: Spec, tokens: int, queries: int, *, seed: int, anchors: int = 20, noise: float = 0.15
) -> tuple[Tensor, Tensor, Tensor]:
    """The same in float: keys, values and queries, [heads, length, head size]."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    base = normal(spec.heads, anchors, spec.head_size)
    keys = base[:, torch.randint(anchors, (tokens,), generator=g)] + noise * normal(spec.heads, tokens, spec.head_size)
    return keys, normal(*keys.shape), normal(spec.heads, queries, spec.head_size)


def hashes_near(spec: Spec, count: int, *, seed: int, anchors: int = 12, flips: int = 7) -> Tensor:
    """Hashes around a few anchors, each with up to `flips` flipped bits, the boundary of Th_hd among them."""
    g = torch.Generator().manual_seed(seed)
    base = torch.randint(1 << spec.hash_bits, (anchors,), generator=g)
    result = base[torch.randint(anchors, (count,), generator=g)]
    for t in range(count):
        order = torch.randperm(spec.hash_bits, generator=g)[: int(torch.randint(flips + 1, (1,), generator=g))]
        result[t] ^= int((1 << order).sum())
    return result
