"""Keys, values and queries from files: `.npz` and `.safetensors`."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from golden.errors import InputError
from golden.kv.quantise import check_finite

NAMES = ("K", "V", "Q")


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """Float32 [layers, heads, length, head size]; `layers` are the model's own numbers."""

    name: str
    K: Tensor
    V: Tensor
    Q: Tensor
    scale: float  # of the attention's logits
    layers: tuple[int, ...]


def load_keys(path: str | Path) -> KeySet:
    """Reads `K`, `V` [layers, heads, T, d], `Q` [layers, heads, R, d], and `scale` and `layers` where they are.

    Without a layer axis there is one layer; without `scale` it is 1/sqrt(d).

    Raises:
        InputError: no such file, another format, a missing tensor, shapes that do not match,
            or a value that is not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    tensors = _read(path)
    missing = [name for name in NAMES if name not in tensors]
    if missing:
        raise InputError(f"{path.name}: tensors K, V and Q are needed, {', '.join(missing)} is missing")
    parts = {name: _shaped(path.name, name, tensors[name]) for name in NAMES}
    k, v, q = parts["K"], parts["V"], parts["Q"]
    if v.shape != k.shape:
        raise InputError(f"{path.name}: V must have K's shape {list(k.shape)}, it has {list(v.shape)}")
    if (q.shape[0], q.shape[1], q.shape[3]) != (k.shape[0], k.shape[1], k.shape[3]):
        raise InputError(
            f"{path.name}: Q must have K's layers, heads and head size {list(k.shape)}, it is {list(q.shape)}"
        )
    for name, part in (("K", k), ("V", v), ("Q", q)):
        if part.shape[2] == 0:
            raise InputError(f"{path.name}: {name} must not be empty, its length is 0")
        check_finite(f"{path.name}: {name}", part)
    layers = tensors.get("layers")
    scale = tensors.get("scale")
    return KeySet(
        name=path.stem,
        K=k,
        V=v,
        Q=q,
        scale=float(scale.reshape(-1)[0]) if scale is not None and scale.numel() else k.shape[3] ** -0.5,
        layers=tuple(int(n) for n in layers.reshape(-1)) if layers is not None else tuple(range(len(k))),
    )


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix == ".npz":
            with path.open("rb") as source, np.load(source, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            return {name: torch.from_numpy(a) for name, a in arrays.items() if a.dtype.kind in "fiu"}
    except (SafetensorError, zipfile.BadZipFile, ValueError, EOFError, OSError, KeyError) as error:
        raise InputError(f"{path.name}: not a readable {path.suffix[1:]} file: {str(error).splitlines()[0]}") from error
    raise InputError(f"{path.name}: keys are read from .npz or .safetensors, not '{path.suffix}'")


def _shaped(file: str, name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        raise InputError(f"{file}: {name} must be floating point, it is {tensor.dtype}")
    if tensor.ndim == 3:
        tensor = tensor[None]
    if tensor.ndim != 4:
        raise InputError(f"{file}: {name} must be [layers, heads, length, head size], it has {tensor.ndim} axes")
    return tensor.float()
