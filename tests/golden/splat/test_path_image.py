"""The memory image of a path: every head is its frame's, the scene stands once, and no two things overlap."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from golden.splat.frame import build_frame
from golden.splat.memory_image import MemoryImage, build_memory_image
from golden.splat.memory_map import GROUP_BYTES, HEADER_BYTES, LINE_BYTES, VIEW_BYTES
from golden.splat.path_image import build_path_image, read_path
from golden.splat.spec import TINY
from tests.golden.splat.rows import Row, groups_of, header_of, list_of, places_of, view_of
from tests.golden.splat.scenes import camera_at
from tests.golden.splat.views import View, view

ADDRESSES = {
    "group_address", "coarse_address", "record_address", "frame_address", "voxel_address", "list_address", "list_end",
    "next_address",
}  # fmt: skip
SIZES = [(40, 22), (17, 16), (33, 40)]
BASE = 128


@dataclass(frozen=True)
class Head:
    """What a header of the chain says."""

    address: int
    header: Row
    view: Row


def laid_out(listed: list[bool]) -> tuple[View, list, MemoryImage, list[Head]]:
    v = view(TINY)
    frames = [
        build_frame(v.image, camera_at((0.1 * k, 0, -3), size=size, focal=34), TINY) for k, size in enumerate(SIZES)
    ]
    memory = build_path_image(v.image, frames, TINY, listed=listed, base=BASE)
    heads: list[Head] = []
    address = BASE
    while address:
        heads.append(Head(address, header_of(memory.data, address), view_of(memory.data, address)))
        address = heads[-1].view["next_address"]
    return v, frames, memory, heads


@pytest.mark.parametrize("listed", [[False] * 3, [True] * 3, [False, True, False]], ids=["engine", "host", "both"])
def test_heads_and_scene(listed: list[bool]) -> None:
    v, frames, memory, heads = laid_out(listed)
    assert len(heads) == len(frames)
    pixels = memory.result_address
    for head, frame, by_host in zip(heads, frames, listed, strict=True):
        alone = build_memory_image(v.image, frame, TINY, base=BASE, listed=by_host)
        for mine, other in ((head.header, header_of(alone.data, BASE)), (head.view, view_of(alone.data, BASE))):
            assert {n: c for n, c in mine.items() if n not in ADDRESSES} == {
                n: c for n, c in other.items() if n not in ADDRESSES
            }
        assert head.header["frame_address"] == pixels
        pixels += alone.result_bytes
        assert places_of(memory.data, head.address) == places_of(alone.data, BASE)
        for name in ("coarse_address", "record_address"):
            begin, other = head.header[name], header_of(alone.data, BASE)[name]
            assert np.array_equal(memory.data[begin:], alone.data[other:])
        if by_host:
            groups, others = groups_of(memory.data, head.address), groups_of(alone.data, BASE)
            assert [list_of(memory.data, g) for g in groups] == [list_of(alone.data, g) for g in others]
    assert pixels == memory.result_address + memory.result_bytes


@pytest.mark.parametrize("listed", [[False] * 3, [True] * 3, [False, True, False]], ids=["engine", "host", "both"])
def test_what_is_in_use_at_a_time_does_not_overlap(listed: list[bool]) -> None:
    """A frame's head, tables and lists keep clear of those of its neighbours, of the scene and of all heads."""
    _, frames, _, heads = laid_out(listed)
    for k in range(len(heads) - 1):
        ranges = [(head.address, head.address + HEADER_BYTES + VIEW_BYTES) for head in heads]
        for head, frame in list(zip(heads, frames, strict=True))[k : k + 2]:
            table = head.header["group_address"]
            ranges.append((table, table + GROUP_BYTES * len(frame.groups)))
            lists = sum(-(-16 * len(group.voxels) // LINE_BYTES) * LINE_BYTES for group in frame.groups)
            assert head.view["list_end"] - head.view["list_address"] >= lists
            ranges.append((head.view["list_address"], head.view["list_end"]))
        ranges.append((heads[0].view["voxel_address"], heads[0].header["frame_address"]))
        ranges.sort()
        for (_, end), (begin, _) in pairwise(ranges):
            assert end <= begin


def test_frames_are_read_back_one_after_another() -> None:
    _, frames, memory, _ = laid_out([False] * 3)
    raw = np.random.default_rng(3).integers(0, 256, memory.result_bytes, dtype=np.uint8)
    results = read_path(raw, frames, TINY)
    assert [results[f"framebuffer_{k}"].shape[:2] for k in range(3)] == [(h, w) for w, h in SIZES]
    assert np.array_equal(results["framebuffer_1"][0, 0], raw[len(frames[0].groups) * TINY.group_size**2 * 4 :][:4])
