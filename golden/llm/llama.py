"""A decoder of Llama's kind in float32: RMSNorm, rotary embedding, grouped attention, SwiGLU, plain torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention, silu

from golden.errors import InputError
from golden.llm.gguf_file import GgufFile

#: Which elements of a head the rotary embedding of an architecture turns together: neighbours 2i and 2i + 1 (the
#: files' rows are reordered for it), or i and i + half.
NEIGHBOURS = {"llama": True, "qwen2": False}
BLOCK = 256  # tokens that go through the model together


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes and constants of a model."""

    layers: int
    hidden: int
    heads: int  #: of queries
    key_heads: int  #: of keys and values, each shared by heads / key_heads query heads
    head_size: int
    feed_forward: int
    vocabulary: int
    context: int  #: tokens that it was trained for
    rotary_base: float
    epsilon: float  #: of RMSNorm
    neighbours: bool = True  #: the rotary embedding turns 2i with 2i + 1, else i with i + head_size / 2

    @property
    def scale(self) -> float:
        """Of the attention logits."""
        return self.head_size**-0.5

    @property
    def group(self) -> int:
        """Query heads of a key-value head."""
        return self.heads // self.key_heads


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Weights [outputs, inputs]; biases where the architecture has them."""

    attention_norm: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    feed_norm: Tensor
    gate: Tensor
    up: Tensor
    down: Tensor
    query_bias: Tensor | None = None
    key_bias: Tensor | None = None
    value_bias: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Llama:
    """A model; `head` is the embedding again where the file has no tensor of its own."""

    shape: Shape
    embedding: Tensor  # [vocabulary, hidden]
    layers: list[Layer]
    norm: Tensor
    head: Tensor  # [vocabulary, hidden]


@dataclass
class Cache:
    """Rotated keys, and values, of all layers: [layers, key heads, capacity, head size]; `length` tokens are in it."""

    keys: Tensor
    values: Tensor
    length: int = 0

    @staticmethod
    def empty(shape: Shape, capacity: int) -> Cache:
        """Room for `capacity` tokens."""
        size = (shape.layers, shape.key_heads, capacity, shape.head_size)
        return Cache(torch.zeros(size), torch.zeros(size))

    def prefix(self, length: int) -> Cache:
        """The same memory, as it was when it held `length` tokens; what is written after them is lost to the other."""
        return Cache(self.keys, self.values, min(length, self.length))


#: Attention of one layer: its number, queries [heads, M, d], keys and values [key heads, T, d], to [heads, M, d].
#: The queries are of the last M of the T tokens, and may look at themselves and what is before.
Attention = Callable[[int, Tensor, Tensor, Tensor], Tensor]


def full_attention(layer: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Every query attends to all tokens up to its own; `Attention`."""
    mask = causal(queries.shape[1], keys.shape[1])
    return scaled_dot_product_attention(queries[None], keys[None], values[None], attn_mask=mask, enable_gqa=True)[0]


def causal(rows: int, tokens: int) -> Tensor:
    """What the last `rows` of `tokens` tokens may look at, bool [rows, tokens]."""
    return torch.ones(rows, tokens, dtype=torch.bool).tril(tokens - rows)


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """x / sqrt(mean x² + ε) · weight."""
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x: Tensor, positions: Tensor, shape: Shape) -> Tensor:
    """Rotary embedding of heads [..., M, d] at positions [M]: pair i is turned by position · base^(-2i/d)."""
    half = shape.head_size // 2
    frequencies = shape.rotary_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = positions[:, None] * frequencies
    cosine, sine = angles.cos().float(), angles.sin().float()
    pairs = x.unflatten(-1, (half, 2) if shape.neighbours else (2, half))
    first, second = pairs.unbind(-1 if shape.neighbours else -2)
    turned = first * cosine - second * sine, first * sine + second * cosine
    return torch.stack(turned, -1 if shape.neighbours else -2).flatten(-2)


def forward(model: Llama, tokens: Tensor, cache: Cache, attention: Attention = full_attention) -> Tensor:
    """The normed hidden vectors [M, hidden] of tokens [M], which follow those in the cache and are added to it.

    Raises:
        InputError: the cache has no room, or a token is not in the vocabulary.
    """
    end, capacity = cache.length + len(tokens), cache.keys.shape[2]
    if end > capacity:
        raise InputError(f"llm: the cache has room for {capacity} tokens, there are {end}")
    if len(tokens) and not 0 <= int(tokens.min()) <= int(tokens.max()) < model.shape.vocabulary:
        raise InputError(f"llm: tokens must lie in 0..{model.shape.vocabulary - 1}, one is {int(tokens.max())}")
    positions = torch.arange(cache.length, end)
    x = model.embedding[tokens]
    for number, layer in enumerate(model.layers):
        x = x + _attend(model.shape, layer, number, x, positions, cache, attention)
        normed = rms_norm(x, layer.feed_norm, model.shape.epsilon)
        x = x + linear(silu(linear(normed, layer.gate)) * linear(normed, layer.up), layer.down)
    cache.length = end
    return rms_norm(x, model.norm, model.shape.epsilon)


