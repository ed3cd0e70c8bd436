"""A tiny random model as a GGUF file, and the same forward pass written once more, token by token, in NumPy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from golden.llm.tokenizer import byte_characters

LAYERS, HIDDEN, HEADS, KEY_HEADS, FEED, BASE = 2, 64, 4, 2, 96, 1000.0
SIZE = HIDDEN // HEADS
MERGES = ["h e", "l l", "he ll", "Ġ w", "o r", "Ġw or", "hell o"]
VOCABULARY = [*byte_characters(), *(pair.replace(" ", "") for pair in MERGES)]
Arrays = dict[str, npt.NDArray[np.float32]]


def random_weights(seed: int, *, biases: bool = False) -> Arrays:
    """Tensors by their names in the file, rows first."""
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> npt.NDArray[np.float32]:
        return (rng.standard_normal((rows, columns)) / math.sqrt(columns)).astype(np.float32)

    def norm() -> npt.NDArray[np.float32]:
        return (1 + 0.1 * rng.standard_normal(HIDDEN)).astype(np.float32)

    found = {"token_embd.weight": matrix(len(VOCABULARY), HIDDEN), "output_norm.weight": norm()}
    keys = KEY_HEADS * SIZE
    for layer in range(LAYERS):
        rows = {"attn_q": HIDDEN, "attn_k": keys, "attn_v": keys, "attn_output": HIDDEN, "ffn_gate": FEED,
                "ffn_up": FEED}  # fmt: skip
        found |= {f"blk.{layer}.{name}.weight": matrix(count, HIDDEN) for name, count in rows.items()}
        found[f"blk.{layer}.ffn_down.weight"] = matrix(HIDDEN, FEED)
        found |= {f"blk.{layer}.{name}_norm.weight": norm() for name in ("attn", "ffn")}
        if biases:
            sizes = {"attn_q": HIDDEN, "attn_k": keys, "attn_v": keys}
            found |= {f"blk.{layer}.{name}.bias": matrix(1, size)[0] for name, size in sizes.items()}
    return found


def write_model(path: Path, weights: Arrays, *, architecture: str = "llama", **changes: Any) -> Path:
    """The file; `changes` replace fields by name, dots as double underscores; None leaves a field out."""
    fields: dict[str, Any] = {
        f"{architecture}.block_count": LAYERS,
        f"{architecture}.embedding_length": HIDDEN,
        f"{architecture}.feed_forward_length": FEED,
        f"{architecture}.context_length": 256,
        f"{architecture}.attention.head_count": HEADS,
        f"{architecture}.attention.head_count_kv": KEY_HEADS,
        f"{architecture}.rope.freq_base": BASE,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": VOCABULARY,
        "tokenizer.ggml.merges": MERGES,
    }
    fields |= {name.replace("__", "."): value for name, value in changes.items()}
    writer = gguf.GGUFWriter(path, architecture)
    add = {str: writer.add_string, int: writer.add_uint32, float: writer.add_float32, list: writer.add_array}
    for name, value in fields.items():
        if value is not None:
            add[type(value)](name, value)
    for name, values in weights.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def plain_forward(weights: Arrays, tokens: list[int], *, neighbours: bool = True) -> npt.NDArray[np.float64]:
    """Logits [M, vocabulary]: each token alone, with loops over heads and earlier tokens, in float64."""
    w = {name: values.astype(np.float64) for name, values in weights.items()}
    caches: list[list[tuple[Any, Any]]] = [[] for _ in range(LAYERS)]
    rows = []
    for position, token in enumerate(tokens):
        x = w["token_embd.weight"][token]
        for layer in range(LAYERS):
            part = {name.split(".", 2)[2]: values for name, values in w.items() if name.startswith(f"blk.{layer}.")}
            x = x + part["attn_output.weight"] @ _attend(part, _norm(x, part["attn_norm.weight"]), position,
                                                         caches[layer], neighbours)  # fmt: skip
            n = _norm(x, part["ffn_norm.weight"])
            gate = part["ffn_gate.weight"] @ n
            x = x + part["ffn_down.weight"] @ (gate / (1 + np.exp(-gate)) * (part["ffn_up.weight"] @ n))
        rows.append(w["token_embd.weight"] @ _norm(x, w["output_norm.weight"]))
    return np.array(rows)


def _norm(x: Any, weight: Any) -> Any:
    return x / np.sqrt((x * x).mean() + 1e-5) * weight


def _attend(part: Arrays, x: Any, position: int, cache: list[tuple[Any, Any]], neighbours: bool) -> Any:
    q, k, v = (part[f"attn_{n}.weight"] @ x + part.get(f"attn_{n}.bias", 0) for n in "qkv")
    turned = [_turn(head, position, neighbours) for head in k.reshape(KEY_HEADS, SIZE)]
    cache.append((turned, v.reshape(KEY_HEADS, SIZE)))
    outputs = []
    for h, query in enumerate(q.reshape(HEADS, SIZE)):
        query, own = _turn(query, position, neighbours), h * KEY_HEADS // HEADS
        weights = np.exp([query @ keys[own] / math.sqrt(SIZE) for keys, _ in cache])
        outputs.append(sum(p * values[own] for p, (_, values) in zip(weights, cache, strict=True)) / weights.sum())
    return np.concatenate(outputs)


def _turn(head: Any, position: int, neighbours: bool) -> Any:
    """Each pair as a complex number, times a phase."""
    phase = np.exp(1j * position * BASE ** (-np.arange(SIZE // 2) * 2 / SIZE))
    if neighbours:
        turned = (head[::2] + 1j * head[1::2]) * phase
        return np.stack([turned.real, turned.imag], 1).reshape(-1)
    turned = (head[: SIZE // 2] + 1j * head[SIZE // 2 :]) * phase
    return np.concatenate([turned.real, turned.imag])
