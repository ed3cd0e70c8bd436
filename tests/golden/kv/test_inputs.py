"""Bad keys, files and options: one clear line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from golden.errors import InputError
from golden.kv.keys import load_keys
from golden.kv.memory_image import build_memory_image
from golden.kv.model import Options
from golden.kv.quantise import quantise
from golden.kv.spec import TINY
from golden.kv.video import video_stream
from tests.golden.kv.streams import clustered

SHAPE = (TINY.heads, 20, TINY.head_size)


def parts(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"keys": torch.randn(SHAPE), "values": torch.randn(SHAPE), "queries": torch.randn(SHAPE), **changes}


def holed(value: float) -> torch.Tensor:
    tensor = torch.randn(SHAPE)
    tensor[0, 3, 1] = value
    return tensor


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keys": holed(float("nan"))}, "keys must be finite numbers, 1 of 640 are not"),
        ({"values": holed(float("inf"))}, "values must be finite numbers"),
        ({"queries": torch.zeros(TINY.heads, 0, TINY.head_size)}, "queries must not be empty, their length is 0"),
        ({"keys": torch.randn(TINY.heads, 20, 24)}, "heads 2 and head size 16, they are [2, 20, 24]"),
        ({"values": torch.randn(TINY.heads, 19, TINY.head_size)}, "equally many, they are 20 and 19"),
        ({n: torch.randn(2, 300, 16) for n in ("keys", "values")}, "at most 256 tokens fit this config, there are 300"),
    ],
)  # fmt: skip
def test_refused_tensors(changes: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        quantise(**parts(**changes), spec=TINY)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hamming_threshold": 0}, "Th_hd must lie in 1..hash_bits = 32, it is 0"),
        ({"hamming_threshold": 33}, "Th_hd must lie in 1..hash_bits = 32, it is 33"),
        ({"wicsum_code": 1024}, "the selected share must lie in 1/1024..1023/1024, it is 1024/1024"),
        ({"pages": True}, "at most 32 pages of 4 tokens fit this config; there are 200"),
    ],
)
def test_refused_options(changes: dict[str, int], message: str, seed: int) -> None:
    data = clustered(TINY, 200, 2, seed=seed)
    with pytest.raises(InputError) as refusal:
        build_memory_image(data, TINY, replace(Options.of(TINY), **changes))
    assert message in str(refusal.value)


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    k = np.random.default_rng(1).standard_normal((2, 4, 9, 32)).astype(np.float16)
    return {"K": k, "V": k, "Q": k[:, :, :3], **changes}


def test_both_containers_hold_the_same(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays(), scale=np.array(0.25), layers=np.array([3, 5]))
    save_file({**arrays(), "scale": np.array([0.25], np.float32)}, tmp_path / "a.safetensors")
    npz, tensors = load_keys(tmp_path / "a.npz"), load_keys(tmp_path / "a.safetensors")
    assert torch.equal(npz.K, tensors.K)
    assert npz.K.shape == (2, 4, 9, 32)
    assert npz.scales == tensors.scales == (0.25, 0.25)
    assert (npz.layers, tensors.layers) == ((3, 5), (0, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"V": np.zeros((2, 4, 8, 32), np.float32)}, "V must have K's shape [2, 4, 9, 32], it has [2, 4, 8, 32]"),
        (
            {"Q": np.zeros((2, 4, 3, 16), np.float32)},
            "Q must have K's layers and head size [2, 4, 9, 32], it is [2, 4, 3, 16]",
        ),
        ({"Q": np.zeros((2, 6, 3, 32), np.float32)}, "Q's heads must be a multiple of K's 4, they are 6"),
        ({"Q": np.zeros((2, 0, 3, 32), np.float32)}, "Q's heads must be a multiple of K's 4, they are 0"),
        ({"Q": np.zeros((2, 4, 0, 32), np.float32)}, "Q must not be empty, its length is 0"),
        ({"K": np.full((2, 4, 9, 32), np.nan, np.float32)}, "K must be finite numbers"),
        ({"K": np.zeros((2, 4, 9, 32), np.int64)}, "K must be floating point"),
        ({"K": np.zeros(9, np.float32)}, "K must be [layers, heads, length, head size], it has 1 axes"),
    ],
)
def test_refused_contents(changes: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays(**changes))
    with pytest.raises(InputError) as refusal:
        load_keys(tmp_path / "a.npz")
    assert message in str(refusal.value)


def layered(form: str, kind: torch.dtype, **changes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Two layers, 3 and 12, of two heads of keys and six of queries, each of one batch."""
    g = torch.Generator().manual_seed(1)
    sizes = {"key": (2, 9), "value": (2, 9), "query": (6, 4)}
    drawn = {
        form.format(part=part, layer=layer): torch.randn(1, *size, 16, generator=g).to(kind)
        for layer in (12, 3)
        for part, size in sizes.items()
    }
    return {**drawn, **changes}


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("past_key_values.{layer}.{part}", None),
        ("{part}_cache.{layer}", None),
        ("model.layers.{layer}.attn/{part}", "model.layers.{layer}.attn/{part}"),
    ],
)
def test_layers_of_their_own(form: str, names: str | None, kind: torch.dtype, tmp_path: Path) -> None:
    """A Hugging Face cache: layers by number, three query heads to a key head; other tensors are left alone."""
    tensors = layered(form, kind, unrelated=torch.zeros(3, dtype=torch.int8))
    save_torch(tensors, tmp_path / "a.safetensors")
    found = load_keys(tmp_path / "a.safetensors", names)
    assert (found.layers, found.group, found.scales) == ((3, 12), 3, (0.25, 0.25))
    for part, stacked in (("key", found.K), ("value", found.V), ("query", found.Q)):
        expected = torch.cat([tensors[form.format(part=part, layer=layer)] for layer in (3, 12)]).float()
        assert torch.equal(stacked, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key.3": None}, "every layer needs a tensor of K, layer 3 has none"),
        ({"value.12": None, "value.3": None}, "tensors K, V and Q are needed, V is missing"),
        ({"key.3": torch.zeros(2, 2, 9, 16)}, "key.3 must have a batch of 1, it has 2"),
        ({"key.3": torch.zeros(9, 16)}, "key.3 must be [batch, heads, length, head size], it has 2 axes"),
        ({"key.12": torch.zeros(1, 2, 8, 16)}, "must have the shape of layer 3, [2, 9, 16]; key.12 has [2, 8, 16]"),
        ({"query.3": torch.zeros(1, 6, 4, 16).fill_(torch.inf)}, "Q must be finite numbers, not inf at [0, 0, 0, 0]"),
        ({f"query.{n}": torch.zeros(1, 5, 4, 16) for n in (3, 12)}, "heads must be a multiple of K's 2, they are 5"),
        ({f"value.{n}": torch.zeros(1, 1, 9, 16) for n in (3, 12)}, "must have K's shape [2, 2, 9, 16], it has [2, 1"),
    ],
)  # fmt: skip
def test_refused_layers(changes: dict[str, torch.Tensor | None], message: str, tmp_path: Path) -> None:
    tensors = {**layered("{part}.{layer}", torch.float32), **changes}
    save_torch({name: tensor for name, tensor in tensors.items() if tensor is not None}, tmp_path / "a.safetensors")
    with pytest.raises(InputError) as refusal:
        load_keys(tmp_path / "a.safetensors")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_refused_pattern(tmp_path: Path) -> None:
    save_torch(layered("{part}.{layer}", torch.float32), tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"must hold \{part\} and \{layer\} once each, they are 'keys'"):
        load_keys(tmp_path / "a.safetensors", "keys")
    with pytest.raises(InputError, match="K, V, Q is missing"):
        load_keys(tmp_path / "a.safetensors", "x.{layer}.{part}")


