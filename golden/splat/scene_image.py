"""A scene as the engine stores it: quantised Gaussians, voxel by voxel, in two arrays.

The coarse half of a Gaussian (8 bytes) is what the coarse filter reads for every Gaussian of a
visited voxel; the record (32 or 64 bytes by SH degree) is read only for its survivors. This
is StreamingGS's data layout (section III); the codes themselves are this project's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.books import BOOKS
from golden.scenes.scene import SH_C0, Floats, Scene
from golden.scenes.voxels import VoxelGrid, choose_edge, voxelise
from golden.splat.memory_map import COARSE_BYTES, VOXEL_BYTES
from golden.splat.spec import (
    CAMERA_FRACTION,
    EXTENT_FACTOR_FRACTION,
    MIN_ALPHA,
    RADIUS_BIAS,
    RADIUS_MANTISSA,
    SCALE_BIAS,
    Spec,
)
from golden.splat.voxel_boxes import VoxelBoxes, voxel_boxes

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
SIZE_CLASSES = (0.5, 1.0)  # voxel edges of support
SMALLEST_EXPONENT = -3  # of a Gaussian's coefficients: they reach ±8
BLOCK = 1 << 16  # Gaussians whose coefficients are turned into codes at once; only memory depends on it
DEFAULT_CROWD = 64.0  # Gaussians in the voxel of an average Gaussian
READ_MOST = 1.2  # bytes of a visit to every voxel, list entries and rests of words with them, over coarse halves alone
WORD_BYTES = 64  # of the memory that this is chosen for
BOOK_CROWD = 128.0  # the same with codebooks: records are cheap beside what a visit costs

#: Constant of each real spherical harmonic of bands 1 to 3, folded into the stored coefficient,
#: so that the hardware evaluates the bare polynomials of `color.sh_polynomials`.
SH_CONSTANTS = np.array(
    [
        -0.4886025119029199, 0.4886025119029199, -0.4886025119029199,
        1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792, 0.5462742152960396,
        -0.5900435899266435, 2.890611442640554, -0.4570457994644658, 0.3731763325901154,
        -0.4570457994644658, 1.445305721320277, -0.5900435899266435,
    ]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BookCodes:
    """The codebooks in the record's codes, and which entries each Gaussian has."""

    index: Ints  # [M, 4] scale, rotation, base colour, higher coefficients
    scale: Ints  # [K0, 3]
    quaternion: Ints  # [K1, 4]
    dc: Ints  # [K2, 3]
    sh_exponent: Ints  # [K3]
    sh: Ints  # [K3, rest, 3]

    def gathered(self) -> dict[str, Ints]:
        """What a `SceneImage` holds of each Gaussian by these books."""
        scale, rotation, dc, sh = self.index.T
        return {
            "scale": self.scale[scale],
            "quaternion": self.quaternion[rotation],
            "dc": self.dc[dc],
            "sh_exponent": self.sh_exponent[sh],
            "sh": self.sh[sh],
        }


@dataclass(frozen=True, kw_only=True)
class SceneImage:
    """The quantised scene. All arrays are int64 codes in voxel order; formats are in `Spec`."""

    name: str
    grid: VoxelGrid
    sh_degree: int  #: of the records, the lower of the scene's and the spec's
    offset: Ints  # [M, 3] position in the voxel, u0.position_bits
    radius: Ints  # [M] `bounding_radius`: exponent << 6 | mantissa, rounded up
    boxes: VoxelBoxes  # what decides which groups visit a voxel, and when
    quaternion: Ints  # [M, 4]
    scale: Ints  # [M, 3]
    opacity: Ints  # [M] -log2
    dc: Ints  # [M, 3]
    sh_exponent: Ints  # [M] coefficients are code · 2**-(7 + exponent)
    sh: Ints  # [M, rest, 3]
    rank: Ints  # [M] by which equal depths are ordered
    books: BookCodes | None  # with `codebooks`: where quaternion, scale, dc and sh come from
    transparent: int  #: Gaussians left out because their opacity is below 1/255

    def __len__(self) -> int:
        return len(self.radius)


def radius_code(radius: Doubles) -> Ints:
    """The smallest code whose value (64 + mantissa)·2**(exponent - 6 - 20) is at least `radius`."""
    mantissa, exponent = np.frexp(np.maximum(radius, 2.0**-RADIUS_BIAS))
    code = np.ceil(mantissa * 2 ** (RADIUS_MANTISSA + 1)).astype(np.int64) - (1 << RADIUS_MANTISSA)
    code += (exponent.astype(np.int64) - 1 + RADIUS_BIAS) << RADIUS_MANTISSA
    return code.clip(0, (1 << (5 + RADIUS_MANTISSA)) - 1)


def radius_value(code: Ints) -> Doubles:
    """The bounding radius in voxel edges that `code` stands for."""
    mantissa = (code & ((1 << RADIUS_MANTISSA) - 1)) + (1 << RADIUS_MANTISSA)
    return np.ldexp(mantissa.astype(np.float64), (code >> RADIUS_MANTISSA) - RADIUS_BIAS - RADIUS_MANTISSA)


