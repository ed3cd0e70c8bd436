"""`.hier`: the container of hierarchical 3D Gaussians, in half or single precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy, check_hierarchy
from golden.scenes.scene import make_scene

#: A node as the public tool writes it: in half precision packed, in single precision as it stands in memory.
HALF_NODE = np.dtype(
    [
        ("parent", "<i4"), ("start", "<i4"), ("start_children", "<i4"), ("depth", "<i2"),
        ("count_children", "<i2"), ("count_leafs", "<i2"), ("count_merged", "<i2"),
    ]
)  # fmt: skip
SINGLE_NODE = np.dtype(
    [
        ("depth", "<i4"), ("parent", "<i4"), ("start", "<i4"), ("count_leafs", "<i4"), ("count_merged", "<i4"),
        ("start_children", "<i4"), ("count_children", "<i4"),
    ]
)  # fmt: skip
COEFFICIENTS = 16


class _Reader:
    """Reads one array after the other from the file."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name, self.raw, self.place = name, raw, 0

    def take(self, what: str, kind: npt.DTypeLike, *shape: int) -> npt.NDArray[Any]:
        kind = np.dtype(kind)
        count = int(np.prod(shape, dtype=object))
        end = self.place + count * kind.itemsize
        if end > len(self.raw):
            raise InputError(f"{self.name}: {what} must end at byte {end}, the file has {len(self.raw)}")
        values = np.frombuffer(self.raw, kind, count, self.place).reshape(shape)
        self.place = end
        return values


@np.errstate(invalid="ignore")  # a signalling NaN; check_hierarchy and make_scene refuse or drop it
def load_hier(path: str | Path) -> Hierarchy:
    """Reads a `.hier` file. Opacities above 1 are clamped; the file's depth field is not used.

    Raises:
        InputError: unreadable, of the wrong length, a count out of range, a Gaussian that is not finite, or
            anything `check_hierarchy` refuses.
    """
    path = Path(path)
    try:
        reader = _Reader(path.name, path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    signed_count = int(reader.take("the number of Gaussians", "<i4", 1)[0])
    count = abs(signed_count)
    kind, row = ("<f2", HALF_NODE) if signed_count < 0 else ("<f4", SINGLE_NODE)
    if count == 0:
        raise InputError(f"{path.name}: a hierarchy needs at least one Gaussian, it has 0")
    means = reader.take("positions", "<f4", count, 3)
    rotation = reader.take("rotations", kind, count, 4).astype(np.float32)
    log_scale = reader.take("scales", kind, count, 3).astype(np.float32)
    opacity = reader.take("opacities", kind, count).astype(np.float32)
    sh = reader.take("colours", kind, count, COEFFICIENTS, 3).astype(np.float32)
    nodes = int(reader.take("the number of nodes", "<i4", 1)[0])
    if nodes < 1:
        raise InputError(f"{path.name}: a hierarchy needs at least one node, it has {nodes}")
    node = reader.take("nodes", row, nodes)
    box = reader.take("boxes", kind, nodes, 2, 4).astype(np.float64)
    if reader.place != len(reader.raw):
        raise InputError(f"{path.name}: the file must end at byte {reader.place}, it has {len(reader.raw)}")
    scene = make_scene(
        path.name,
        means=means.astype(np.float32),
        log_scales=log_scale,
        quaternions=rotation,
        opacities=np.clip(opacity, None, 1),
        sh=sh,
    )
    if scene.dropped:
        raise InputError(
            f"{path.name}: every Gaussian of a hierarchy must be finite and turned, {scene.dropped} are not"
        )
    return check_hierarchy(
        Hierarchy(
            scene=scene,
            parent=node["parent"].astype(np.int64),
            first_child=node["start_children"].astype(np.int64),
            children=node["count_children"].astype(np.int64),
            gaussian=node["start"].astype(np.int64),
            gaussians=node["count_leafs"].astype(np.int64) + node["count_merged"],
            kept=node["count_leafs"].astype(np.int64),
            low=box[:, 0, :3].copy(),
            high=box[:, 1, :3].copy(),
            size=box[:, 0, 3].copy(),
        )
    )
