"""One attention head as the decode units hold it: codes, scales and constants, shared out to the nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden.cluster.dataflows import Head, angles
from golden.cluster.spec import CACHE_LIMIT, GROUP, MAX_HEAD, Spec
from golden.cluster.weights import Weights, quantise
from golden.errors import InputError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SharedHead:
    """A head on N nodes, split by tokens: token t is node t mod N's, as its row t div N.

    `hidden` codes [D] times `hidden_scale`; `projections` and `outputs` by node; `constants` [4, H, 2]: own
    and other factors for query, key, value, output; `keys` and `values` codes [rows, N, H], with room for the
    token that is decoded: row `rows - 1` of node `owner`.
    """

    spec: Spec
    hidden: Ints
    hidden_scale: float
    projections: list[Weights]
    outputs: list[Weights]
    constants: Floats
    keys: Ints
    values: Ints
    owner: int

    @property
    def size(self) -> int:
        """Elements of the head, H."""
        return self.keys.shape[2]

    @property
    def rows(self) -> int:
        """Tokens of a node."""
        return len(self.keys)


def check_head(hidden: Tensor, head: Head, spec: Spec) -> None:
    """Refuses a head that does not fit nodes and flits.

    Raises:
        InputError: with the rule and the value.
    """
    size, nodes = head.query.shape[1], spec.nodes
    unit = max(nodes * spec.lanes, spec.flit_bytes, GROUP if spec.weight_bits == 4 else 1)
    if size % unit or not 0 < size <= MAX_HEAD:
        raise InputError(
            f"decode: the head's size must be a multiple of {unit} (a flit for each of {nodes} nodes) "
            f"up to {MAX_HEAD}, it is {size}"
        )
    unit = max(nodes * spec.lanes, GROUP if spec.weight_bits == 4 else spec.flit_bytes)
    if len(hidden) % unit or len(hidden) > spec.inputs:
        raise InputError(
            f"decode: the hidden size must be a multiple of {unit} up to {spec.inputs} (set inputs), "
            f"it is {len(hidden)}"
        )
    if len(head.keys) == 0:
        raise InputError("decode: the cache must hold a token, it holds 0")
    for name, tensor in (("hidden", hidden), *vars(head).items()):
        if not torch.isfinite(tensor).all():
            raise InputError(f"decode: {name} must be finite")


def share(hidden: Tensor, head: Head, spec: Spec) -> SharedHead:
    """Quantises a head and shares it out.

    Hidden vector: codes of `activation_bits`, largest = top code. Cache: 8 bits with a static scale a
    channel, max|channel| / 127, which is folded into the constants: queries are multiplied with the keys'
    scale and 1 / √H, new keys and values divided by theirs, the output multiplied with the values'.

    Raises:
        InputError: sizes do not fit, or a number is not finite.
    """
    check_head(hidden, head, spec)
    size, nodes = head.query.shape[1], spec.nodes
    top = (1 << (spec.activation_bits - 1)) - 1
    scale = float(hidden.abs().max()) / top or 1.0
    codes = torch.round(hidden.double() / scale).clamp(-top, top).long().numpy()
    columns = [np.arange(size)[b * size // nodes : (b + 1) * size // nodes] for b in range(nodes)]
    matrices = [m.numpy().astype(np.float64) for m in (head.query, head.key, head.value)]
    projections = [quantise(np.concatenate([m[:, c].T for m in matrices]), spec) for c in columns]
    slices = np.array_split(np.arange(len(hidden)), nodes)
    outputs = [quantise(head.output.numpy().astype(np.float64)[:, s].T, spec) for s in slices]
    steps = {name: _steps(tensor) for name, tensor in (("keys", head.keys), ("values", head.values))}
    return SharedHead(
        spec=spec,
        hidden=codes,
        hidden_scale=scale,
        projections=projections,
        outputs=outputs,
        constants=_constants(len(head.keys), size, steps["keys"], steps["values"]),
        keys=_rows(head.keys, steps["keys"], nodes),
        values=_rows(head.values, steps["values"], nodes),
        owner=len(head.keys) % nodes,
    )


def _steps(cache: Tensor) -> Tensor:
    """Each channel's scale."""
    largest = cache.double().abs().amax(0)
    return torch.where(largest > 0, largest / CACHE_LIMIT, 1.0)


def _rows(cache: Tensor, steps: Tensor, nodes: int) -> Ints:
    """Codes [rows, N, H] of tokens [S, H], and of zeros where there is none."""
    codes = torch.round(cache.double() / steps).clamp(-CACHE_LIMIT, CACHE_LIMIT).long()
    rows = len(cache) // nodes + 1
    padded = torch.nn.functional.pad(codes, (0, 0, 0, rows * nodes - len(cache)))
    return padded.reshape(rows, nodes, -1).numpy()


def _constants(position: int, size: int, keys: Tensor, values: Tensor) -> Floats:
    """[4, H, 2]: rotary embedding's cosines and sines at `position`, times each vector's scales."""
    cosine, sine = (f(angles(position, size)).repeat_interleave(2) for f in (torch.cos, torch.sin))
    sine[::2] *= -1
    rotation = torch.stack([cosine, sine], 1)
    scaling = torch.stack([torch.ones(size), torch.zeros(size)], 1)
    factors = [(rotation, keys / size**0.5), (rotation, 1 / keys), (scaling, 1 / values), (scaling, values)]
    return torch.stack([pair * factor[:, None] for pair, factor in factors]).numpy().astype(np.float32)
