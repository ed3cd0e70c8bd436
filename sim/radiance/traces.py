"""Traces: what the pixels of a sequence of frames meet first, and what they look like drawn to the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golden.arrays import UNREADABLE, npz_arrays, reason
from golden.errors import InputError
from golden.radiance.spec import Spec
from golden.rows import Ints

SYNTHETIC = "synthetic"
FORM = re.compile(SYNTHETIC + r"(?::(?P<cell>\d+)(?::(?P<motion>\d+(?:\.\d+)?))?)?")
CELLS = (4, 8, 16)  # of the traces that are run where none is named
CELL, MOTION, FRAMES = 8, 1.0, 4
EMPTY = 1 / 5  # share of a layer's cells without a Gaussian
NAMES = ("ids", "count", "colour")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A sequence of frames."""

    name: str
    ids: Ints  #: [frames, height, width, record_length] of the first significant Gaussians, in drawing order
    count: Ints  #: [frames, height, width] of them
    colour: Ints  #: [frames, height, width, channels] of the pixel drawn to the end

    @property
    def frames(self) -> int:
        return len(self.count)

    @property
    def size(self) -> str:
        return f"{self.count.shape[2]}x{self.count.shape[1]}"


def known_traces() -> list[str]:
    """Made-up traces from fine to coarse."""
    return [f"{SYNTHETIC}:{cell}" for cell in CELLS]


def load_trace(source: str, spec: Spec, *, size: int = 256, frames: int | None = None, seed: int = 1) -> Trace:
    """A .npz file with `ids`, `count` and `colour` as in `Trace`, or `synthetic[:CELL[:MOTION]]`.

    Args:
        size: pixels a side of a made-up picture. frames: only so many, from the first; None: all, or FRAMES.

    Raises:
        InputError: no such file, not all arrays in it, arrays that do not fit one another or the spec, another form
            of name, or no frame.
    """
    if frames is not None and frames < 1:
        raise InputError(f"a trace has at least 1 frame, not {frames}")
    match = FORM.fullmatch(source)
    if match:
        cell, motion = int(match["cell"] or CELL), float(match["motion"] or MOTION)
        return synthetic_trace(spec, size=size, frames=frames or FRAMES, cell=cell, motion=motion, seed=seed)
    if source.startswith(SYNTHETIC):
        raise InputError(f"a made-up trace is {SYNTHETIC}[:CELL[:MOTION]], got '{source}'")
    return _file(Path(source), spec, frames)


def synthetic_trace(spec: Spec, *, size: int, frames: int, cell: int, motion: float, seed: int) -> Trace:
    """Layers of square cells, one Gaussian each, that move across the picture, the nearer ones the faster.

    A pixel meets the Gaussian of its cell in each layer in turn, but where the cell is empty, until its record is full.
    The larger the `cell`, in pixels, the more pixels have one record; the faster the `motion`, in pixels a frame of
    the nearest layer, the sooner records change. The colour is that of the first cells, shaded across the picture.

    Raises:
        InputError: a size beyond 4096, or cells beyond it.
    """
    for name, value, most in (("size", size, 4096), ("cell", cell, 4096)):
        if not 1 <= value <= most:
            raise InputError(f"a made-up trace: {name} must lie in 1..{most} pixels, it is {value}")
    layers = spec.record_length + 2
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, cell, (layers, 2))
    salt = rng.integers(1, 1 << 31, layers)
    place = np.arange(size)
    ids = np.zeros((frames, size, size, layers), np.int64)
    there = np.zeros(ids.shape, bool)
    for layer in range(layers):
        for frame in range(frames):
            x = np.floor((place + corner[layer, 0] + frame * motion / (layer + 1)) / cell).astype(np.int64)
            y = np.floor((place + corner[layer, 1]) / cell).astype(np.int64)
            mixed = _mix(y[:, None] * 65_537 + x + salt[layer])
            ids[frame, ..., layer] = mixed & (1 << spec.id_bits) - 1
            there[frame, ..., layer] = mixed >> 40 & 0xFFFF >= EMPTY * 65_536
    count = np.minimum(there.sum(-1), spec.record_length)
    first = np.argsort(~there, axis=-1, kind="stable")[..., : spec.record_length]
    ids = np.take_along_axis(ids, first, -1)
    light = np.linspace(0, 24, size)[:, None] + np.linspace(0, 24, size)
    base = np.stack([_mix(ids[..., 0] + 7 * k) % 160 + _mix(ids[..., 1] + k) % 48 for k in range(spec.channels)], -1)
    colour = (base + light[..., None].astype(np.int64)).clip(0, 255)
    name = f"{SYNTHETIC}:{cell}:{motion:g}"
    return Trace(name=name, ids=ids, count=count, colour=colour)


def _mix(value: Ints) -> Ints:
    """63 bits that depend on all of `value` (splitmix64's finish)."""
    with np.errstate(over="ignore"):
        x = value.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ x >> np.uint64(shift)) * np.uint64(factor)
        return (x ^ x >> np.uint64(31)).astype(np.int64) & np.int64((1 << 63) - 1)


def _file(path: Path, spec: Spec, frames: int | None) -> Trace:
    try:
        arrays = npz_arrays(path, NAMES)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UNREADABLE as error:
        raise InputError(f"{path}: a trace is a .npz file, this one cannot be read: {reason(error)}") from None
    for name in NAMES:
        if name not in arrays:
            raise InputError(f"{path}: a trace has arrays {', '.join(NAMES)}, this one lacks {name}")
    for name, ends in (("ids", (spec.record_length,)), ("count", ()), ("colour", (spec.channels,))):
        array = arrays[name]
        if array.dtype.kind not in "iu":
            raise InputError(f"{path}: {name} must be whole numbers, it is {array.dtype}")
        wanted = f"[frames, height, width{''.join(f', {end}' for end in ends)}]"
        if array.ndim != 3 + len(ends) or array.shape[3:] != ends or array.shape[:3] != arrays["count"].shape[:3]:
            raise InputError(f"{path}: {name} must be {wanted} of one size, it is {list(array.shape)}")
        if not array.size:
            raise InputError(f"{path}: {name} must hold a pixel, it is {list(array.shape)}")
    if frames is not None and frames > len(arrays["count"]):
        raise InputError(
            f"{path}: --frames must lie in 1..{len(arrays['count'])}, the frames there are, it is {frames}"
        )
    return Trace(name=path.stem, **{name: arrays[name][:frames].astype(np.int64) for name in NAMES})
