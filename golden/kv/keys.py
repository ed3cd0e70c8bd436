"""Keys, values and queries from files: `.npz` and `.safetensors`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from golden.arrays import UNREADABLE, convert, finite_singles, npz_arrays, numbers, reason, refuse_where
from golden.errors import InputError
from golden.kv.cache_names import Places, check_pattern, layer_names, stack
from golden.kv.quantise import LEAST

NAMES = ("K", "V", "Q")


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """Float32 [layers, heads, length, head size]; `layers` are the model's own numbers.

    Grouped queries: Q has `group` heads for each of K's, g·h to g·h + g - 1 for head h.
    """

    name: str
    K: Tensor  # float64 where the file's are: float32 would hold less of them beside a large mean
    V: Tensor
    Q: Tensor
    scales: tuple[float, ...]  # of each layer's attention logits
    layers: tuple[int, ...]

    @property
    def group(self) -> int:
        """Query heads of a key-value head."""
        return self.Q.shape[1] // self.K.shape[1]


def load_keys(path: str | Path, names: str | None = None) -> KeySet:
    """Reads `K`, `V` [layers, heads, T, d], `Q` [layers, n·heads, R, d], and `scale` and `layers` where they are.

    Without a layer axis there is one layer. `scale` is one number or one a layer; without it it is 1/sqrt(d).
    A .safetensors file may have each layer's keys, values and queries as tensors of their own, [batch of 1, heads,
    length, d], called by a pattern `names` with {part} and {layer}, or by one of `cache_names.PATTERNS`.

    Raises:
        InputError: no such file, another format, a missing tensor, shapes that do not match or hold nothing, a
            number format that is not read, a value that is not finite or too small or large for float32, or a
            scale that is not positive.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if names:
        check_pattern(names)
    found = _read(path, names)
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise InputError(f"{path.name}: tensors K, V and Q are needed, {', '.join(missing)} is missing")
    k, v, q = (_shaped(f"{path.name}: {name}", found[name]) for name in NAMES)
    if v.shape != k.shape:
        raise InputError(f"{path.name}: V must have K's shape {list(k.shape)}, it has {list(v.shape)}")
    if (q.shape[0], q.shape[3]) != (k.shape[0], k.shape[3]):
        raise InputError(f"{path.name}: Q must have K's layers and head size {list(k.shape)}, it is {list(q.shape)}")
    for axis, parts in ((0, "layers"), (1, "heads"), (3, "elements in a head")):
        if k.shape[axis] == 0:
            raise InputError(f"{path.name}: K has no {parts}, its shape is {list(k.shape)}")
    for name, part in (("K", k), ("V", v), ("Q", q)):
        if part.shape[2] == 0:
            raise InputError(f"{path.name}: {name} must not be empty, its length is 0")
    if q.shape[1] % k.shape[1] or not q.shape[1]:
        raise InputError(f"{path.name}: Q's heads must be a multiple of K's {k.shape[1]}, they are {q.shape[1]}")
    count = len(k)
    return KeySet(
        name=path.stem,
        K=torch.from_numpy(k if k.dtype == np.float64 else k.astype(np.float32)),
        V=torch.from_numpy(v.astype(np.float32)),
        Q=torch.from_numpy(q.astype(np.float32)),
        scales=_scales(f"{path.name}: scale", found.get("scale", np.array(k.shape[3] ** -0.5)), count),
        layers=_layers(f"{path.name}: layers", found.get("layers", np.arange(count)), count),
    )


def _read(path: Path, names: str | None) -> dict[str, npt.NDArray]:
    """What of the file is known by name; floats that NumPy has not as float32, which holds them."""
    wanted = (*NAMES, "scale", "layers")
    try:
        if path.suffix == ".safetensors":
            places, found = _tensors(path, wanted, names)
            return {**found, **stack(path.name, places, found)} if places else found
        if path.suffix == ".npz":
            return npz_arrays(path, wanted)
    except InputError:
        raise
    except (SafetensorError, *UNREADABLE) as error:
        raise InputError(f"{path.name}: not a readable {path.suffix[1:]} file: {reason(error)}") from error
    raise InputError(f"{path.name}: keys are read from .npz or .safetensors, not '{path.suffix}'")


def _tensors(path: Path, wanted: tuple[str, ...], names: str | None) -> tuple[Places, dict[str, npt.NDArray]]:
    """Where layers of their own lie, if the file has no K or a pattern is given, and the tensors that are known."""
    with safe_open(path, framework="pt") as file:
        there = list(file.keys())
        places = {} if "K" in there and not names else layer_names(there, names)
        known = {name for found in places.values() for name in found.values()} | {n for n in wanted if n in there}
        return places, {name: _array(file.get_tensor(name)) for name in known}


def _array(tensor: Tensor) -> npt.NDArray:
    short = tensor.is_floating_point() and tensor.element_size() < torch.float32.itemsize
    return (tensor.float() if short else tensor).numpy()


def _shaped(name: str, array: npt.NDArray) -> npt.NDArray:
    """[layers, heads, length, head size] in the file's own precision, of values that float32 holds."""
    array = numbers(name, array)
    if array.dtype.kind != "f":
        raise InputError(f"{name} must be floating point, it is {array.dtype}")
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4:
        raise InputError(f"{name} must be [layers, heads, length, head size], it has {array.ndim} axes")
    finite_singles(name, array)
    if array.size:
        top = np.abs(array).max((2, 3))
        rule = f"{name}: the largest magnitude of a layer's head must be 0 or at least {LEAST:.3g}, it is"
        refuse_where((top > 0) & (top < LEAST), top, rule)
    return array


def _scales(name: str, array: npt.NDArray, layers: int) -> tuple[float, ...]:
    scales = convert(name, array, np.float64).reshape(-1)
    if scales.size not in (1, layers):
        raise InputError(f"{name} must be one number or one a layer ({layers}), it is {scales.size} numbers")
    singles = convert(name, scales, np.float32)
    refuse_where(~(np.isfinite(singles) & (singles > 0)), scales, f"{name} must be finite and positive, not")
    return tuple(float(scale) for scale in np.broadcast_to(scales, (layers,)))


def _layers(name: str, array: npt.NDArray, layers: int) -> tuple[int, ...]:
    found = convert(name, array.reshape(-1), np.int32)
    if len(found) != layers:
        raise InputError(f"{name} must be one number a layer ({layers}), it is {len(found)} numbers")
    return tuple(int(layer) for layer in found)
