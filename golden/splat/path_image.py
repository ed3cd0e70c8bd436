"""The bytes of a path: several frames of one stored scene, each header naming the next one.

Heads of all frames, two rooms that the voxel sorting unit's lists and group tables take in turn, the
scene once, and the framebuffers. A frame that the host lists has its group table and lists in its head.
The heads are the part `header`, both rooms are `lists`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from golden.rows import Bytes, Field
from golden.splat.frame import Frame
from golden.splat.memory_image import MemoryImage, build_memory_image, read_frame
from golden.splat.memory_map import (
    BOOKS,
    GROUP_BYTES,
    HEADER,
    HEADER_BYTES,
    LINE_BYTES,
    VIEW,
    VIEW_BYTES,
    VOXEL_BYTES,
)  # fmt: skip
from golden.splat.scene_image import SceneImage
from golden.splat.spec import Spec

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.splat.model import ModelResult
    from golden.splat.shared_order import SharedOrder

ROOMS = 2  # one frame is drawn while the next one is listed
SCENE = ("coarse_address", "record_address")  # of the header
CODEBOOKS = ("look_address", "sh_address")  # of the row behind the view


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What stands before a frame's lists, and behind it the host's group table and lists, if it made them."""

    data: Bytes
    memory: MemoryImage
    groups: int
    lists: int  # bytes

    @property
    def scene(self) -> int:
        """Where the scene begins in its own memory."""
        return _code(self.memory.data, VIEW, self.memory.header_address + HEADER_BYTES, "voxel_address")


def build_path_image(
    image: SceneImage, frames: Sequence[Frame], spec: Spec, *, listed: Sequence[bool], base: int = 0,
    list_room: int = 0, orders: Sequence[SharedOrder | None] | None = None,
    sorts: Collection[int] = (),
) -> MemoryImage:  # fmt: skip
    """Lays out frames that are drawn one after another, from `base`; those that are `listed` have the host's lists.

    The engine's lists of a frame have at least `list_room` bytes, a whole number of lines, for those of other views.
    Of the `listed` frames those with an order, if there are `orders`, have lists in drawing order; those of the numbers
    in `sorts` leave such lists in place of a framebuffer.

    Raises:
        InputError: `base` is not the start of a line.
    """
    heads: list[_Head] = []
    address = base
    for k, (frame, by_host, order) in enumerate(zip(frames, listed, orders or [None] * len(frames), strict=True)):
        heads.append(_head(image, frame, spec, address, by_host, order, k in sorts))
        address += len(heads[-1].data)
    rooms = [_room(heads, listed, k, list_room) for k in range(ROOMS)]
    room_address = [address, address + sum(rooms[0])]
    scene_address = address + sum(map(sum, rooms))
    last = heads[-1]
    moved = scene_address - last.scene
    places = {name: _code(last.memory.data, HEADER, last.memory.header_address, name) + moved for name in SCENE}
    pixels = scene_address + len(last.memory.data) - last.scene
    behind = [*(head.memory.header_address for head in heads[1:]), 0]
    for k, (head, by_host) in enumerate(zip(heads, listed, strict=True)):
        here = {**places, "frame_address": pixels}
        view = {"voxel_address": scene_address, "next_address": behind[k]}
        if not by_host:
            (tables, lists), begin = rooms[k % ROOMS], room_address[k % ROOMS]
            here["group_address"] = begin
            view |= {"list_address": begin + tables, "list_end": begin + tables + lists}
        _set(head.data, HEADER, 0, here)
        _set(head.data, VIEW, HEADER_BYTES, view)
        if image.books:
            row = HEADER_BYTES + VIEW_BYTES
            books = {name: _code(head.data, BOOKS, row, name) + scene_address - head.scene for name in CODEBOOKS}
            _set(head.data, BOOKS, row, books)
        pixels += head.memory.result_bytes
    before, room = np.zeros(base, np.uint8), np.zeros(scene_address - address, np.uint8)
    data = np.concatenate([before, *(head.data for head in heads), room, last.memory.data[last.scene :]])
    size = sum(head.memory.result_bytes for head in heads)
    stored = ("voxels", "coarse", "records", "books", "framebuffer")
    parts = {name: place + moved for name, place in last.memory.parts.items() if name in stored}
    return MemoryImage(
        data=data, header_address=base, result_address=len(data), result_bytes=size,
        parts={"header": base, "lists": address, **parts},
    )  # fmt: skip


def _head(
    image: SceneImage, frame: Frame, spec: Spec, address: int, by_host: bool, order: SharedOrder | None, sorts: bool
) -> _Head:  # fmt: skip
    memory = build_memory_image(image, frame, spec, base=address, listed=by_host, order=order, sorts=sorts)
    scene = _code(memory.data, VIEW, address + HEADER_BYTES, "voxel_address")
    end = scene if by_host else _code(memory.data, HEADER, address, "group_address")
    lists = sum(-(-len(group.voxels) * VOXEL_BYTES // LINE_BYTES) * LINE_BYTES for group in frame.groups)
    return _Head(data=memory.data[address:end].copy(), memory=memory, groups=len(frame.groups), lists=lists)


def _room(heads: Sequence[_Head], listed: Sequence[bool], turn: int, least: int) -> tuple[int, int]:
    """Bytes for the group tables and the lists of the frames that take this room."""
    turns = zip(heads[turn::ROOMS], listed[turn::ROOMS], strict=True)
    mine = [head for head, by_host in turns if not by_host]
    tables = max((GROUP_BYTES * head.groups for head in mine), default=0)
    return tables, max((max(head.lists, least) for head in mine), default=0)


def _place(fields: Sequence[Field], name: str) -> int:
    """The byte of a row at which a field of 32 bits begins."""
    return sum(field.width for field in fields[: [field.name for field in fields].index(name)]) // 8


def _code(data: Bytes, fields: Sequence[Field], row: int, name: str) -> int:
    at = row + _place(fields, name)
    return int.from_bytes(data[at : at + 4].tobytes(), "little")


def _set(data: Bytes, fields: Sequence[Field], row: int, codes: dict[str, int]) -> None:
    """Puts other codes into fields of 32 bits."""
    for name, code in codes.items():
        at = row + _place(fields, name)
        data[at : at + 4] = np.frombuffer(code.to_bytes(4, "little"), np.uint8)


def read_path(raw: Bytes, frames: Sequence[Frame], spec: Spec) -> dict[str, Bytes]:
    """What the engine wrote, by name: `framebuffer_0`, `framebuffer_1` …, each [H, W, 4]."""
    size = spec.group_size**2 * 4
    results: dict[str, Bytes] = {}
    begin = 0
    for k, frame in enumerate(frames):
        end = begin + size * sum(not group.continued for group in frame.groups)
        results[f"framebuffer_{k}"] = read_frame(raw[begin:end], frame, spec)
        begin = end
    return results


def expected_path(models: Sequence[ModelResult]) -> dict[str, Bytes]:
    """The same of the model."""
    return {f"framebuffer_{k}": model.image.numpy() for k, model in enumerate(models)}
