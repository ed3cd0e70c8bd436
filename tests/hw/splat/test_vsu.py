"""The voxel sorting unit from memory to memory: group table, lists and header are the model's."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from golden.rows import Field, pack
from golden.scenes import Camera
from golden.splat.frame import build_frame
from golden.splat.memory_image import build_memory_image
from golden.splat.memory_map import HEADER, HEADER_BYTES, LINE_BYTES, VIEW, VIEW_BYTES, VOXEL_BYTES
from golden.splat.scene_image import build_scene_image
from golden.splat.spec import TINY
from golden.splat.vsu import near_bounds, reach, voxel_lists
from hw.splat.config import Config, tiny
from hw.splat.vsu import VoxelSortingUnit
from tests.golden.splat.rows import Bytes, Row, groups_of, header_of, list_of, row, view_of
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import View
from tests.hw.lib.bench import Bench, Log
from tests.hw.lib.byte_memory import ByteMemory

CONFIG = replace(tiny(), order_voxels=128, order_sides=32)
BASE = 256


@cache
def crowd() -> View:
    """Some dozens of voxels around the camera's axis, large and small Gaussians in them."""
    scene = random_scene(11, 500, degree=1, thinnest=0.01, widest=0.2)
    image = build_scene_image(scene, TINY, edge=0.8)
    camera = camera_at((0.1, -0.2, -3.5), size=(40, 22), focal=34.0)
    return View(spec=TINY, scene=scene, camera=camera, image=image, frame=build_frame(image, camera, TINY))


def host_memory(v: View, room: int = 1 << 15) -> Bytes:
    """The frame as the host lays it out, with room for the lists of any view."""
    return build_memory_image(v.image, v.frame, v.spec, base=BASE, list_room=room).data


def blank(data: Bytes) -> Bytes:
    """The same to be listed by the unit, with noise for all that it writes."""
    header, view = header_of(data, BASE), view_of(data, BASE)
    data = with_words(data, BASE, HEADER_BYTES, HEADER, near=0xA5A5A5, group_count=0x5A5A5A)
    data = with_words(data, BASE + HEADER_BYTES, VIEW_BYTES, VIEW, listed=0)
    data[header["group_address"] : view["list_end"]] = 0xA5
    return data


def run(config: Config, data: Bytes, *, frames: int = 1, stall: float = 0.0, seed: int = 0) -> tuple[Bytes, list[Row]]:
    """The memory after the unit has run on it, and its counters after each frame."""
    dut: Any = VoxelSortingUnit(config=config)
    bench = Bench(dut, seed=seed, deadline=40_000)
    content = bytearray(data.tobytes())
    ByteMemory(bench, dut.read, content, latency=9, stall=stall)
    written = bench.sink(dut.write.request, 0, stall=stall)
    bench.logs.remove(written)  # how many words come is open
    counters = Log("frames", count=frames)
    bench.logs.append(counters)
    events = ("visited", "lost_voxel", "listed", "lost_entries")

    async def drive(ctx: Any) -> None:
        for _ in range(frames):
            ctx.set(dut.address, BASE)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.address, 0)
            counted = dict.fromkeys(events, 0)
            busy = True
            while busy:
                _, _, busy, *now = await ctx.tick().sample(dut.busy, *(getattr(dut, name) for name in events))
                counted = {name: total + more for (name, total), more in zip(counted.items(), now, strict=True)}
            for word in written.values:
                at = word["address"]
                content[at : at + config.word_bytes] = word["data"].to_bytes(config.word_bytes, "little")
            counters.values.append(counted)

    bench.process(drive)
    bench.run()
    return np.frombuffer(bytes(content), np.uint8), counters.values


def check(v: View, found: Bytes) -> None:
    """Header, group table and every list entry are the host's."""
    wanted = host_memory(v)
    assert header_of(found, BASE) == header_of(wanted, BASE)
    entries, hosts = groups_of(found, BASE), groups_of(wanted, BASE)
    assert entries == hosts
    for mine, host in zip(entries, hosts, strict=True):
        assert list_of(found, mine) == list_of(wanted, host)


