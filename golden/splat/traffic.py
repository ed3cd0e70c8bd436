"""What a frame moves: voxels as this engine reads them, and the same frame drawn tile by tile through memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.scenes import Camera, Scene
from golden.splat.coarse_filter import coarse_filter, voxel_fetch
from golden.splat.ewa import project
from golden.splat.frame import Frame
from golden.splat.memory_image import aligned_first
from golden.splat.memory_map import COARSE_BYTES, INDEX_RECORD_BYTES, record_bytes
from golden.splat.scene_image import SceneImage
from golden.splat.spec import Spec

Ints = npt.NDArray[np.int64]

TILE = 16  # pixels a side
KEY, INDEX = 8, 4  # bytes of a sort key, tile above depth, and of what is sorted with it
DEPTH_KEY_BITS, RADIX_BITS = 32, 8
FEATURES = 4 * (2 + 3 + 1 + 3 + 1)  # bytes: centre, conic, opacity, colour, depth
PLACED = 4 * (2 + 1 + 1)  # of them, what the making of keys reads: centre, depth, radius


@dataclass(frozen=True, kw_only=True)
class VoxelWords:
    """Memory words of a frame's coarse halves and records, and those of them that a cache has."""

    coarse: int
    record: int
    coarse_hits: int
    record_hits: int
    distinct: int  #: different words: what would be read if none were read twice
    candidates: int  #: Gaussians whose records are read

    def bytes_read(self, word_bytes: int) -> int:
        """From memory."""
        return word_bytes * (self.coarse + self.record - self.coarse_hits - self.record_hits)


def voxel_words(
    image: SceneImage, frame: Frame, spec: Spec, *, word_bytes: int, coarse_cache: int = 0, record_cache: int = 0
) -> VoxelWords:  # fmt: skip
    """Counts as the engine reads: every word of a visited voxel, and of a record's what the candidate before has not.

    No group is cut short here, as the engine cuts those that are opaque.
    """
    first = aligned_first(image)
    numbers = np.repeat(first - image.grid.first, image.grid.count) + np.arange(len(image))
    record = INDEX_RECORD_BYTES if image.books else record_bytes(image.sh_degree)
    coarse: list[Ints] = []
    records: list[Ints] = []
    candidates = 0
    for group in frame.groups:
        begin = first[group.voxels] * COARSE_BYTES // word_bytes
        end = (first[group.voxels] + image.grid.count[group.voxels]) * COARSE_BYTES - 1
        length = end // word_bytes - begin + 1
        runs = np.repeat(begin - (length.cumsum() - length), length) + np.arange(length.sum())
        coarse.append(runs)
        streamed, _ = voxel_fetch(image, frame, group, spec)
        kept = coarse_filter(streamed, image, frame, group, spec)
        candidates += int(kept.sum())
        records.append(_record_words(numbers[streamed.place[kept].numpy()], record, word_bytes))
    halves, all_records = np.concatenate(coarse), np.concatenate(records)
    return VoxelWords(
        coarse=len(halves),
        record=len(all_records),
        coarse_hits=cache_hits(halves, coarse_cache),
        record_hits=cache_hits(all_records, record_cache),
        distinct=len(np.unique(halves)) + len(np.unique(all_records)),
        candidates=candidates,
    )


def _record_words(numbers: Ints, record: int, word_bytes: int) -> Ints:
    """The words that the records of these Gaussians are read from, one behind the other."""
    if record >= word_bytes:
        parts = record // word_bytes
        return (numbers[:, None] * parts + np.arange(parts)).reshape(-1)
    words = numbers * record // word_bytes
    return words[np.diff(words, prepend=-1) != 0]


def cache_hits(words: Ints, places: int) -> int:
    """How many of these words, read in that order, a direct-mapped cache of `places` words has; 0 of none."""
    if not places:
        return 0
    order = np.argsort(words % places, kind="stable")
    there = words[order]
    return int((there[1:] == there[:-1]).sum())


@dataclass(frozen=True, kw_only=True)
class TileCentric:
    """Bytes of a frame that is projected, sorted and drawn through memory, tile by tile."""

    parameters: int  #: read: every Gaussian's 32-bit numbers
    features: int  #: written by the projection, and read again to make keys
    sorting: int  #: keys with their index, written, then read and written in each pass
    drawing: int  #: read: the index and the features of each tile's Gaussians
    picture: int  #: written
    pairs: int  #: of a Gaussian and a tile; no bytes

    @property
    def total(self) -> int:
        """All bytes."""
        return self.parameters + self.features + self.sorting + self.drawing + self.picture


def tile_centric(scene: Scene, camera: Camera, *, pixel_bytes: int = 4) -> TileCentric:
    """Counts for INRIA's program: tiles of 16 pixels, squares of 3 σ, radix sort by 8 bits of (tile, depth).

    What is opaque early is drawn to its end here, and no cache helps: an upper bound of the drawing, as papers count.
    """
    columns, rows = (-(-size // TILE) for size in (camera.width, camera.height))
    projected = project(scene, camera)
    low = ((projected.mean - projected.radius) / TILE).floor().long()
    high = ((projected.mean + projected.radius + TILE - 1) / TILE).floor().long()
    span = [
        (high[:, axis].clamp(0, size) - low[:, axis].clamp(0, size)).clamp_min(0)
        for axis, size in ((0, columns), (1, rows))
    ]
    pairs = int((span[0] * span[1]).sum())
    passes = math.ceil((DEPTH_KEY_BITS + math.ceil(math.log2(max(columns * rows, 2)))) / RADIX_BITS)
    floats = 3 + 3 + 4 + 1 + 3 * scene.sh.shape[1]
    return TileCentric(
        parameters=4 * floats * len(scene),
        features=(FEATURES + PLACED) * len(projected),
        sorting=pairs * (KEY + INDEX) * (1 + 2 * passes),
        drawing=pairs * (INDEX + FEATURES - 4),
        picture=camera.width * camera.height * pixel_bytes,
        pairs=pairs,
    )