def support_sigmas(opacity: Doubles) -> Doubles:
    """Distance in standard deviations at which alpha falls to 1/255: sqrt(2·ln(255·o))."""
    return np.sqrt(2 * np.log(np.maximum(opacity / MIN_ALPHA, 1)))


def bounding_radius(size: Doubles, opacity: Doubles, spec: Spec) -> Doubles:
    """How far the fine filter may see the support reach, in units of `size`, the largest standard deviation: [N].

    `extents` rounds its half-widths up: 2·ln(255·o), after the code of the opacity did, and the root. The codes of the
    scale and of the quaternion may make the Gaussian larger, by half a step and by two.
    """
    faintest = 2 * math.log(2) * 0.5 ** (spec.opacity_fraction + 1) + 0.5 ** (EXTENT_FACTOR_FRACTION - 1)
    squared = 1.002 * support_sigmas(opacity) ** 2 + faintest
    codes = 2.0 ** (0.5 ** (spec.scale_fraction + 1)) * (1 + 2.0 ** (2 - spec.quaternion_bits))
    root = max(spec.extent_sqrt(k) / math.sqrt(k << 10) for k in range(64, 256))
    return size * np.sqrt(squared) * codes * root


def _size_class(scene: Scene, edge: float) -> Ints:
    """0 for a support that reaches less than half a voxel edge, 1 for less than one, 2 beyond."""
    reach = scene.scales.max(axis=1) / edge * support_sigmas(scene.opacities.astype(np.float64))
    return np.digitize(reach, SIZE_CLASSES)


def widest(scene: Scene, spec: Spec) -> Doubles:
    """For each Gaussian, the voxel edge from which on its scale and its support have codes, [N]."""
    size = scene.scales.max(axis=1).astype(np.float64)
    reach = bounding_radius(size, scene.opacities.astype(np.float64), spec)
    highest = (min(32 << spec.scale_fraction, 1 << spec.scale_bits) - 1) / (1 << spec.scale_fraction) - SCALE_BIAS
    furthest = radius_value(np.array((1 << (5 + RADIUS_MANTISSA)) - 1))
    return np.maximum(size / 2.0**highest, reach / furthest)


def scene_edge(scene: Scene, spec: Spec, crowd: float | None = None) -> float:
    """The voxel edge for the scene, whatever the view: `crowd`, and every scale and support has a code.

    Without it `DEFAULT_CROWD`, with codebooks `BOOK_CROWD`; and it is larger where so many voxels hold few Gaussians
    that visits would read more than `READ_MOST` times what the coarse filter needs.

    At least the median Gaussian's size, for scenes of a few Gaussians close together, whose crowding
    sets no voxel size.
    """
    kept = _visible(scene)
    smallest = max(np.median(scene.scales[kept].max(axis=1)), widest(scene, spec)[kept].max())
    if crowd is not None:
        return max(choose_edge(scene, kept, crowd), float(smallest))
    crowd = BOOK_CROWD if spec.codebooks else DEFAULT_CROWD
    few = len(kept) < 16 * crowd
    edge = choose_edge(scene, kept, crowd) if few else choose_edge(scene, kept, crowd, wasteful=_wasteful)
    return max(edge, float(smallest))