@pytest.mark.parametrize(
    ("width", "stall", "lean"), [(128, 0, 0), (256, 0.4, 0), (512, 0.3, 0), (128, 0.3, 1), (256, 0, 1)]
)
def test_a_view(width: int, stall: float, lean: int, seed: int) -> None:
    """Twice on end, from a memory in which nothing but the scene and the camera's words stand."""
    v = crowd()
    config = replace(CONFIG, memory_width=width, lean=lean)
    found, counters = run(config, blank(host_memory(v)), frames=2, stall=stall, seed=seed)
    check(v, found)
    visits = reach(v.image, v.frame, v.spec)
    for counted in counters:
        assert counted["visited"] == visits.seen.sum()
        assert counted["listed"] == sum(len(group.voxels) for group in v.frame.groups)
        assert counted["lost_voxel"] == counted["lost_entries"] == 0


def with_words(data: Bytes, address: int, size: int, fields: list[Field], **codes: int) -> Bytes:
    """The memory with other codes in some fields of a row."""
    data = data.copy()
    values = {**row(data, fields, address, size), **codes}
    data[address : address + size] = pack(fields, {name: np.array(code) for name, code in values.items()}, size)
    return data


def camera_words(v: View) -> tuple[Row, Row]:
    """What of header and view is the camera's alone: neither scene nor answers."""
    data = host_memory(v)
    header, view = header_of(data, BASE), view_of(data, BASE)
    answers = {"near", "group_count", "sh_degree"} | {name for name in header if name.endswith("_address")}
    scene = {"voxel_count", "voxel_address", "list_address", "list_end", "listed"}
    return (
        {name: code for name, code in header.items() if name not in answers},
        {name: code for name, code in view.items() if name not in scene},
    )


def with_camera(data: Bytes, v: View) -> Bytes:
    header, view = camera_words(v)
    data = with_words(data, BASE, HEADER_BYTES, HEADER, **header)
    return with_words(data, BASE + HEADER_BYTES, VIEW_BYTES, VIEW, **view)


def seen_from(v: View, camera: Camera) -> View:
    return replace(v, camera=camera, frame=build_frame(v.image, camera, v.spec))


OTHERS = {
    "another side": camera_at((0.4, -1.0, -3.0), size=(40, 22), focal=30),
    "smaller": camera_at((0.0, 0.1, -2.5), size=(17, 16), focal=21),
    "a window": replace(camera_at((0.0, 0.1, -2.5), size=(33, 17), focal=40), cx=-11.3, cy=25.9),
    "amid the scene": camera_at((0.1, 0.05, -0.3), size=(40, 32), focal=20),
    "long": camera_at((0, 0, -300), size=(40, 22), focal=6000),
    "the scene behind": camera_at((0.0, 0.0, 30.0), size=(20, 20), focal=20),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in ("smaller", "another side") else []) for n in OTHERS]
)
def test_only_the_cameras_words_change(name: str) -> None:
    """The memory of one view with another camera's words becomes the other view's, whatever was there before."""
    v = crowd()
    other = seen_from(v, OTHERS[name])
    first, _ = run(CONFIG, blank(host_memory(v)))
    found, counters = run(CONFIG, with_camera(first, other))
    check_groups(other, found)
    assert counters[0]["lost_entries"] == counters[0]["lost_voxel"] == 0
    assert (counters[0]["listed"] == 0) == (name == "the scene behind")


