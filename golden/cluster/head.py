"""Attention heads as the decode units hold them: codes, scales and constants, shared out to the nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden.cluster.calibration import calibrated
from golden.cluster.dataflows import Head
from golden.cluster.spec import CACHE_LIMIT, GROUP, MAX_HEAD, Dataflow, Spec
from golden.cluster.weights import Weights, quantise
from golden.errors import InputError

CALIBRATION = 64  # tokens from which on every channel has a scale of its own
MARGIN = 1.25  # for fewer

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SharedHead:
    """A key-value head and its G query heads on N nodes.

    E, a node's elements of a cache entry, and the tokens of its rows:

        TOKEN: E = H, row r of node b is token r·N + b    HEAD: E = H/N, row r is token r

    `hidden` codes [D] times `hidden_scale`; `projections` by node, rows of the queries, key and value; `outputs` by
    query head and node; `constants` [N, 4, E, 2]: own and other factors for query, key, value, output; `keys` and
    `values` codes [rows, N, E], with room for the token that is decoded: the last row of node `owner` (TOKEN), or of
    all.
    """

    spec: Spec
    dataflow: Dataflow
    size: int  # H
    hidden: Ints
    hidden_scale: float
    projections: list[Weights]
    outputs: list[list[Weights]]
    constants: Floats
    keys: Ints
    values: Ints
    owner: int

    @property
    def group(self) -> int:
        """Query heads, G."""
        return len(self.outputs)

    @property
    def elements(self) -> int:
        """Of a cache entry in one node, E."""
        return self.keys.shape[2]

    @property
    def rows(self) -> int:
        """Tokens of a node."""
        return len(self.keys)

    @property
    def tokens(self) -> int:
        """Of the cache, with the one that is decoded."""
        if self.dataflow == Dataflow.HEAD:
            return self.rows
        return (self.rows - 1) * self.spec.nodes + self.owner + 1


def check_head(hidden: Tensor, head: Head, spec: Spec, dataflow: Dataflow) -> None:
    """Refuses a head that does not fit nodes and flits.

    Raises:
        InputError: with the rule and the value.
    """
    size, nodes = head.key.shape[1], spec.nodes
    if head.group > 1 and dataflow == Dataflow.HEAD:
        raise InputError(
            f"decode: query heads that share keys and values need a split by token, there are {head.group}"
        )
    entry = spec.flit_bytes if dataflow == Dataflow.TOKEN else nodes * spec.flit_bytes
    grouped = (1 if dataflow == Dataflow.TOKEN else nodes) * (GROUP if spec.weight_bits == 4 else 1)
    limits = {"head's": (size, max(nodes * spec.lanes, entry, grouped), MAX_HEAD)}
    limits["hidden"] = len(hidden), max(nodes * spec.lanes, spec.flit_bytes, grouped), spec.inputs
    for name, (value, unit, most) in limits.items():
        if value % unit or not 0 < value <= most:
            raise InputError(
                f"decode: the {name} size must be a multiple of {unit} up to {most} for {nodes} nodes split by "
                f"{dataflow.name.lower()}, it is {value}"
            )
    if len(head.keys) == 0:
        raise InputError("decode: the cache must hold a token, it holds 0")
    for name, tensor in (("hidden", hidden), *vars(head).items()):
        if not torch.isfinite(tensor).all():
            raise InputError(f"decode: {name} must be finite")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the weights met on other tokens: hidden vectors [n, D], what the heads attended to [n, G·H]."""

    hidden: Tensor | None = None
    attended: Tensor | None = None

    def heads(self, group: int) -> tuple[Tensor | None, ...]:
        """`attended`, [n, H] of every query head."""
        return (None,) * group if self.attended is None else self.attended.chunk(group, 1)