def _wasteful(count: Ints) -> bool:
    """Visits to voxels of `count` Gaussians read too much beside their coarse halves."""
    halves = count * COARSE_BYTES
    words = -(-halves // WORD_BYTES) + VOXEL_BYTES / WORD_BYTES
    return bool(words.sum() * WORD_BYTES > READ_MOST * halves.sum())


def _visible(scene: Scene) -> Ints:
    """The Gaussians that can colour a pixel; the first one where none can."""
    visible = np.flatnonzero(scene.opacities >= MIN_ALPHA)
    return visible if len(visible) else np.array([0])


def _round_to(value: npt.NDArray[np.floating], scale: float, low: int, high: int) -> Ints:
    return np.rint(value.astype(np.float64) * scale).clip(low, high).astype(np.int64)


def _signed(bits: int) -> tuple[int, int]:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def build_scene_image(
    scene: Scene, spec: Spec, *, edge: float | None = None, origin: Doubles | None = None
) -> SceneImage:
    """Quantises `scene` in voxels of `edge`, without it `scene_edge`'s, around `origin`, without it the middle.

    Gaussians whose opacity is below 1/255 cannot colour a pixel; they are left out and counted.

    Raises:
        InputError: more than 2**`rank_bits` Gaussians.
    """
    if len(scene) > 1 << spec.rank_bits:
        raise InputError(
            f"splat: a scene may hold at most {1 << spec.rank_bits} Gaussians, this one holds {len(scene)}"
        )
    visible = _visible(scene)
    transparent = int((scene.opacities < MIN_ALPHA).sum())
    if edge is None:
        edge = scene_edge(scene, spec)
    grid = voxelise(scene, visible, edge, _size_class(scene, edge)[visible], origin=origin)
    scene = scene.select(grid.order)

    unit = 1 << spec.position_bits
    inside = grid.position - np.repeat(grid.index, grid.count, axis=0)
    opacity = scene.opacities.astype(np.float64)
    degree = min(scene.sh_degree, spec.sh_degree)
    rest = slice(1, (degree + 1) ** 2)
    books = _book_codes(scene, grid.edge, degree, spec) if spec.codebooks else None
    codes = books.gathered() if books else _look_codes(
        scene.scales, scene.quaternions, scene.sh[:, 0], scene.sh[:, rest], grid.edge, spec
    )  # fmt: skip
    offset = np.floor(inside * unit).clip(0, unit - 1).astype(np.int64)
    size = scene.scales.max(axis=1).astype(np.float64) / grid.edge
    radius = radius_code(bounding_radius(size, opacity, spec))
    return SceneImage(
        name=scene.name,
        grid=grid,
        sh_degree=degree,
        offset=offset,
        radius=radius,
        boxes=voxel_boxes(offset << (CAMERA_FRACTION - spec.position_bits), inside, radius_value(radius), grid.first),
        opacity=_round_to(
            -np.log2(np.maximum(opacity, MIN_ALPHA)), 2.0**spec.opacity_fraction, 0, (1 << spec.opacity_bits) - 1
        ),
        **codes,
        rank=np.arange(len(scene)) if books else grid.order,
        books=books,
        transparent=transparent,
    )


def _look_codes(
    scales: Floats, quaternions: Floats, dc: Floats, sh: Floats, edge: float, spec: Spec
) -> dict[str, Ints]:  # fmt: skip
    """The record's codes of sizes, rotations and colours: of Gaussians, or of the entries of books."""
    sh_exponent, sh_codes = _sh_codes(sh, spec.sh_bits)
    return {
        "quaternion": _round_to(quaternions, 2.0 ** (spec.quaternion_bits - 1), *_signed(spec.quaternion_bits)),
        "scale": _round_to(
            np.log2(scales.astype(np.float64) / edge) + SCALE_BIAS,
            2.0**spec.scale_fraction, 0, (32 << spec.scale_fraction) - 1,
        ).clip(0, (1 << spec.scale_bits) - 1),
        "dc": _round_to(0.5 + SH_C0 * dc, 2.0**spec.dc_fraction, *_signed(spec.dc_bits)),
        "sh_exponent": sh_exponent,
        "sh": sh_codes,
    }  # fmt: skip


def _book_codes(scene: Scene, edge: float, degree: int, spec: Spec) -> BookCodes:
    """The scene's codebooks for voxels of `edge`.

    Raises:
        InputError: it has none, or one has more entries than the spec's.
    """
    books = scene.books
    if books is None:
        raise InputError(f"splat: codebooks=1 needs a scene with codebooks, {scene.name} has none")
    for name, size, most in zip(BOOKS, books.sizes, spec.book_entries, strict=True):
        if size > most:
            raise InputError(
                f"splat: {name}_entries must be at least the {size} of {scene.name}'s codebook, it is {most}"
            )
    sh = books.sh[:, : (degree + 1) ** 2 - 1]
    return BookCodes(
        index=books.index, **_look_codes(books.scales, books.quaternions, books.dc, sh, edge, spec)
    )  # fmt: skip


def _sh_codes(sh: Floats, bits: int) -> tuple[Ints, Ints]:
    """Block floating point: one 4-bit exponent a Gaussian, the largest that lets its coefficients fit."""
    exponents, codes = np.zeros(len(sh), np.int64), np.zeros(sh.shape, np.int64)
    for first in range(0, len(sh) if sh.shape[1] else 0, BLOCK):
        block = slice(first, first + BLOCK)
        value = sh[block].astype(np.float64) * SH_CONSTANTS[: sh.shape[1], None]
        low, high = _signed(bits)
        with np.errstate(divide="ignore"):
            exponent = np.floor(np.log2((high + 0.5) / np.abs(value).max(axis=(1, 2)))) - (bits - 1)
        exponent = exponent.clip(SMALLEST_EXPONENT, 12)
        codes[block] = np.rint(value * 2.0 ** (bits - 1 + exponent)[:, None, None]).clip(low, high)
        exponents[block] = exponent - SMALLEST_EXPONENT
    return exponents, codes


def count_clipped(scene: Scene, spec: Spec) -> int:
    """How many visible Gaussians have a base colour or an SH coefficient that its code does not reach."""
    scene = scene.select(scene.opacities >= MIN_ALPHA)
    rest = (min(scene.sh_degree, spec.sh_degree) + 1) ** 2 - 1
    dc = (0.5 + SH_C0 * scene.sh[:, 0].astype(np.float64)) * 2.0**spec.dc_fraction
    sh = (
        scene.sh[:, 1 : 1 + rest].astype(np.float64)
        * SH_CONSTANTS[:rest, None]
        * 2.0 ** (spec.sh_bits - 1 + SMALLEST_EXPONENT)
    )
    beyond = np.zeros(len(scene), bool)
    for code, bits in ((dc, spec.dc_bits), (sh, spec.sh_bits)):
        low, high = _signed(bits)
        beyond |= ((np.rint(code) < low) | (np.rint(code) > high)).reshape(len(scene), -1).any(axis=1)
    return int(beyond.sum())