def test_refused_files(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 not an archive")
    (tmp_path / "a.safetensors").write_bytes(b"\xff" * 40)
    (tmp_path / "a.bin").write_bytes(b"")
    np.savez(tmp_path / "b.npz", K=np.zeros((1, 4, 9, 32), np.float32))
    for name, message in (
        ("a.npz", "not a readable npz file"),
        ("a.safetensors", "not a readable safetensors file"),
        ("a.bin", "keys are read from .npz or .safetensors, not '.bin'"),
        ("b.npz", "V, Q is missing"),
        ("c.npz", "no such file"),
    ):
        with pytest.raises(InputError) as refusal:
            load_keys(tmp_path / name)
        assert message in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("mode", ["shot", "drift"])
def test_video_keeps_correlation_and_spread(mode: str) -> None:
    torch.manual_seed(3)
    keys, values = torch.randn(4, 2000, 32) + 1, torch.randn(4, 2000, 32)
    k, v = video_stream(keys, values, 4096, correlation=0.9, mode=mode)  # type: ignore[arg-type]
    frames = (k - 1).reshape(4, -1, 32, 16, 32)  # heads, scenes, frames of a scene, patches, d
    near = (frames[:, :, 1:] * frames[:, :, :-1]).mean() / (frames**2).mean()
    assert abs(float(near) - 0.9) < 0.02
    assert abs(float(k.std()) - 1) < 0.05
    assert v.shape == k.shape == (4, 4096, 32)
    with pytest.raises(InputError, match=r"must lie in 0\.\.1, it is 1\.5"):
        video_stream(keys, values, 10, correlation=1.5)
