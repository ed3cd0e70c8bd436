"""What files of keys may hold besides good numbers: other formats, scales a layer, nothing at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from golden.errors import InputError
from golden.kv.keys import load_keys
from golden.kv.quantise import LEAST, quantise
from golden.kv.spec import TINY
from sim.kv.streams import layer_stream
from tests.golden.kv.test_inputs import arrays, parts


def saved(folder: Path, **changes: np.ndarray) -> Path:
    path = folder / "a.npz"
    np.savez(path, **arrays(**changes))
    return path


def with_one(kind: str, value: float) -> np.ndarray:
    array = np.ones((2, 4, 9, 32), kind)
    array[1, 2, 3, 4] = value
    return array


def one_faint_head(value: float) -> np.ndarray:
    array = np.ones((2, 4, 9, 32))
    array[1, 2] = value
    return array


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"K": np.ones((2, 4, 9, 32), np.longdouble)}, f"K must be a float of 16 to 64 bits, .* it is {np.dtype('g')}"),
        ({"Q": np.zeros((2, 4, 3, 32), "V1")}, r"Q must be a float of 16 to 64 bits, .* it is \|V1"),
        ({"V": np.ones((2, 4, 9, 32), np.complex64)}, "V must be a float of 16 to 64 bits, .* it is complex64"),
        ({"K": with_one("f8", 1e39)}, r"K: float32 holds numbers up to 3.40282e\+38, not 1e\+39 at \[1, 2, 3, 4\]"),
        ({"K": with_one("f4", np.inf)}, r"K must be finite numbers, not inf at \[1, 2, 3, 4\]"),
        ({"V": one_faint_head(1e-60)}, r"V: the largest magnitude of a layer's head .* it is 1e-60 at \[1, 2\]"),
        ({"scale": np.array(np.nan)}, r"scale must be finite and positive, not nan at \[0\]"),
        ({"scale": np.array([0.25, np.inf])}, r"scale must be finite and positive, not inf at \[1\]"),
        ({"scale": np.array([0.25, 0.0])}, r"scale must be finite and positive, not 0.0 at \[1\]"),
        ({"scale": np.array(-0.1)}, r"scale must be finite and positive, not -0.1 at \[0\]"),
        ({"scale": np.array(1e-60)}, "scale must be finite and positive, not 1e-60"),
        ({"scale": np.array(1e60)}, r"scale: float32 holds numbers up to 3.40282e\+38, not 1e\+60"),
        ({"scale": np.full((2, 4), 0.25)}, r"scale must be one number or one a layer \(2\), it is 8 numbers"),
        ({"scale": np.zeros(0)}, r"scale must be one number or one a layer \(2\), it is 0 numbers"),
        ({"scale": np.array(True)}, "scale must be a float of 16 to 64 bits, .* it is bool"),
        ({"layers": np.array([0.5, 2])}, r"layers: int32 holds whole numbers .* not 0.5 at \[0\]"),
        ({"layers": np.array([0, np.nan])}, r"layers: int32 holds whole numbers .* not nan at \[1\]"),
        ({"layers": np.arange(3)}, r"layers must be one number a layer \(2\), it is 3 numbers"),
    ],
)
def test_refused(changes: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        load_keys(saved(tmp_path, **changes))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0, 4, 9, 32), r"has no layers, its shape is \[0, 4, 9, 32\]"),
        ((2, 0, 9, 32), "has no heads"),
        ((2, 4, 9, 0), "has no elements in a head"),
        ((2, 4, 0, 32), "K must not be empty, its length is 0"),
    ],
)
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_nothing_in_it(shape: tuple[int, ...], message: str, suffix: str, tmp_path: Path) -> None:
    tensors = {name: torch.zeros(shape) for name in "KVQ"}
    path = tmp_path / f"a.{suffix}"
    if suffix == "npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in tensors.items()})
    else:
        save_file(tensors, path)
    with pytest.raises(InputError, match=message):
        load_keys(path)


def test_bfloat16(tmp_path: Path) -> None:
    """As torch writes it into safetensors, and as ml_dtypes leaves it in a .npz: two bytes without a type."""
    tensors = {name: torch.randn(2, 4, 9, 32).bfloat16() for name in "KVQ"}
    save_file(tensors, tmp_path / "a.safetensors")
    path = saved(tmp_path, **{name: tensor.view(torch.int16).numpy().view("V2") for name, tensor in tensors.items()})
    for found in (load_keys(tmp_path / "a.safetensors"), load_keys(path)):
        for name, tensor in tensors.items():
            assert torch.equal(getattr(found, name), tensor.float())


def test_other_byte_order(tmp_path: Path) -> None:
    swapped = {name: array.astype(">f4") for name, array in arrays().items()}
    found = load_keys(saved(tmp_path, **swapped))
    assert torch.equal(found.K, torch.from_numpy(arrays()["K"]).float())


def test_arrays_of_other_names_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays(), note=np.array({"a": 1}, dtype=object))
    assert load_keys(path).scales == (32**-0.5,) * 2


def test_a_scale_for_each_layer(tmp_path: Path) -> None:
    files = load_keys(saved(tmp_path, scale=np.array([0.25, 0.5])))
    assert [layer_stream(files, layer, 9).scale for layer in (0, 1)] == [0.25, 0.5]


@pytest.mark.parametrize("name", ["keys", "values", "queries"])
def test_a_step_that_float32_does_not_hold(name: str) -> None:
    """Below it the step would be 0, and the codes whatever a division by it gives."""
    tensor = torch.zeros(TINY.heads, 20, TINY.head_size)
    tensor[1, 3, 2] = 1e-44
    with pytest.raises(InputError, match=r"kv: values that share a scale must be 0 or reach 1\.49e-36, 1 of "):
        quantise(**parts(**{name: tensor}), spec=TINY)
    tensor[1, 3, 2] = 2 * LEAST  # of keys the mean is subtracted
    found = quantise(**parts(**{name: tensor}), spec=TINY)
    assert int(getattr(found, name)[3, 1, 2]) == 127