def share(
    hidden: Tensor, head: Head, spec: Spec, dataflow: Dataflow = Dataflow.TOKEN, calibration: Calibration | None = None
) -> SharedHead:
    """Quantises a head and shares it out. Weights are rounded to the nearest code, or calibrated.

    Hidden vector: codes of `activation_bits`, largest = top code. Cache: 8 bits with a static scale a
    channel, max|channel| / 127 (one for all where there are few tokens), which is folded into the constants:
    queries are multiplied with the keys' scale and 1 / √H, new keys and values divided by theirs, the output
    multiplied with the values'.

    Raises:
        InputError: sizes do not fit, or a number is not finite.
    """
    check_head(hidden, head, spec, dataflow)
    size, nodes = head.key.shape[1], spec.nodes
    top = (1 << (spec.activation_bits - 1)) - 1
    scale = float(hidden.abs().max()) / top or 1.0
    codes = torch.round(hidden.double() / scale).clamp(-top, top).long().numpy()
    columns = np.array_split(np.arange(size), nodes)
    matrices = [_double(m) for m in (*head.queries, head.key, head.value)]
    known = calibration or Calibration()
    projections = [quantised(np.concatenate([m[:, c].T for m in matrices]), known.hidden, spec) for c in columns]
    keys, values = _steps(head.keys), _steps(head.values)
    constants = _constants(head.angles, size, keys, values)
    if dataflow == Dataflow.TOKEN:
        constants = np.stack([constants] * nodes)
    else:
        constants = np.stack([constants[:, c] for c in columns])
    return SharedHead(
        spec=spec,
        dataflow=dataflow,
        size=size,
        hidden=codes,
        hidden_scale=scale,
        projections=projections,
        outputs=[
            _outputs(_double(output), inputs, spec, dataflow)
            for output, inputs in zip(head.outputs, known.heads(head.group), strict=True)
        ],
        constants=constants,
        keys=_rows(head.keys, keys, nodes, dataflow),
        values=_rows(head.values, values, nodes, dataflow),
        owner=len(head.keys) % nodes if dataflow == Dataflow.TOKEN else nodes - 1,
    )


def quantised(weights: npt.NDArray[np.float64], inputs: Tensor | None, spec: Spec) -> Weights:
    """Codes of weights [rows, inputs]: for the inputs [n, inputs] that they meet, where these are known."""
    return quantise(weights, spec) if inputs is None else calibrated(weights, _double(inputs), spec)


def _double(tensor: Tensor) -> npt.NDArray[np.float64]:
    return tensor.numpy().astype(np.float64)


def _outputs(output: npt.NDArray[np.float64], inputs: Tensor | None, spec: Spec, dataflow: Dataflow) -> list[Weights]:
    """A query head's output [H, D], by node: rows of the result, or elements of the head."""
    if dataflow == Dataflow.TOKEN:
        return [quantised(part.T, inputs, spec) for part in np.array_split(output, spec.nodes, 1)]
    parts = [None] * spec.nodes if inputs is None else inputs.tensor_split(spec.nodes, 1)
    return [quantised(o.T, x, spec) for o, x in zip(np.array_split(output, spec.nodes), parts, strict=True)]


def _steps(cache: Tensor) -> Tensor:
    """Each channel's scale; a short cache does not tell its channels apart, and has a margin for the new token."""
    largest = cache.double().abs().amax(0)
    if len(cache) < CALIBRATION:
        largest = largest.max().expand_as(largest) * MARGIN
    return torch.where(largest > 0, largest / CACHE_LIMIT, 1.0)


def _rows(cache: Tensor, steps: Tensor, nodes: int, dataflow: Dataflow) -> Ints:
    """Codes [rows, N, E] of tokens [S, H], and of zeros where there is none."""
    codes = torch.round(cache.double() / steps).clamp(-CACHE_LIMIT, CACHE_LIMIT).long()
    row_tokens = nodes if dataflow == Dataflow.TOKEN else 1
    spare = row_tokens - len(cache) % row_tokens
    return (
        torch.nn.functional.pad(codes, (0, 0, 0, spare))
        .reshape(-1, nodes, row_tokens * cache.shape[1] // nodes)
        .numpy()
    )


def rotation(turn: Tensor) -> Tensor:
    """[H, 2]: own and other factors of each element, the rotary embedding's cosines and sines of the angles [H/2]."""
    cosine, sine = (f(turn).repeat_interleave(2) for f in (torch.cos, torch.sin))
    sine[::2] *= -1
    return torch.stack([cosine, sine], 1)


def _constants(turn: Tensor, size: int, keys: Tensor, values: Tensor) -> Floats:
    """[4, H, 2]: `rotation`, or none, times each vector's scales."""
    scaling = torch.stack([torch.ones(size), torch.zeros(size)], 1)
    turned = rotation(turn)
    factors = [(turned, keys / size**0.5), (turned, 1 / keys), (scaling, 1 / values), (scaling, values)]
    return torch.stack([pair * factor[:, None] for pair, factor in factors]).numpy().astype(np.float32)
