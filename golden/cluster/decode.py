"""Split-token decode attention: shares of the cache, partial softmaxes, and their merge as a message.

ClusterFusion (arXiv 2508.18850), Alg. 3, steps 3 to 6, of one head: every node attends to its share of
the tokens; (m, l, o) are merged over the nodes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from golden.cluster.spec import Spec
from golden.errors import InputError


def attention(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """softmax(scale·K q)·V in float64; query [d], keys and values [T, d]."""
    weights = torch.softmax(scale * (keys.double() @ query.double()), 0)
    return weights @ values.double()


def partial_attention(query: Tensor, keys: Tensor, values: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """(m, l, o) of one share in float32: m = max s, l = Σ exp(s - m), o = Σ exp(s - m)·v; (-inf, 0, 0) if empty."""
    if len(keys) == 0:
        return torch.tensor(-torch.inf), torch.tensor(0.0), torch.zeros(values.shape[1])
    scores = scale * (keys.float() @ query.float())
    m = scores.max()
    weights = torch.exp(scores - m)
    return m, weights.sum(), weights @ values.float()


def record_flits(head: int, spec: Spec) -> int:
    """Flits of one record (m, l, o[0 … d - 1]), filled up with zeros."""
    lanes = spec.link_width // 32
    return -(-(head + 2) // lanes)


def records(queries: Tensor, keys: Tensor, values: Tensor, scale: float, spec: Spec) -> Tensor:
    """Every node's message: float32 [N, queries, words of a record], for queries [Q, d] on one cache [T, d].

    Tokens are split in N runs of equal length (the last ones shorter).

    Raises:
        InputError: shapes do not go together, or a number is not finite.
    """
    if queries.ndim != 2 or keys.ndim != 2 or keys.shape != values.shape or queries.shape[1] != keys.shape[1]:
        raise InputError(
            "decode: queries must be [Q, d], keys and values [T, d]; they are "
            f"{list(queries.shape)}, {list(keys.shape)}, {list(values.shape)}"
        )
    for name, tensor in (("queries", queries), ("keys", keys), ("values", values)):
        if not torch.isfinite(tensor).all():
            raise InputError(f"decode: {name} must be finite")
    head = queries.shape[1]
    words = record_flits(head, spec) * spec.link_width // 32
    share = -(-len(keys) // spec.nodes)
    result = torch.zeros((spec.nodes, len(queries), words))
    for node in range(spec.nodes):
        part = slice(node * share, (node + 1) * share)
        for q, query in enumerate(queries):
            m, total, output = partial_attention(query, keys[part], values[part], scale)
            result[node, q, 0], result[node, q, 1], result[node, q, 2 : 2 + head] = m, total, output
    return result


def finish(merged: Tensor, head: int) -> Tensor:
    """o / l of merged records [Q, words]: the attention's output [Q, d]."""
    return merged[:, 2 : 2 + head] / merged[:, 1:2]
