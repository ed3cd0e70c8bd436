"""A frame's lists in drawing order, as they lie in memory: what shared sorting leaves for the frames of its window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import InputError
from golden.rows import Bytes, Ints, pack
from golden.splat.frame import Frame
from golden.splat.memory_map import ORDERED, ORDERED_DROP, ORDERED_NUMBER, VOXEL_BYTES
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
