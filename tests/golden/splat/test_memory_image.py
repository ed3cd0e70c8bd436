"""The memory image holds the frame, and the framebuffer's bytes become the image."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from golden.splat.frame import build_frame
from golden.splat.memory_image import MemoryImage, aligned_first, build_memory_image, read_frame
from golden.splat.memory_map import (
    COARSE_BYTES,
    GROUP_BYTES,
    HEADER_BYTES,
    LINE_BYTES,
    PIXEL_BYTES,
    VOXEL_ALIGN,
    VOXEL_BYTES,
    coarse_half,
    record,
    record_bytes,
)
from golden.splat.slabs import in_slabs
from golden.splat.spec import DEFAULT, TINY
from tests.golden.splat.rows import groups_of, header_of, list_of, row
from tests.golden.splat.views import View, view

SPECS = {"default": DEFAULT, "tiny": TINY, "flat colour": replace(DEFAULT, sh_degree=0)}


def laid_out(name: str) -> tuple[View, MemoryImage]:
    v = view(SPECS[name])
    return v, build_memory_image(v.image, v.frame, v.spec)


@pytest.mark.parametrize("name", SPECS)
def test_header(name: str) -> None:
    v, memory = laid_out(name)
    header, frame = header_of(memory.data, memory.header_address), v.frame
    for field, value in vars(frame).items():
        if field in header:
            assert header[field] == value, field
    for r in range(3):
        assert [header[f"rotation_{r}{c}"] for c in range(3)] == frame.rotation[r].tolist()
    assert [header[f"quaternion_{k}"] for k in range(4)] == list(frame.quaternion)
    assert [header[f"position_{axis}"] for axis in "xyz"] == frame.position.tolist()
    assert header["sh_degree"] == v.image.sh_degree == min(v.scene.sh_degree, v.spec.sh_degree)
    assert header["group_count"] == len(frame.groups)
    assert header["frame_address"] == memory.result_address == len(memory.data)
    assert memory.result_bytes == len(frame.groups) * v.spec.group_size**2 * PIXEL_BYTES


@pytest.mark.parametrize("name", SPECS)
def test_groups_and_their_lists(name: str) -> None:
    v, memory = laid_out(name)
    grid, first = v.image.grid, aligned_first(v.image)
    rows = groups_of(memory.data)
    assert len(rows) == len(v.frame.groups)
    for entry, group in zip(rows, v.frame.groups, strict=True):
        assert tuple(entry[side] for side in ("left", "right", "top", "bottom")) == group.slopes
        for field in ("centre_x", "centre_y", "valid_columns", "valid_rows"):
            assert entry[field] == getattr(group, field)
        for voxel, number in zip(list_of(memory.data, entry), group.voxels, strict=True):
            assert [voxel[f"index_{axis}"] for axis in "xyz"] == grid.index[number].tolist()
            assert (voxel["count"], voxel["first"]) == (grid.count[number], first[number])


@pytest.mark.parametrize("name", SPECS)
def test_gaussians(name: str, seed: int) -> None:
    v, memory = laid_out(name)
    image, header = v.image, header_of(memory.data)
    first, size = aligned_first(image), record_bytes(image.sh_degree)
    voxels = np.repeat(np.arange(len(image.grid)), image.grid.count)
    for place in np.random.default_rng(seed).permutation(len(image))[:400]:
        number = int(first[voxels[place]] + place - image.grid.first[voxels[place]])
        coarse = row(memory.data, coarse_half(v.spec), header["coarse_address"] + number * COARSE_BYTES, COARSE_BYTES)
        assert [coarse[f"offset_{axis}"] for axis in "xyz"] == image.offset[place].tolist()
        assert coarse["radius"] == image.radius[place]
        fine = row(memory.data, record(v.spec, image.sh_degree), header["record_address"] + number * size, size)
        assert [fine[f"quaternion_{c}"] for c in "wxyz"] == image.quaternion[place].tolist()
        assert [fine[f"scale_{k}"] for k in range(3)] == image.scale[place].tolist()
        assert [fine[f"dc_{c}"] for c in "rgb"] == image.dc[place].tolist()
        assert fine["opacity"] == image.opacity[place]
        assert image.sh_degree == 0 or fine["sh_exponent"] == image.sh_exponent[place]
        for k, coefficient in enumerate(image.sh[place]):
            assert [fine[f"sh_{k}_{c}"] for c in "rgb"] == coefficient.tolist()


@pytest.mark.parametrize("name", SPECS)
def test_everything_has_its_own_place_on_lines(name: str) -> None:
    v, memory = laid_out(name)
    header, first = header_of(memory.data), aligned_first(v.image)
    assert (first % VOXEL_ALIGN == 0).all()
    assert (first[1:] >= (first + v.image.grid.count)[:-1]).all()
    gaussians = int(first[-1] + v.image.grid.count[-1])
    regions = [
        (memory.header_address, HEADER_BYTES),
        (header["group_address"], header["group_count"] * GROUP_BYTES),
        *((g["list_address"], g["list_count"] * VOXEL_BYTES) for g in groups_of(memory.data)),
        (header["coarse_address"], gaussians * COARSE_BYTES),
        (header["record_address"], gaussians * record_bytes(v.image.sh_degree)),
        (memory.result_address, memory.result_bytes),
    ]
    for (start, size), (after, _) in itertools.pairwise(regions):
        assert start + size <= after
    assert all(start % LINE_BYTES == 0 for start, _ in regions)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(("width", "height"), [(128, 128), (65, 9), (3, 70), (130, 127)])
def test_framebuffer(name: str, width: int, height: int) -> None:
    """Pixel (x, y) lies where groups, sub-tiles and pixels, each row by row, put it."""
    spec = SPECS[name]
    v = view(spec)
    frame = build_frame(v.image, replace(v.camera, width=width, height=height), spec)
    size, tile = spec.group_size, spec.subtile
    y, x = np.mgrid[:height, :width]
    group = y // size * -(-width // size) + x // size
    place = y % size // tile * spec.columns + x % size // tile
    pixel = (group * spec.columns**2 + place) * spec.lanes + y % tile * tile + x % tile
    words = np.full(len(frame.groups) * size**2, 0xFFFFFFFF, "<u4")
    words[pixel] = y * width + x
    image = read_frame(words.view(np.uint8), frame, spec)
    assert image.shape == (height, width, PIXEL_BYTES)
    assert np.array_equal(np.ascontiguousarray(image).view("<u4")[..., 0], y * width + x)


def test_slabs_share_a_square_of_the_framebuffer() -> None:
    """Every slab is an entry with its range of depths; only the last of a square adds to the framebuffer."""
    spec = replace(TINY, sort_levels=4)
    v = view(spec)
    frame = in_slabs(v.image, v.frame, spec)
    memory = build_memory_image(v.image, frame, spec)
    entries = groups_of(memory.data)
    assert len(entries) == len(frame.groups) > len(v.frame.groups)
    for entry, group in zip(entries, frame.groups, strict=True):
        assert (entry["low"], entry["high"], entry["continued"]) == (group.low, group.high, group.continued)
        assert [voxel["depth"] for voxel in list_of(memory.data, entry)] == np.maximum(
            group.depths - frame.near, 0
        ).tolist()
    assert memory.result_bytes == len(v.frame.groups) * spec.group_size**2 * PIXEL_BYTES