def check_groups(v: View, found: Bytes) -> None:
    """Near plane and groups are the model's; where the lists lie is the layout's of the view before."""
    header = header_of(found, BASE)
    assert (header["near"], header["group_count"]) == (v.frame.near, len(v.frame.groups))
    wanted = host_memory(v)
    place = view_of(found, BASE)["list_address"]
    for mine, host in zip(groups_of(found, BASE), groups_of(wanted, BASE), strict=True):
        assert mine == {**host, "list_address": place}
        assert list_of(found, mine) == list_of(wanted, host)
        place += -(-VOXEL_BYTES * mine["list_count"] // LINE_BYTES) * LINE_BYTES


@pytest.mark.parametrize("place", ["inside", "corner", "face"])
def test_a_camera_in_a_voxel_or_on_its_face(place: str) -> None:
    v = crowd()
    voxel = int(np.argmax(v.image.grid.count))
    offset = {"inside": 0.5, "corner": 0.0, "face": np.array([0.5, 0.5, 1.0])}[place]
    eye = v.image.grid.origin + (v.image.grid.index[voxel] + offset) * v.image.grid.edge
    other = seen_from(v, camera_at(tuple(eye), size=(20, 17), focal=20))
    found, _ = run(CONFIG, with_camera(blank(host_memory(v)), other))
    check_groups(other, found)
    assert all(voxel in group.voxels for group in other.frame.groups)


def test_more_voxels_than_fit_are_left_out_and_counted() -> None:
    v = crowd()
    config = replace(CONFIG, order_voxels=32)
    visited = int(reach(v.image, v.frame, v.spec).seen.sum())
    assert visited > 32
    bounds = near_bounds(v.image, v.frame, v.spec)
    lists = voxel_lists(v.image, v.frame, v.spec, capacity=32)
    groups = tuple(
        replace(group, voxels=voxels, depths=bounds[voxels])
        for group, voxels in zip(v.frame.groups, lists, strict=True)
    )
    found, counters = run(config, blank(host_memory(v)))
    check(replace(v, frame=replace(v.frame, groups=groups)), found)
    assert (counters[0]["visited"], counters[0]["lost_voxel"]) == (visited, visited - 32)


@pytest.mark.parametrize("width", [128, 512])
def test_entries_without_room_are_left_out_and_counted(width: int) -> None:
    """What is written is the beginning of each list; nothing is written behind the room."""
    v = crowd()
    data = host_memory(v)
    view = view_of(data, BASE)
    end = view["list_address"] + 20 * LINE_BYTES
    data = blank(with_words(data, BASE + HEADER_BYTES, VIEW_BYTES, VIEW, list_end=end))
    data[end : view["voxel_address"]] = 0x3C
    found, counters = run(replace(CONFIG, memory_width=width), data)
    assert np.array_equal(found[end:], data[end:])
    kept = 0
    for mine, host in zip(groups_of(found, BASE), groups_of(host_memory(v), BASE), strict=True):
        assert list_of(found, mine) == list_of(host_memory(v), host)[: mine["list_count"]]
        kept += mine["list_count"]
    total = sum(len(group.voxels) for group in v.frame.groups)
    assert (counters[0]["listed"], counters[0]["lost_entries"]) == (kept, total - kept)
    assert total > kept > 70


def test_no_voxels() -> None:
    """Groups with empty lists, and the near plane that was asked for."""
    v = crowd()
    data = with_words(blank(host_memory(v)), BASE + HEADER_BYTES, VIEW_BYTES, VIEW, voxel_count=0)
    found, counters = run(CONFIG, data)
    assert header_of(found, BASE)["near"] == v.frame.near_plane
    assert [group["list_count"] for group in groups_of(found, BASE)] == [0] * len(v.frame.groups)
    assert counters[0]["listed"] == counters[0]["visited"] == 0


def test_no_groups_and_no_focal_length() -> None:
    """Words that no host writes: the unit ends all the same, with what the model makes of them."""
    v = crowd()
    data = blank(host_memory(v))
    found, counters = run(CONFIG, with_words(data, BASE + HEADER_BYTES, VIEW_BYTES, VIEW, width=0))
    assert header_of(found, BASE)["group_count"] == counters[0]["listed"] == 0
    zero = replace(v.frame, reciprocal=((0, 0), (0, 0)))
    words = dict.fromkeys(("reciprocal_x", "reciprocal_y", "exponent_x", "exponent_y"), 0)
    found, _ = run(CONFIG, with_words(data, BASE + HEADER_BYTES, VIEW_BYTES, VIEW, **words))
    lists = voxel_lists(v.image, zero, v.spec)
    for mine, voxels in zip(groups_of(found, BASE), lists, strict=True):
        assert [mine[side] for side in ("left", "right", "top", "bottom")] == [-1, 1, -1, 1]
        assert mine["list_count"] == len(voxels)


def test_what_the_host_listed_stays() -> None:
    """Where the view says that lists are there, nothing is written."""
    v = crowd()
    data = build_memory_image(v.image, v.frame, v.spec, base=BASE).data
    found, counters = run(CONFIG, data)
    assert np.array_equal(found, data)
    assert not any(counters[0].values())
