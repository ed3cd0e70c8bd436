"""3DGS and 2DGS `.ply` and PlayCanvas `.compressed.ply`."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from plyfile import PlyData, PlyElement, PlyParseError, PlyProperty

from golden.errors import InputError
from golden.scenes.ply_header import readable
from golden.scenes.scene import MAX_DEGREE, SH_C0, Doubles, Floats, Scene, degree_note, make_scene, sigmoid
from golden.scenes.smallest_three import complete

CHUNK_SIZE = 256  # Gaussians that share one min/max box in a compressed file
PACKED = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
FLAT_LOG_SCALE = np.log(1e-6)  # the third scale of a 2-D Gaussian, as the public tools export it
HALF_RULE = "; half-precision numbers are read where all properties are 'ushort'"
MIP = re.compile(r"SplatRenderMode:\s*mip", re.IGNORECASE)  # a comment of files trained with the 2-D mip filter
ELEMENTS = ("vertex", "chunk", "sh")  # what a file of Gaussians may hold; others are passed over


def load_ply(path: Path) -> Scene:
    """Reads a binary or ASCII `.ply` of Gaussians, plain or compressed.

    A file whose properties are all `ushort` holds half-precision numbers; one without `scale_2`
    holds 2-D Gaussians, which get the third scale 1e-6. SH above degree 3 is left out, which the
    scene's notes say. The comment `SplatRenderMode: mip` is heeded.

    Raises:
        InputError: not a PLY file, truncated, a property missing or of the wrong kind.
    """
    try:
        data = PlyData.read(readable(path, ELEMENTS))
    except InputError:
        raise
    except (PlyParseError, ValueError, OverflowError, MemoryError) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path.name}: not a readable PLY file: {detail}") from error
    if "vertex" not in data:
        raise InputError(f"{path.name}: a Gaussian PLY needs an element 'vertex', found {[e.name for e in data]}")
    read = _compressed if any(name in _names(data["vertex"]) for name in PACKED) else _plain
    return replace(read(path.name, data), mip=any(MIP.fullmatch(comment.strip()) for comment in data.comments))


def _names(element: PlyElement) -> list[str]:
    return [p.name for p in element.properties]


def _columns(name: str, element: PlyElement, wanted: list[str]) -> npt.NDArray[np.generic]:
    """The named scalar properties side by side, [rows, len(wanted)]."""
    missing = [p for p in wanted if p not in _names(element)]
    if missing:
        raise InputError(f"{name}: element '{element.name}' lacks the property '{missing[0]}'")
    return np.stack([element.data[p] for p in wanted], axis=1)


def _doubles(name: str, element: PlyElement, wanted: list[str]) -> Doubles:
    """The named properties, `float` or `double`, as float64.

    Bytes and other whole numbers are codes of some format that the file does not name; taken as
    values they would be drawn as nonsense.
    """
    for prop in element.properties:
        if prop.name in wanted and np.dtype(prop.val_dtype).kind != "f":
            raise InputError(
                f"{name}: property '{prop.name}' must be 'float' or 'double', it is '{_type(prop)}'"
                f"{HALF_RULE if _type(prop) == 'ushort' else ''}"
            )
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return _columns(name, element, wanted).astype(np.float64)


def _floats(name: str, element: PlyElement, wanted: list[str]) -> Floats:
    """The same as float32."""
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, and is dropped
        return _doubles(name, element, wanted).astype(np.float32)


def _type(prop: PlyProperty) -> str:
    """The type's name in a header."""
    return str(prop).split()[1]


def _halves(vertex: PlyElement) -> PlyElement:
    """The element with every `ushort` read as the half-precision number of the same bits, if all are `ushort`."""
    if any(_type(prop) != "ushort" for prop in vertex.properties):
        return vertex
    table = vertex.data.astype([(p.name, "u2") for p in vertex.properties])  # in this machine's byte order
    values = table.view([(p.name, "f2") for p in vertex.properties])
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return PlyElement.describe(values.astype([(p.name, "f4") for p in vertex.properties]), vertex.name)


