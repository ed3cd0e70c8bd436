"""Lists in drawing order in memory: each entry is its Gaussian, and the rest of the image is the frame's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from golden.errors import InputError
from golden.splat.memory_image import aligned_first, build_memory_image
from golden.splat.memory_map import ORDERED, ORDERED_NUMBER, VOXEL_BYTES
from golden.splat.order_image import pack_order
from golden.splat.path_image import build_path_image
from golden.splat.shared_order import SharedOrder, sort_squares
from golden.splat.slabs import in_slabs
from golden.splat.spec import TINY
from tests.golden.splat.rows import groups_of, header_of, row, view_of
from tests.golden.splat.views import View, view

SPEC = replace(TINY, sort_levels=4)  # every square is in depth slabs


def sliced() -> tuple[View, SharedOrder]:
    """A view whose squares are cut, and the order of another with an empty list and one that has a Gaussian twice."""
    v = view(TINY)
    v = replace(v, frame=in_slabs(v.image, v.frame, SPEC))
    order = sort_squares(v.image, v.frame, TINY, 2)
    places = [torch.tensor([], dtype=torch.int64), torch.cat([order.places[1], order.places[1][:1]])]
    return v, SharedOrder(places=[*places, *order.places[2:]])


@pytest.mark.parametrize("path", [False, True])
def test_entries_are_the_gaussians(path: bool) -> None:
    """In order, with the numbers under which their records lie; a radius is never smaller than the Gaussian's."""
    v, order = sliced()
    image = v.image
    if path:
        memory = build_path_image(image, [v.frame], TINY, listed=[True], orders=[order])
    else:
        memory = build_memory_image(image, v.frame, TINY, order=order)
    plain = build_memory_image(image, v.frame, TINY)
    header, groups = header_of(memory.data), groups_of(memory.data)
    squares = [group for group in v.frame.groups if not group.continued]
    assert len(groups) == len(squares) == header["group_count"] < len(v.frame.groups)
    assert (header["ordered"], header_of(plain.data)["ordered"], view_of(memory.data)["listed"]) == (1, 0, 1)
    first, voxels = aligned_first(image), np.repeat(np.arange(len(image.grid)), image.grid.count)
    for entry, group, places in zip(groups, squares, order.places, strict=True):
        assert tuple(entry[side] for side in ("left", "right", "top", "bottom")) == group.slopes
        low, high = SPEC.camera_format.low, SPEC.camera_format.high
        assert (entry["low"], entry["high"], entry["continued"], entry["list_count"]) == (low, high, 0, len(places))
        for k, place in enumerate(places.tolist()):
            listed = row(memory.data, ORDERED, entry["list_address"] + k * VOXEL_BYTES, VOXEL_BYTES)
            voxel = voxels[place]
            assert [listed[f"index_{axis}"] for axis in "xyz"] == image.grid.index[voxel].tolist()
            assert [listed[f"offset_{axis}"] for axis in "xyz"] == image.offset[place].tolist()
            assert listed["number"] == first[voxel] + place - image.grid.first[voxel]
            assert 0 <= (listed["radius"] << 4 | 15) - int(image.radius[place]) <= 15
    scene = memory.data[view_of(memory.data)["voxel_address"] :]
    assert np.array_equal(scene, plain.data[view_of(plain.data)["voxel_address"] :])
    assert memory.result_bytes == plain.result_bytes


def test_refused() -> None:
    """Lists that are not the squares', entries that are no Gaussians, and scenes beyond what a list numbers."""
    v, order = sliced()
    squares, first = len(order.places), aligned_first(v.image)
    with pytest.raises(InputError, match=f"a list for each of {squares} squares, it has {squares - 1}$"):
        build_memory_image(v.image, v.frame, TINY, order=SharedOrder(places=order.places[1:]))
    for wrong in (-1, len(v.image)):
        places = [torch.tensor([0, wrong]), *order.places[1:]]
        with pytest.raises(InputError, match=rf"must hold places of 0..{len(v.image) - 1}, it holds {wrong}$"):
            pack_order(v.image, SharedOrder(places=places), squares, first)
    far = (1 << ORDERED_NUMBER) - first[-1]
    with pytest.raises(InputError, match=r"number 2\*\*25 Gaussians, those of this scene"):
        pack_order(v.image, order, squares, first + far)