def _attend(
    shape: Shape, layer: Layer, number: int, x: Tensor, positions: Tensor, cache: Cache, attention: Attention
) -> Tensor:
    """What attention adds to x [M, hidden]; the tokens' keys and values enter the cache."""
    normed = rms_norm(x, layer.attention_norm, shape.epsilon)
    queries, keys, values = (
        linear(normed, weight, bias).unflatten(1, (-1, shape.head_size)).transpose(0, 1)
        for weight, bias in (
            (layer.query, layer.query_bias), (layer.key, layer.key_bias), (layer.value, layer.value_bias)
        )
    )  # fmt: skip
    first, end = int(positions[0]), int(positions[-1]) + 1
    cache.keys[number][:, first:end] = rotate(keys, positions, shape)
    cache.values[number][:, first:end] = values
    seen = cache.keys[number][:, :end], cache.values[number][:, :end]
    attended = attention(number, rotate(queries, positions, shape), *seen)
    return linear(attended.transpose(0, 1).flatten(1), layer.output)


def prefill(model: Llama, tokens: Tensor, cache: Cache) -> Iterator[Tensor]:
    """Fills the cache with full attention, block by block; yields each block's hidden vectors."""
    for block in tokens.split(BLOCK):
        yield forward(model, block, cache)


def losses(model: Llama, hidden: Tensor, following: Tensor) -> Tensor:
    """-log p, natural, of the token that follows each hidden vector. [M]"""
    parts = zip(hidden.split(BLOCK), following.split(BLOCK), strict=True)
    return torch.cat([torch.nn.functional.cross_entropy(linear(h, model.head), f, reduction="none") for h, f in parts])


def load_llama(file: GgufFile) -> Llama:
    """The model of a file.

    Raises:
        InputError: an architecture or a rotary scaling that is not known, a size that does not go with another, a
            field or tensor missing.
    """
    shape = load_shape(file)
    embedding = file.tensor("token_embd.weight", shape.vocabulary, shape.hidden)
    own = "output.weight" in file
    return Llama(
        shape=shape,
        embedding=embedding,
        layers=[_load_layer(file, f"blk.{number}", shape) for number in range(shape.layers)],
        norm=file.tensor("output_norm.weight", shape.hidden),
        head=file.tensor("output.weight", shape.vocabulary, shape.hidden) if own else embedding,
    )


def load_shape(file: GgufFile) -> Shape:
    """Sizes of a model file.

    Raises:
        InputError: as `load_llama`.
    """
    kind = file.text("general.architecture")
    if kind not in NEIGHBOURS:
        raise InputError(f"{file.name}: the architecture must be one of {', '.join(NEIGHBOURS)}, it is {kind}")
    scaling = file.get(f"{kind}.rope.scaling.type", "none")
    if scaling != "none" or "rope_freqs.weight" in file:
        raise InputError(f"{file.name}: the rotary embedding must not be scaled, it is: {scaling}")
    hidden, heads = file.whole(f"{kind}.embedding_length"), file.whole(f"{kind}.attention.head_count")
    key_heads = int(file.get(f"{kind}.attention.head_count_kv", heads))
    size = int(file.get(f"{kind}.attention.key_length", hidden // heads))
    turned = int(file.get(f"{kind}.rope.dimension_count", size))
    if key_heads < 1 or heads % key_heads:
        raise InputError(f"{file.name}: query heads must be a multiple of the key-value heads, {heads} of {key_heads}")
    if size < 2 or size % 2 or turned != size:
        raise InputError(f"{file.name}: the rotary embedding must turn the whole head of even size, {turned} of {size}")
    return Shape(
        layers=file.whole(f"{kind}.block_count"),
        hidden=hidden,
        heads=heads,
        key_heads=key_heads,
        head_size=size,
        feed_forward=file.whole(f"{kind}.feed_forward_length"),
        vocabulary=len(file.texts("tokenizer.ggml.tokens")),
        context=file.whole(f"{kind}.context_length"),
        rotary_base=float(file.get(f"{kind}.rope.freq_base", 10000.0)),
        epsilon=file.number(f"{kind}.attention.layer_norm_rms_epsilon"),
        neighbours=NEIGHBOURS[kind],
    )


def _load_layer(file: GgufFile, name: str, shape: Shape) -> Layer:
    queries, keys = shape.heads * shape.head_size, shape.key_heads * shape.head_size

    def bias(part: str, size: int) -> Tensor | None:
        tensor = f"{name}.{part}.bias"
        return file.tensor(tensor, size) if tensor in file else None

    return Layer(
        attention_norm=file.tensor(f"{name}.attn_norm.weight", shape.hidden),
        query=file.tensor(f"{name}.attn_q.weight", queries, shape.hidden),
        key=file.tensor(f"{name}.attn_k.weight", keys, shape.hidden),
        value=file.tensor(f"{name}.attn_v.weight", keys, shape.hidden),
        output=file.tensor(f"{name}.attn_output.weight", shape.hidden, queries),
        feed_norm=file.tensor(f"{name}.ffn_norm.weight", shape.hidden),
        gate=file.tensor(f"{name}.ffn_gate.weight", shape.feed_forward, shape.hidden),
        up=file.tensor(f"{name}.ffn_up.weight", shape.feed_forward, shape.hidden),
        down=file.tensor(f"{name}.ffn_down.weight", shape.hidden, shape.feed_forward),
        query_bias=bias("attn_q", queries),
        key_bias=bias("attn_k", keys),
        value_bias=bias("attn_v", keys),
    )
