"""What the voxel sorting unit reads: the view behind the header, and the scene's voxel table."""

from __future__ import annotations

from golden.rows import Bytes, Ints, pack
from golden.splat.frame import Frame
from golden.splat.memory_map import PLACE, PLACE_BYTES, VIEW, VIEW_BYTES
from golden.splat.scene_image import SceneImage


def pack_view(frame: Frame, **places: int) -> Bytes:
    """The camera's words that the header lacks, and `places`, the fields that say where things lie; [1, 64]."""
    (reciprocal_x, exponent_x), (reciprocal_y, exponent_y) = frame.reciprocal
    camera = {
        "reciprocal_x": reciprocal_x,
        "reciprocal_y": reciprocal_y,
        "exponent_x": exponent_x,
        "exponent_y": exponent_y,
        "principal_x": frame.principal[0],
        "principal_y": frame.principal[1],
        "width": frame.camera.width,
        "height": frame.camera.height,
        "near_plane": frame.near_plane,
    }
    return pack(VIEW, {**camera, **places}, VIEW_BYTES)


def pack_places(image: SceneImage, first: Ints) -> Bytes:
    """The voxel table, [V, 64]; `first` numbers each voxel's first Gaussian in memory."""
    boxes = image.boxes
    axes = list(enumerate("xyz"))
    table = {
        **{f"index_{axis}": image.grid.index[:, k] for k, axis in axes},
        "count": image.grid.count,
        "first": first,
        "exponent": boxes.exponent,
        **{f"{name}_{axis}": getattr(boxes, name)[:, k] for name in ("low", "high", "middle") for k, axis in axes},
        **{f"half_{size}_{axis}": boxes.half[:, size - 1, k] for size in (1, 2) for k, axis in axes},
    }
    return pack(PLACE, table, PLACE_BYTES)