def _degree(name: str, names: list[str]) -> int:
    """The SH degree, from the number of f_rest_* properties."""
    rest = sum(p.startswith("f_rest_") for p in names)
    degree = math.isqrt(rest // 3 + 1) - 1
    if rest != 3 * _rest(degree):
        raise InputError(
            f"{name}: SH of degree d has 3·((d + 1)² − 1) f_rest properties, 0, 9, 24, 45 and so on, found {rest}"
        )
    return degree


def _rest(degree: int) -> int:
    """Coefficients per channel above the constant one."""
    return (degree + 1) ** 2 - 1


def _plain(name: str, data: PlyData) -> Scene:
    vertex = _halves(data["vertex"])
    count = vertex.count
    scales = [f"scale_{i}" for i in range(3)]
    if "scale_2" not in _names(vertex):  # 2-D Gaussians: discs without a thickness
        scales.pop()
    log_scales = np.full((count, 3), FLAT_LOG_SCALE, np.float32)
    log_scales[:, : len(scales)] = _floats(name, vertex, scales)
    degree = _degree(name, _names(vertex))
    dc = _floats(name, vertex, [f"f_dc_{i}" for i in range(3)])
    drawn = _rest(min(degree, MAX_DEGREE))
    sh = np.empty((count, 1 + drawn, 3), np.float32)
    sh[:, 0] = dc
    if drawn:
        channel_major = _floats(
            name, vertex, [f"f_rest_{c * _rest(degree) + k}" for c in range(3) for k in range(drawn)]
        )
        sh[:, 1:] = channel_major.reshape(count, 3, drawn).transpose(0, 2, 1)
    scene = make_scene(
        name,
        means=_doubles(name, vertex, ["x", "y", "z"]),
        log_scales=log_scales,
        quaternions=_floats(name, vertex, [f"rot_{i}" for i in range(4)]),
        opacities=sigmoid(_floats(name, vertex, ["opacity"])[:, 0]),
        sh=sh,
    )
    return replace(scene, notes=degree_note(degree))


def _unorm(value: npt.NDArray[np.uint32], shift: int, bits: int) -> Floats:
    """`bits` of `value` from `shift` as a fraction of all ones, in [0, 1]."""
    mask = (1 << bits) - 1
    return (((value >> np.uint32(shift)) & np.uint32(mask)) / mask).astype(np.float32)


def _unpack_111011(value: npt.NDArray[np.uint32]) -> Floats:
    return np.stack([_unorm(value, 21, 11), _unorm(value, 11, 10), _unorm(value, 0, 11)], axis=1)


@np.errstate(over="ignore", invalid="ignore")  # what an infinite box makes of a Gaussian is dropped as not finite
def _compressed(name: str, data: PlyData) -> Scene:
    """PlayCanvas: 16 bytes a Gaussian, quantised in the box of its chunk of 256."""
    vertex = data["vertex"]
    if "chunk" not in data:
        raise InputError(f"{name}: a compressed PLY needs an element 'chunk', found {[e.name for e in data]}")
    chunk = data["chunk"]
    needed = -(-vertex.count // CHUNK_SIZE)
    if chunk.count < needed:
        raise InputError(
            f"{name}: {vertex.count} Gaussians need {needed} chunks of {CHUNK_SIZE}, the file has {chunk.count}"
        )
    packed = _columns(name, vertex, list(PACKED))
    if packed.dtype != np.uint32:
        raise InputError(f"{name}: packed properties must be 'uint', found {packed.dtype}")
    position, rotation, scale, color = packed.T
    which = np.arange(vertex.count) // CHUNK_SIZE

    def in_box(unit: Floats, low: list[str], high: list[str]) -> Doubles:
        lo, hi = _doubles(name, chunk, low)[which], _doubles(name, chunk, high)[which]
        return lo + (hi - lo) * unit

    axes = "xyz"
    rgb = np.stack([_unorm(color, s, 8) for s in (24, 16, 8)], axis=1)
    if "min_r" in _names(chunk):
        rgb = in_box(rgb, [f"min_{c}" for c in "rgb"], [f"max_{c}" for c in "rgb"]).astype(np.float32)
    return make_scene(
        name,
        means=in_box(_unpack_111011(position), [f"min_{a}" for a in axes], [f"max_{a}" for a in axes]),
        log_scales=in_box(
            _unpack_111011(scale), [f"min_scale_{a}" for a in axes], [f"max_scale_{a}" for a in axes]
        ).astype(np.float32),
        quaternions=_smallest_three(rotation),
        opacities=_unorm(color, 0, 8),
        sh=np.concatenate([((rgb - 0.5) / SH_C0)[:, None], _compressed_rest(name, data)], axis=1),
    )


def _smallest_three(value: npt.NDArray[np.uint32]) -> Floats:
    """2 bits: which of w, x, y, z is largest and left out; 3 × 10 bits: the others, in order."""
    others = np.stack([(_unorm(value, s, 10) - 0.5) * np.float32(np.sqrt(2)) for s in (20, 10, 0)], axis=1)
    return complete((value >> np.uint32(30)).astype(np.int64), others)


def _compressed_rest(name: str, data: PlyData) -> Floats:
    """The optional element 'sh': one byte per coefficient, channel-major.

    A byte is the centre of one of 256 bins of [-4, 4]; 0 and 255 are the ends, -4 and 4.
    """
    count = data["vertex"].count
    degree = _degree(name, _names(data["sh"])) if "sh" in data else 0
    if degree > MAX_DEGREE:
        raise InputError(f"{name}: a compressed PLY has SH of degree 0 to {MAX_DEGREE}, this one of degree {degree}")
    rest = _rest(degree)
    if rest == 0:
        return np.empty((count, 0, 3), np.float32)
    if data["sh"].count != count:
        raise InputError(f"{name}: element 'sh' must have one row per Gaussian, {data['sh'].count} for {count}")
    byte = _columns(name, data["sh"], [f"f_rest_{i}" for i in range(3 * rest)])
    if byte.dtype != np.uint8:
        raise InputError(f"{name}: the properties of element 'sh' must be 'uchar', found {byte.dtype}")
    unit = np.where(byte == 0, 0, np.where(byte == 255, 1, (byte.astype(np.float32) + 0.5) / 256))
    return ((unit - 0.5) * 8).astype(np.float32).reshape(count, 3, rest).transpose(0, 2, 1)
