"""Reduce, gather and a fused decode step by Triton. Needs torch and Triton.

Without distributed shared memory the blocks of a step can only meet in global memory, so that the decode step is three
kernels: projections by rows, attention by tokens, and the merge of its parts with the output's projection.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor

from sim.kernel.problem import Settings, Tensors

BLOCK = 1024  # elements of a program of a collective
ROWS, TOKENS, COLUMNS = 64, 64, 64  # of a program: of the projections, of the cache, of the output


@triton.jit
def _reduce(messages, out, elements, NODES: tl.constexpr, BLOCK: tl.constexpr):
    """Every node's copy of the sum, added in float32."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = at < elements
    total = tl.zeros([BLOCK], tl.float32)
    for node in tl.static_range(NODES):
        total += tl.load(messages + node * elements + at, mask=there, other=0.0).to(tl.float32)
    for node in tl.static_range(NODES):
        tl.store(out + node * elements + at, total.to(out.dtype.element_ty), mask=there)


@triton.jit
def _gather(messages, out, elements, NODES: tl.constexpr, BLOCK: tl.constexpr):
    """Every node's copy of all messages, whose `elements` are counted together."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = at < elements
    words = tl.load(messages + at, mask=there)
    for node in tl.static_range(NODES):
        tl.store(out + node * elements + at, words, mask=there)


@triton.jit
def _project(hidden, query, key, value, parts, inputs, SIZE: tl.constexpr, ROWS: tl.constexpr):
    """What a block of rows gives to query, key and value, [blocks, 3, SIZE]."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, SIZE)
    own = tl.load(hidden + row, mask=row < inputs, other=0.0)[:, None]
    at, there = row[:, None] * SIZE + column[None, :], (row < inputs)[:, None]
    out = parts + tl.program_id(0) * 3 * SIZE + column
    tl.store(out, tl.sum(own * tl.load(query + at, mask=there, other=0.0), 0))
    tl.store(out + SIZE, tl.sum(own * tl.load(key + at, mask=there, other=0.0), 0))
    tl.store(out + 2 * SIZE, tl.sum(own * tl.load(value + at, mask=there, other=0.0), 0))


@triton.jit
def _pair(vector, cosine, sine, HALF: tl.constexpr):
    """Even and odd elements of a vector, turned."""
    pair = tl.arange(0, HALF)
    first, second = tl.load(vector + 2 * pair), tl.load(vector + 2 * pair + 1)
    c, s = tl.load(cosine + pair), tl.load(sine + pair)
    return first * c - second * s, first * s + second * c


@triton.jit
def _attend(made, cosine, sine, keys, values, out, tokens, scale, SIZE: tl.constexpr, TOKENS: tl.constexpr):
    """Attention to a block of tokens, the new one behind the last: largest score, sum, and weighted values."""
    even, odd = _pair(made, cosine, sine, SIZE // 2)
    new_even, new_odd = _pair(made + SIZE, cosine, sine, SIZE // 2)
    token = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    pair = token[:, None] * SIZE + 2 * tl.arange(0, SIZE // 2)[None, :]
    cached, new = (token < tokens)[:, None], (token == tokens)[:, None]
    k_even = tl.where(new, new_even[None, :], tl.load(keys + pair, mask=cached, other=0.0))
    k_odd = tl.where(new, new_odd[None, :], tl.load(keys + pair + 1, mask=cached, other=0.0))
    score = tl.sum(k_even * even[None, :] + k_odd * odd[None, :], 1) * scale
    score = tl.where(token <= tokens, score, float("-inf"))
    top = tl.max(score, 0)
    share = tl.exp(score - top)
    column = tl.arange(0, SIZE)
    old = tl.load(values + token[:, None] * SIZE + column[None, :], mask=cached, other=0.0)
    rows = tl.where(new, tl.load(made + 2 * SIZE + column)[None, :], old)
    part = out + tl.program_id(0) * (SIZE + 2)
    tl.store(part, top)
    tl.store(part + 1, tl.sum(share, 0))
    tl.store(part + 2 + column, tl.sum(share[:, None] * rows, 0))


@triton.jit
def _merge(parts, output, result, blocks, outputs, SIZE: tl.constexpr, ROOM: tl.constexpr, COLUMNS: tl.constexpr):
    """The blocks' attention as one, times some columns of the output's weights."""
    block, row = tl.arange(0, ROOM), tl.arange(0, SIZE)
    there, part = block < blocks, parts + block * (SIZE + 2)
    top = tl.load(part, mask=there, other=float("-inf"))
    factor = tl.exp(top - tl.max(top, 0))
    total = tl.sum(factor * tl.load(part + 1, mask=there, other=0.0), 0)
    heads = tl.load(part[:, None] + 2 + row[None, :], mask=there[:, None], other=0.0)
    attended = tl.sum(factor[:, None] * heads, 0) / total
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (column < outputs)[None, :]
    weights = tl.load(output + row[:, None] * outputs + column[None, :], mask=inside, other=0.0)
    tl.store(result + column, tl.sum(attended[:, None] * weights, 0), mask=column < outputs)


def reduce(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    """Every node gets the sum: [N, elements]."""
    messages = inputs["messages"]
    nodes, elements = messages.shape
    out = torch.empty_like(messages)

    def run() -> Tensor:
        _reduce[(triton.cdiv(elements, BLOCK),)](messages, out, elements, NODES=nodes, BLOCK=BLOCK)
        return out

    return run


def gather(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    """Every node gets all messages: [N, N · elements]."""
    messages = inputs["messages"]
    nodes, elements = messages.shape
    out = messages.new_empty(nodes, nodes * elements)

    def run() -> Tensor:
        _gather[(triton.cdiv(nodes * elements, BLOCK),)](messages, out, nodes * elements, NODES=nodes, BLOCK=BLOCK)
        return out

    return run


def decode(inputs: Tensors, _: Settings) -> Callable[[], Tensor]:
    """One query head: its contribution [D]. The angles' sines and cosines are given, as a model's table has them."""
    hidden, keys = inputs["hidden"], inputs["keys"]
    (tokens, size), width = keys.shape, len(hidden)
    cosine, sine = inputs["turn"].cos().float(), inputs["turn"].sin().float()
    weights = [inputs[name] for name in ("query", "key", "value")]
    blocks, slices = triton.cdiv(tokens + 1, TOKENS), triton.cdiv(width, ROWS)
    made, parts, result = (
        hidden.new_empty(slices, 3, size),
        hidden.new_empty(blocks, size + 2),
        torch.empty_like(hidden),
    )
    room = triton.next_power_of_2(blocks)

    def run() -> Tensor:
        _project[(slices,)](hidden, *weights, made, width, SIZE=size, ROWS=ROWS)
        _attend[(blocks,)](
            made.sum(0), cosine, sine, keys, inputs["values"], parts, tokens, size**-0.5, SIZE=size, TOKENS=TOKENS
        )
        _merge[(triton.cdiv(width, COLUMNS),)](
            parts, inputs["output"], result, blocks, width, SIZE=size, ROOM=room, COLUMNS=COLUMNS
        )
        return result

    return run
