"""The bytes of a cached frame: job, the caches that the frame before has left, the frame, and what comes of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from golden.chips.lumina.memory_map import JOB, JOB_BYTES
from golden.chips.lumina.spec import Spec
from golden.errors import InputError
from golden.radiance.memory_map import HEADER, HEADER_BYTES, LINE_BYTES, image_bytes
from golden.radiance.saved import save, set_columns
from golden.rows import Bytes, Ints, from_bytes, to_bytes
from golden.splat import memory_image as splat
from golden.splat.frame import Frame
from golden.splat.scene_image import SceneImage

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.chips.lumina.model import LuminaResult


@dataclass(frozen=True, kw_only=True)
class LuminaImage:
    """All that the chip reads. The framebuffer and the caches behind it are what is read back."""

    data: Bytes  #: from address 0, a whole number of lines
    header_address: int
    result_address: int  #: the framebuffer; the written caches follow
    result_bytes: int
    frame_bytes: int  #: of the framebuffer
    regions: int
    room_bytes: int
    identity: int


def room_bytes(spec: Spec) -> int:
    """From a region's saved cache to the next one's."""
    return -(-image_bytes(spec.radiance) // LINE_BYTES) * LINE_BYTES


def build_memory_image(
    image: SceneImage, frame: Frame, spec: Spec, saved: Sequence[Bytes] | None, *, identity: int, listed: bool = True,
    packed: tuple[Bytes, Bytes] | None = None,
) -> LuminaImage:  # fmt: skip
    """Lays out a frame: job, saved caches, and the splatting engine's image with `listed` and `packed`.

    Args:
        saved: by region, what the frame before has left, whatever it may be, all of one length; None: all begin empty.

    Raises:
        InputError: not one saved cache for each region, or of different lengths, or longer than one can be.
    """
    regions, room, size = frame.columns * frame.rows, room_bytes(spec), spec.splat.group_size
    held = 0 if saved is None else len(saved[0]) if saved else 0
    if saved is not None and len(saved) != regions:
        raise InputError(f"lumina: a frame of {regions} regions needs as many saved caches, there are {len(saved)}")
    if any(len(each) != held for each in saved or ()) or held > room:
        raise InputError(f"lumina: saved caches must have one length of at most {room} bytes")
    base = JOB_BYTES + regions * room
    drawn = splat.build_memory_image(image, frame, spec.splat, base=base, listed=listed, packed=packed)
    job = {
        "frame_address": base, "read_address": JOB_BYTES, "read_bytes": held,
        "write_address": drawn.result_address + drawn.result_bytes, "room_bytes": room, "identity": identity,
        "columns": frame.columns, "rows": frame.rows, "last_width": frame.camera.width - (frame.columns - 1) * size,
        "last_height": frame.camera.height - (frame.rows - 1) * size,
    }  # fmt: skip
    drawn.data[:JOB_BYTES] = to_bytes(JOB, job, 1)[0]
    for number, each in enumerate(saved or ()):
        drawn.data[JOB_BYTES + number * room :][:held] = each
    return LuminaImage(
        data=drawn.data, header_address=0, result_address=drawn.result_address,
        result_bytes=drawn.result_bytes + regions * room, frame_bytes=drawn.result_bytes, regions=regions,
        room_bytes=room, identity=identity,
    )  # fmt: skip


def saved_caches(raw: Bytes, image: LuminaImage, spec: Spec) -> list[Bytes]:
    """By region, the saved cache that the chip wrote, for the next frame."""
    rooms = raw[image.frame_bytes :].reshape(image.regions, image.room_bytes)
    return [room[: image_bytes(spec.radiance)].copy() for room in rooms]


def read_results(raw: Bytes, image: LuminaImage, frame: Frame, spec: Spec) -> dict[str, Ints | Bytes]:
    """What the chip wrote, by name: `framebuffer` [H, W, 4]; and of the saved caches `header` [regions, fields],
    `valid`, `tag`, `cached` and `recent`."""
    picture = splat.read_frame(raw[: image.frame_bytes], frame, spec.splat)
    return {"framebuffer": picture, **_caches(saved_caches(raw, image, spec), spec)}


def expected_results(model: LuminaResult, image: LuminaImage, spec: Spec) -> dict[str, Ints | Bytes]:
    """The same of the model's answer."""
    saved = [save(spec.radiance, model.caches, region, image.identity) for region in range(image.regions)]
    return {"framebuffer": model.image.numpy(), **_caches(saved, spec)}


def _caches(saved: Sequence[Bytes], spec: Spec) -> dict[str, Ints]:
    sets = [set_columns(spec.radiance, each) for each in saved]
    headers = [from_bytes(HEADER, each[None, :HEADER_BYTES]) for each in saved]
    columns = {"valid": "valid", "tag": "tag", "cached": "colour", "recent": "recent"}
    return {
        "header": np.stack([np.concatenate(list(header.values())) for header in headers]),
        **{name: np.stack([each[column] for each in sets]) for name, column in columns.items()},
    }
