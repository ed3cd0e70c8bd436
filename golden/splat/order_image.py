"""A frame's lists in drawing order, as they lie in memory: what shared sorting leaves for the frames of its window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import InputError
from golden.rows import Bytes, Ints, from_bytes, pack
from golden.splat.frame import Frame
from golden.splat.memory_map import (
    GROUP,
    GROUP_BYTES,
    LINE_BYTES,
    ORDERED,
    ORDERED_DROP,
    ORDERED_NUMBER,
    VOXEL_BYTES,
)  # fmt: skip
from golden.splat.scene_image import SceneImage
from golden.splat.slabs import whole_square
from golden.splat.spec import Spec

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.splat.shared_order import SharedOrder


def whole_squares(frame: Frame, spec: Spec) -> Frame:
    """The frame with every square in one: what is drawn in a given order needs no depth slabs."""
    squares = tuple(whole_square(group, spec) for group in frame.groups if not group.continued)
    return replace(frame, groups=squares)


def pack_order(image: SceneImage, order: SharedOrder, squares: int, first: Ints) -> list[Bytes]:
    """Of every square its list, [n, 16]; `first` numbers each voxel's first Gaussian in memory. It may be empty.

    Raises:
        InputError: a list too few or too many, an entry that is no Gaussian of the scene, a number that does not fit.
    """
    if len(order.places) != squares:
        raise InputError(f"splat: an order must have a list for each of {squares} squares, it has {len(order.places)}")
    voxel = np.repeat(np.arange(len(image.grid)), image.grid.count)
    number = np.arange(len(image)) + (first - image.grid.first)[voxel]
    if number[-1] >> ORDERED_NUMBER:
        raise InputError(
            f"splat: lists in drawing order number 2**{ORDERED_NUMBER} Gaussians, those of this scene, with what lies "
            f"between its voxels, go up to {number[-1]}"
        )
    return [_pack_list(image, np.asarray(places), voxel, number) for places in order.places]


def order_room(image: SceneImage, frame: Frame) -> int:
    """Bytes for what a frame that sorts may write: its groups' entries, and lists of all that its voxels hold."""
    lists, held = 0, 0
    for group in frame.groups:
        held += int(image.grid.count[group.voxels].sum())
        if not group.continued:
            lists += -(-held * VOXEL_BYTES // LINE_BYTES) * LINE_BYTES
            held = 0
    return GROUP_BYTES * len(frame.groups) + lists


def read_order(raw: Bytes, address: int, squares: int) -> dict[str, Bytes | Ints]:
    """What the engine wrote of a frame that sorts, from `address`: `count` [squares], and `entry` [all, 16]."""
    table = from_bytes(GROUP, raw[: squares * GROUP_BYTES].reshape(squares, GROUP_BYTES))
    begins, counts = table["list_address"] - address, table["list_count"]
    lists = [raw[begin : begin + n * VOXEL_BYTES] for begin, n in zip(begins, counts, strict=True)]
    return {"count": counts, "entry": np.concatenate(lists).reshape(-1, VOXEL_BYTES)}


def expected_order(image: SceneImage, order: SharedOrder, first: Ints) -> dict[str, Bytes | Ints]:
    """The same of the model's."""
    lists = pack_order(image, order, len(order.places), first)
    return {"count": np.array([len(rows) for rows in lists]), "entry": np.concatenate(lists)}


def places_of(image: SceneImage, results: Mapping[str, Bytes | Ints], first: Ints) -> list[Ints]:
    """Of every square the places in the scene image that its list names."""
    numbers = from_bytes(ORDERED, np.asarray(results["entry"], np.uint8))["number"]
    voxel = np.searchsorted(first, numbers, side="right") - 1
    places = numbers - (first - image.grid.first)[voxel]
    return np.split(places, np.cumsum(results["count"])[:-1])


def _pack_list(image: SceneImage, places: Ints, voxel: Ints, number: Ints) -> Bytes:
    wrong = places[(places < 0) | (places >= len(image))]
    if len(wrong):
        raise InputError(f"splat: an order must hold places of 0..{len(image) - 1}, it holds {wrong[0]}")
    entries = {
        **{f"index_{axis}": image.grid.index[voxel[places], k] for k, axis in enumerate("xyz")},
        **{f"offset_{axis}": image.offset[places, k] for k, axis in enumerate("xyz")},
        "radius": image.radius[places] >> ORDERED_DROP,
        "number": number[places],
    }
    return pack(ORDERED, entries, VOXEL_BYTES)
