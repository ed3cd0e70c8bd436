"""Writes every container that the loaders read, from the definitions of the formats."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.golden.spherical import real_harmonics

SH_C0 = 0.28209479177387814
CHUNK = 256
Array = npt.NDArray[np.float64]
#: Elements of a PLY file in order: name -> property -> column.
Elements = Mapping[str, Mapping[str, npt.NDArray[np.generic]]]

PLY_TYPES = {"f4": "float", "f8": "double", "u1": "uchar", "u2": "ushort", "u4": "uint", "i4": "int"}
HALF_TURN = np.array([1.0, -1.0, -1.0])  # about x, between the axes of PLY and of SPZ


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Gaussians before they are written. Opacities are linear, quaternions unit length in w, x, y, z."""

    means: Array
    log_scales: Array
    quaternions: Array
    opacities: Array
    sh: Array  # [N, K, 3]

    def __len__(self) -> int:
        return len(self.means)


def random_cloud(seed: int, count: int, degree: int) -> Cloud:
    """Values that every container holds without clipping."""
    rng = np.random.default_rng(seed)
    quaternions = rng.normal(size=(count, 4))
    sh = rng.uniform(-0.9, 0.9, (count, (degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(-0.45, 0.45, (count, 3)) / SH_C0
    return Cloud(
        means=rng.uniform(-5, 5, (count, 3)),
        log_scales=rng.uniform(-6, 1, (count, 3)),
        quaternions=quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        opacities=rng.uniform(0.02, 0.98, count),
        sh=sh,
    )


def ply_bytes(elements: Elements, form: str = "binary_little_endian") -> bytes:
    """A PLY file in one of its three forms."""
    lines = ["ply", f"format {form} 1.0", "comment written by a test"]
    body = b""
    order = ">" if form == "binary_big_endian" else "<"
    for name, columns in elements.items():
        rows = len(next(iter(columns.values())))
        lines.append(f"element {name} {rows}")
        lines += [f"property {PLY_TYPES[c.dtype.str[1:]]} {p}" for p, c in columns.items()]
        table = np.empty(rows, [(p, order + c.dtype.str[1:]) for p, c in columns.items()])
        for p, column in columns.items():
            table[p] = column
        if form == "ascii":
            body += "".join(" ".join(repr(v.item()) for v in row) + "\n" for row in table).encode()
        else:
            body += table.tobytes()
    return "\n".join([*lines, "end_header\n"]).encode() + body


def plain_columns(cloud: Cloud) -> dict[str, npt.NDArray[np.generic]]:
    """The properties of a 3DGS PLY: float32, normals present, SH channel-major, opacity before its sigmoid."""
    zero = np.zeros(len(cloud))
    columns = {axis: cloud.means[:, k] for k, axis in enumerate("xyz")} | {f"n{axis}": zero for axis in "xyz"}
    columns |= {f"f_dc_{c}": cloud.sh[:, 0, c] for c in range(3)}
    rest = cloud.sh.shape[1] - 1
    columns |= {f"f_rest_{c * rest + k}": cloud.sh[:, 1 + k, c] for c in range(3) for k in range(rest)}
    columns |= {"opacity": np.log(cloud.opacities / (1 - cloud.opacities))}
    columns |= {f"scale_{k}": cloud.log_scales[:, k] for k in range(3)}
    columns |= {f"rot_{k}": cloud.quaternions[:, k] for k in range(4)}
    return {name: column.astype(np.float32) for name, column in columns.items()}


def largest_apart(quaternions: Array) -> tuple[npt.NDArray[np.int64], Array]:
    """Which component is largest, and the three others in order, with the sign that makes it positive."""
    rows = np.arange(len(quaternions))
    largest = np.abs(quaternions).argmax(axis=1)
    positive = quaternions * np.sign(quaternions[rows, largest])[:, None]
    others = positive[np.arange(4) != largest[:, None]].reshape(-1, 3)
    return largest, others


def _pack(fields: Array, bits: tuple[int, ...]) -> npt.NDArray[np.uint32]:
    """Fractions of all ones side by side in one word, the first in the highest bits."""
    word = np.zeros(len(fields), np.int64)
    for column, width in zip(fields.T, bits, strict=True):
        word = word << width | np.rint(column * ((1 << width) - 1)).astype(np.int64)
    return word.astype(np.uint32)


def compressed_elements(cloud: Cloud, *, color_box: bool) -> dict[str, dict[str, npt.NDArray[np.generic]]]:
    """PlayCanvas' compressed PLY; with colour boxes it is the newer form, with SH an element of bytes."""
    first = np.arange(0, len(cloud), CHUNK)
    which = np.arange(len(cloud)) // CHUNK
    chunk: dict[str, npt.NDArray[np.generic]] = {}

    def boxed(values: Array, infix: str, axes: str) -> Array:
        low, high = np.minimum.reduceat(values, first).astype("f4"), np.maximum.reduceat(values, first).astype("f4")
        for end, bound in (("min", low), ("max", high)):
            chunk.update({f"{end}_{infix}{axis}": bound[:, k] for k, axis in enumerate(axes)})
        return np.clip((values - low[which]) / np.maximum(high - low, 1e-30)[which], 0, 1)

    position, scale = boxed(cloud.means, "", "xyz"), boxed(cloud.log_scales, "scale_", "xyz")
    rgb = 0.5 + SH_C0 * cloud.sh[:, 0]
    if color_box:
        rgb = boxed(rgb, "", "rgb")
    largest, others = largest_apart(cloud.quaternions)
    rotation = np.concatenate([largest[:, None] / 3, others / np.sqrt(2) + 0.5], axis=1)
    vertex: dict[str, npt.NDArray[np.generic]] = {
        "packed_position": _pack(position, (11, 10, 11)),
        "packed_rotation": _pack(rotation, (2, 10, 10, 10)),
        "packed_scale": _pack(scale, (11, 10, 11)),
        "packed_color": _pack(np.concatenate([rgb, cloud.opacities[:, None]], axis=1), (8, 8, 8, 8)),
    }
    elements = {"chunk": chunk, "vertex": vertex}
    rest = cloud.sh.shape[1] - 1
    if rest:
        byte = np.clip(np.floor((cloud.sh[:, 1:] / 8 + 0.5) * 256), 0, 255).astype("u1")
        elements["sh"] = {f"f_rest_{c * rest + k}": byte[:, k, c] for c in range(3) for k in range(rest)}
    return elements


def splat_bytes(cloud: Cloud) -> bytes:
    """antimatter15's .splat."""
    record = np.empty(len(cloud), [("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])
    record["mean"], record["scale"] = cloud.means, np.exp(cloud.log_scales)
    record["rgba"][:, :3] = np.rint(255 * (0.5 + SH_C0 * cloud.sh[:, 0]))
    record["rgba"][:, 3] = np.rint(255 * cloud.opacities)
    record["rotation"] = np.clip(np.rint(cloud.quaternions * 128 + 128), 0, 255)
    return record.tobytes()


def spz_streams(cloud: Cloud, version: int, fraction: int = 12) -> list[bytes]:
    """The columns of an .spz file one by one, before its header and compression; degree 0 has no last one."""
    if version == 1:
        position = (cloud.means * HALF_TURN).astype("<f2")
    else:
        fixed = np.rint(cloud.means * HALF_TURN * (1 << fraction)).astype("<i4")
        position = fixed.reshape(-1, 1).view("u1")[:, :3]
    q = cloud.quaternions * [1, *HALF_TURN]
    if version <= 2:
        turned = q[:, 1:] * np.where(q[:, :1] < 0, -1, 1)
        rotation = np.rint(turned * 127.5 + 127.5).astype("u1")
    else:
        largest, others = largest_apart(q[:, [1, 2, 3, 0]])
        magnitude = np.rint(np.abs(others) * np.sqrt(2) * 511).astype(np.int64) | (others < 0).astype(np.int64) << 9
        rotation = (largest << 30 | magnitude[:, 0] << 20 | magnitude[:, 1] << 10 | magnitude[:, 2]).astype("<u4")
    probe = np.array([[0.48, 0.6, 0.64]])  # the sign that the half turn puts on each harmonic
    sign = np.ones(25)  # of degree 4 nothing is read
    sign[:16] = (real_harmonics(probe * HALF_TURN, 3) / real_harmonics(probe, 3))[0]
    rest = cloud.sh[:, 1:] * sign[1 : cloud.sh.shape[1], None]
    columns = [
        position,
        np.rint(cloud.opacities * 255).astype("u1"),
        np.rint((cloud.sh[:, 0] * 0.15 + 0.5) * 255).astype("u1"),
        np.rint((cloud.log_scales + 10) * 16).astype("u1"),
        rotation,
        np.clip(np.rint(rest * 128 + 128), 0, 255).astype("u1"),
    ]
    return [column.tobytes() for column in columns if column.size]


def spz_columns(cloud: Cloud, version: int, fraction: int = 12) -> bytes:
    return b"".join(spz_streams(cloud, version, fraction))


def spz_header(count: int, version: int, degree: int, fraction: int = 12, magic: bytes = b"NGSP") -> bytes:
    return struct.pack("<4sIIBBBB", magic, version, count, degree, fraction, 0, 0)


def spz_bytes(cloud: Cloud, version: int) -> bytes:
    """Niantic's .spz, version 1, 2 or 3."""
    degree = round(cloud.sh.shape[1] ** 0.5) - 1
    return gzip.compress(spz_header(len(cloud), version, degree) + spz_columns(cloud, version), mtime=0)
