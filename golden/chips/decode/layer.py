"""A layer's attention heads in the codes of both engines: what one keeps and the other scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from golden.chips.decode.spec import MOST_PLANES, Spec
from golden.cluster.dataflows import Head
from golden.cluster.head import MARGIN, Calibration, Floats, SharedHead, rotation, share
from golden.errors import InputError
from golden.kv.quantise import centred, codes, scale_of
from golden.kv.scan import ALL_MASS, ScanOptions
from golden.kv.spec import KEY_MAX


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One token's attention in float: its hidden vector [D], and every key-value head with its query heads."""

    hidden: Tensor
    heads: tuple[Head, ...]  # all with the same numbers of tokens and of query heads
    calibrations: tuple[Calibration, ...]  # what each head's weights met on other tokens

    @property
    def tokens(self) -> int:
        """Of the cache, T."""
        return len(self.heads[0].keys)


@dataclass(frozen=True, kw_only=True)
class SharedLayer:
    """The layer on nodes and memory.

    The cache is kept in the codes of the decode units, uncentred INT8 with a scale a channel, and it is these that are
    selected and attended to. Planes are of the retrieval's codes of the same keys, less their mean: a constant that
    all of a row's scores share changes no selection, and would waste the first planes.
    """

    spec: Spec
    options: ScanOptions
    heads: tuple[SharedHead, ...]  # with as many rows of the cache as are attended to, all zero
    keys: Tensor  # int64 [T, heads, H], of the decode units
    values: Tensor  # int64 [T, heads, H]
    planes: Tensor  # int64 [T, heads, H], of the retrieval
    factors: Floats  # [heads, H, 2] own and other factors that make a projected query the scan's codes

    @property
    def tokens(self) -> int:
        return len(self.keys)

    @property
    def group(self) -> int:
        """Query heads of a key-value head."""
        return self.heads[0].group

    @property
    def selected(self) -> int:
        """Tokens that are selected for each head, k."""
        return selected(self.options, self.tokens)


def selected(options: ScanOptions, tokens: int) -> int:
    """Of so many tokens, those that a scan without top-p selects."""
    return max(min(options.budget, tokens), int(options.always(tokens).sum()))


def share_layer(layer: Layer, spec: Spec, options: ScanOptions) -> SharedLayer:
    """Quantises a layer for both engines.

    The scan's query codes have one step a head, 1/127 of the largest element that its queries had on the tokens that
    the weights were calibrated on (the one decoded, where there are none), whatever their rotation, with a margin of a
    quarter. A code beyond 127 is clipped and counted, as a new entry of the cache is.

    Raises:
        InputError: sizes, tokens or options that the composition does not have.
    """
    _check(layer, spec, options)
    shared = [share(layer.hidden, h, spec.cluster, calibration=c) for h, c in _pairs(layer)]
    count = selected(options, layer.tokens)
    keys = torch.stack([h.keys for h in layer.heads])
    plain = centred(keys, keys)
    scales = scale_of(plain, (1,))  # [heads, 1, H]
    return SharedLayer(
        spec=spec,
        options=options,
        heads=tuple(_attending(head, count) for head in shared),
        keys=_tokens([head.keys for head in shared], layer.tokens),
        values=_tokens([head.values for head in shared], layer.tokens),
        planes=codes(plain, scales).transpose(0, 1).contiguous(),
        factors=np.stack([_factors(layer, h, c, s[0]) for (h, c), s in zip(_pairs(layer), scales, strict=True)]),
    )


def _pairs(layer: Layer) -> list[tuple[Head, Calibration]]:
    return list(zip(layer.heads, layer.calibrations, strict=True))


def _check(layer: Layer, spec: Spec, options: ScanOptions) -> None:
    if not 1 <= options.planes <= MOST_PLANES:
        raise InputError(
            f"decode: a scan before attention reads 1 to {MOST_PLANES} planes, as an exact one fetches values alone, "
            f"they are {options.planes}"
        )
    if options.mass_code != ALL_MASS:
        raise InputError("decode: tokens are selected by a budget, top-p does not say how many there will be")
    if not 1 <= layer.tokens <= spec.kv.scan_tokens:
        raise InputError(f"decode: a scan takes 1 to {spec.kv.scan_tokens} tokens, there are {layer.tokens}")
    if len(layer.heads) != spec.kv.heads or layer.heads[0].group != spec.kv.group:
        raise InputError(
            f"decode: this config has {spec.kv.heads} heads of {spec.kv.group} queries, the layer "
            f"{len(layer.heads)} of {layer.heads[0].group}"
        )
    if selected(options, layer.tokens) == 0:
        raise InputError("decode: a selection must hold a token: budget, sink_tokens and window are 0")


def _attending(head: SharedHead, count: int) -> SharedHead:
    """The head behind a selection of so many tokens: the new one is the token after the last."""
    rows, owner = divmod(count, head.spec.nodes)
    empty = np.zeros((rows + 1, *head.keys.shape[1:]), np.int64)
    return replace(head, keys=empty, values=empty, owner=owner)


def _tokens(rows: Sequence[np.ndarray], count: int) -> Tensor:
    """Codes [T, heads, H] of the heads' rows [rows, N, H]."""
    return torch.stack([torch.from_numpy(r.reshape(-1, r.shape[2])[:count]) for r in rows], 1)


def _factors(layer: Layer, head: Head, calibration: Calibration, scales: Tensor) -> Floats:
    """The rotation times the scales of the keys' channels, over the step of the scan's query codes. [H, 2]"""
    known = layer.hidden[None] if calibration.hidden is None else calibration.hidden
    met = torch.stack([known @ query for query in head.queries]).double()
    lengths = met.unflatten(-1, (-1, 2)).norm(dim=-1)  # of the pairs that are turned
    largest = float((lengths * scales.unflatten(-1, (-1, 2)).amax(-1)).max())
    step = largest * MARGIN / KEY_MAX or 1.0
    return (rotation(head.angles) * scales[:, None] / step).numpy().astype(np.float32)
