"""The forward pass against one written token by token, against recorded keys of a real model, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import linear

from golden.errors import InputError
from golden.llm.gguf_file import GgufFile
from golden.llm.llama import Cache, forward, full_attention, load_llama, losses, prefill
from golden.llm.tokenizer import load_tokenizer
from tests.golden.llm.tiny_model import VOCABULARY, plain_forward, random_weights, write_model


@pytest.mark.parametrize(("architecture", "neighbours"), [("llama", True), ("qwen2", False)])
def test_forward(architecture: str, neighbours: bool, tmp_path: Path, seed: int) -> None:
    """Biases, grouped queries, both rotary pairings; in one block, or a part from the cache of another."""
    weights = random_weights(seed, biases=not neighbours)
    model = load_llama(GgufFile(write_model(tmp_path / "a.gguf", weights, architecture=architecture)))
    tokens = torch.randint(len(VOCABULARY), (21,), generator=torch.Generator().manual_seed(seed))
    expected = plain_forward(weights, tokens.tolist(), neighbours=neighbours)
    for parts in ([21], [13, 1, 7]):
        cache = Cache.empty(model.shape, 21)
        hidden = torch.cat([forward(model, part, cache) for part in tokens.split(parts)])
        np.testing.assert_allclose(linear(hidden, model.head).numpy(), expected, atol=2e-5)
    nats = losses(model, hidden[:-1], tokens[1:])
    shares = np.exp(expected[:-1]) / np.exp(expected[:-1]).sum(1, keepdims=True)
    np.testing.assert_allclose(nats, -np.log(shares[np.arange(20), tokens[1:]]), atol=2e-5)


def test_attention_is_told_what_it_may_see(tmp_path: Path, seed: int) -> None:
    """A layer's queries and the cache up to the last of them; a prefix of a cache is the cache of that time."""
    model = load_llama(GgufFile(write_model(tmp_path / "a.gguf", random_weights(seed))))
    cache = Cache.empty(model.shape, 12)
    tokens = torch.arange(12)
    whole = torch.cat(list(prefill(model, tokens, cache)))
    seen: list[tuple[Any, ...]] = []

    def attention(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        seen.append((layer, q.shape, k.shape, v.shape))
        return full_attention(layer, q, k, v)

    again = forward(model, tokens[9:], cache.prefix(9), attention)
    torch.testing.assert_close(again, whole[9:])
    assert seen == [(layer, (4, 3, 16), (2, 12, 16), (2, 12, 16)) for layer in range(2)]


def test_tensors_may_be_quantised(tmp_path: Path, seed: int) -> None:
    """Q8_0 holds 32 codes and a scale, a half: off by half a step of the largest of its 32 numbers."""
    import gguf

    weights = random_weights(seed)
    name = "blk.0.attn_q.weight"
    raw = gguf.quants.quantize(weights[name], gguf.GGMLQuantizationType.Q8_0)
    path = tmp_path / "a.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = GgufFile(path).tensor(name, *weights[name].shape).numpy()
    assert 0 < np.abs(found - weights[name]).max() < np.abs(weights[name]).max() / 127


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"llama__block_count": 3}, "the tensor blk.2.attn_norm.weight is missing"),
        ({"llama__block_count": 0}, "llama.block_count must be a positive integer, it is 0"),
        ({"llama__block_count": None}, "the field llama.block_count is missing"),
        ({"llama__attention__head_count_kv": 3}, "query heads must be a multiple of the key-value heads, 4 of 3"),
        ({"llama__rope__dimension_count": 4}, "must turn the whole head of even size, 4 of 16"),
        ({"llama__rope__scaling__type": "yarn"}, "the rotary embedding must not be scaled, it is: yarn"),
        ({"llama__feed_forward_length": 40}, "blk.0.ffn_gate.weight must be [40, 64], it is [96, 64]"),
        ({"llama__attention__layer_norm_rms_epsilon": 0.0}, "layer_norm_rms_epsilon must be a positive number, it is"),
        ({"tokenizer__ggml__tokens": ["a", "b"]}, "token_embd.weight must be [2, 64], it is [263, 64]"),
    ],
)
def test_refused_models(changes: dict[str, Any], message: str, tmp_path: Path, seed: int) -> None:
    path = write_model(tmp_path / "a.gguf", random_weights(seed), **changes)
    with pytest.raises(InputError) as refusal:
        load_llama(GgufFile(path))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_refused_files(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_model(tmp_path / "a.gguf", random_weights(seed))
    whole = path.read_bytes()
    holed = random_weights(seed)
    holed["output_norm.weight"][3] = np.nan
    length = whole.index(b"tokenizer.ggml.tokens") + len("tokenizer.ggml.tokens") + 8  # behind two words of types
    cases = {
        "a list longer than the file": whole[:length] + (1 << 60).to_bytes(8, "little") + whole[length + 8 :],
        "a file of another kind": b"PK\x03\x04" * 20,
        "empty": b"",
        "cut in its fields": whole[:200],
        "cut in its tensors": whole[:-5000],
    }
    for name, raw in cases.items():
        path.write_bytes(raw)
        with pytest.raises(InputError, match=r"a\.gguf: not a readable GGUF file: .+") as refusal:
            GgufFile(path)
        assert "\n" not in str(refusal.value), name
    with pytest.raises(InputError, match="must be one of llama, qwen2, it is gpt2"):
        load_llama(GgufFile(write_model(path, random_weights(seed), architecture="gpt2")))
    with pytest.raises(InputError, match=r"output_norm\.weight must be finite numbers, not nan at \[3\]"):
        load_llama(GgufFile(write_model(path, holed)))
    with pytest.raises(InputError, match="no such file"):
        GgufFile(tmp_path / "b.gguf")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(InputError, match=r"needs a package: pip install 'tessera\[llm\]'"):
        GgufFile(path)


def test_refused_tokens(tmp_path: Path, seed: int) -> None:
    model = load_llama(GgufFile(write_model(tmp_path / "a.gguf", random_weights(seed))))
    with pytest.raises(InputError, match=r"tokens must lie in 0\.\.262, one is 263"):
        forward(model, torch.tensor([1, 263]), Cache.empty(model.shape, 4))
    with pytest.raises(InputError, match="room for 4 tokens, there are 5"):
        forward(model, torch.arange(5), Cache.empty(model.shape, 4))


@pytest.mark.slow
def test_recorded_keys(real_model: Path, real_data: Path) -> None:
    """SmolLM2's rotated keys of three layers on the beginning of Python's documentation, recorded as halves."""
    from pydoc_data.topics import topics

    stored = np.load(real_data / "kv" / "smollm2_8k.npz")
    file = GgufFile(real_model)
    model = load_llama(file)
    tokens = torch.tensor(load_tokenizer(file).encode("\n\n".join(topics.values())[:2000]))[:256]
    cache = Cache.empty(model.shape, len(tokens))
    forward(model, tokens, cache)
    for k, layer in enumerate(stored["layers"].tolist()):
        expected = torch.from_numpy(stored["K"][k, :, : len(tokens)].astype(np.float32))
        error = (cache.keys[layer][:, : len(tokens)] - expected).norm() / expected.norm()
        assert error < 2e-3, layer
