"""Caches whose layers are tensors of their own, as Hugging Face's models hold them: found by a pattern of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from golden.errors import InputError

#: What each part may be called where a pattern has {part}.
PARTS = {
    "K": ("k", "key", "keys", "key_cache"),
    "V": ("v", "value", "values", "value_cache"),
    "Q": ("q", "query", "queries", "query_cache"),
}
#: `Cache.key_cache[0]`, `Cache.layers[0].keys`, and ONNX's names of them.
PATTERNS = ("{part}.{layer}", "{part}_{layer}", "layers.{layer}.{part}", "past_key_values.{layer}.{part}")

Places = dict[str, dict[int, str]]  # part, layer, the tensor's name


def check_pattern(pattern: str) -> None:
    """Refuses a pattern that does not tell parts and layers apart.

    Raises:
        InputError: it has not {part} and {layer} once each.
    """
    if pattern.count("{part}") != 1 or pattern.count("{layer}") != 1:
        raise InputError(f"names of tensors must hold {{part}} and {{layer}} once each, they are '{pattern}'")


def layer_names(names: Iterable[str], pattern: str | None) -> Places:
    """The tensors of each part and layer, by the pattern, or by the first of `PATTERNS` that finds any."""
    known = list(names)
    for choice in (pattern,) if pattern else PATTERNS:
        found = _matching(known, choice)
        if found:
            return found
    return {}


def _matching(names: list[str], pattern: str) -> Places:
    spellings = {word: part for part, words in PARTS.items() for word in words}
    words = "|".join(sorted(spellings, key=len, reverse=True))
    form = re.escape(pattern).replace(r"\{part\}", f"(?P<part>{words})").replace(r"\{layer\}", r"(?P<layer>\d+)")
    found: Places = {}
    for name in names:
        match = re.fullmatch(form, name, re.IGNORECASE)
        if match:
            found.setdefault(spellings[match["part"].lower()], {})[int(match["layer"])] = name
    return found


def stack(file: str, places: Places, tensors: Mapping[str, npt.NDArray]) -> dict[str, npt.NDArray]:
    """Layers [batch of 1, heads, length, head size], or without the batch, as one array a part, and their numbers.

    Raises:
        InputError: a part lacks a layer, a batch of several, or layers of different shapes.
    """
    layers = sorted({layer for found in places.values() for layer in found})
    result: dict[str, npt.NDArray] = {"layers": np.array(layers)}
    for part, found in places.items():
        missing = [layer for layer in layers if layer not in found]
        if missing:
            raise InputError(f"{file}: every layer needs a tensor of {part}, layer {missing[0]} has none")
        arrays = [_without_batch(f"{file}: {found[layer]}", tensors[found[layer]]) for layer in layers]
        for layer, array in zip(layers, arrays, strict=True):
            if array.shape != arrays[0].shape:
                raise InputError(
                    f"{file}: all layers must have the shape of layer {layers[0]}, {list(arrays[0].shape)}; "
                    f"{found[layer]} has {list(array.shape)}"
                )
        result[part] = np.stack(arrays)
    return result


def _without_batch(name: str, array: npt.NDArray) -> npt.NDArray:
    if array.ndim not in (3, 4):
        raise InputError(f"{name} must be [batch, heads, length, head size], it has {array.ndim} axes")
    if array.ndim == 4 and len(array) != 1:
        raise InputError(f"{name} must have a batch of 1, it has {len(array)}")
    return array[0] if array.ndim == 4 else array
