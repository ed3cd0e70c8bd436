"""PLY files that are refused, and what the refusal says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.golden.scenes.corrupted import COMPRESSED, COUNT, GOOD, PLAIN, load_or_refuse, replaced
from tests.golden.scenes.writers import CHUNK, compressed_elements, ply_bytes, random_cloud

HUGE = b"1" + b"0" * 18
NOTHING = {p: c[:0] for p, c in PLAIN.items()}
NOT_A_NUMBER = {p: np.full(COUNT, np.nan, "f4") for p in PLAIN}
VERTEX, BOX = COMPRESSED["vertex"], COMPRESSED["chunk"]
SIGNED = {p: c.astype("i4") for p, c in VERTEX.items()}
LONG = compressed_elements(random_cloud(1, CHUNK + 1, 0), color_box=True)
SHORT_SH = {p: c[1:] for p, c in COMPRESSED["sh"].items()}
FLOAT_SH = {p: c.astype("f4") for p, c in COMPRESSED["sh"].items()}


def lacking(columns: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    assert name in columns
    return {p: c for p, c in columns.items() if p != name}


HEADERS = {
    "empty": (b"", "starts with 'ply'"),
    "wrong magic": (replaced("plain.ply", b"ply\n", b"plx\n"), "plx"),
    "another container": (GOOD["a.splat"], "starts with 'ply'"),
    "magic only": (b"ply", "'end_header' must stand"),
    "unknown form": (replaced("plain.ply", b"little", b"middle"), "binary_middle_endian"),
    "version 2": (replaced("plain.ply", b"endian 1.0", b"endian 2.0"), "version '1.0'"),
    "no form": (replaced("plain.ply", b"format binary_little_endian 1.0\n", b""), "format"),
    "header without end": (replaced("plain.ply", b"end_header", b"end_headex"), "'end_header' must stand"),
    "header of a megabyte": (
        replaced("plain.ply", b"end_header", b"comment x\n" * 100_000 + b"end_header"),
        "first 65536 bytes",
    ),
    "header not ASCII": (replaced("plain.ply", b"comment", b"\xff\xfe"), "ascii"),
    "unknown type": (replaced("plain.ply", b"float rot_0", b"quad rot_0"), "quad"),
    "property twice": (replaced("plain.ply", b"float rot_0", b"float rot_1"), "same name"),
    "element twice": (replaced("plain.ply", b"end_header", b"element vertex 0\nend_header"), "same name"),
    "property before any element": (replaced("plain.ply", b"element vertex 6\n", b""), "expected one of"),
    "property is a list": (
        replaced("plain.ply", b"property float opacity", b"property list uchar float opacity"),
        "'opacity' must be a number, it is a list",
    ),
    "a list of billions in front of the Gaussians": (
        replaced("plain.ply", b"element vertex", b"element face 1\nproperty list uint int v\nelement vertex").replace(
            b"end_header\n", b"end_header\n\xff\xff\xff\xff"
        ),
        "early end-of-file",
    ),
    "negative count": (replaced("plain.ply", b"vertex 6", b"vertex -6"), "-6 rows"),
    "count not a number": (replaced("plain.ply", b"vertex 6", b"vertex six"), "six"),
    "one Gaussian too many": (replaced("plain.ply", b"vertex 6", b"vertex 7"), "end-of-file"),
    "count beyond the file": (replaced("plain.ply", b"vertex 6", b"vertex 1000"), "1000 rows of 26 numbers"),
    "count 10**18": (replaced("plain.ply", b"vertex 6", b"vertex " + HUGE), "must fit in the file"),
    "count 10**18 in ASCII": (replaced("ascii.ply", b"vertex 6", b"vertex " + HUGE), "must fit in the file"),
    "count of 5000 digits": (replaced("plain.ply", b"vertex 6", b"vertex " + b"9" * 5000), "digits"),
    "another element beyond the file": (
        replaced("plain.ply", b"element vertex", b"element huge " + HUGE + b"\nelement vertex"),
        "'huge' must fit in the file",
    ),
    "word among ASCII numbers": (replaced("ascii.ply", b"end_header\n", b"end_header\nzero "), "malformed"),
    "ASCII line too long": (replaced("ascii.ply", b"end_header\n", b"end_header\n1 "), "end-of-line"),
    "ASCII line too short": (replaced("ascii.ply", b"end_header\n", b"end_header\n1\n"), "end-of-line"),
    "binary after an ASCII header": (replaced("plain.ply", b"binary_little_endian", b"ascii"), "not a readable PLY"),
}
CONTENTS = {
    "no vertices": (ply_bytes({"point": PLAIN}), "needs an element 'vertex', found ['point']"),
    "zero Gaussians": (ply_bytes({"vertex": NOTHING}), "at least one Gaussian"),
    "zero Gaussians, compressed": (
        ply_bytes(
            compressed_elements(random_cloud(1, 1, 0), color_box=True)
            | {"vertex": {p: c[:0] for p, c in VERTEX.items()}}
        ),
        "at least one Gaussian",
    ),
    "all NaN": (ply_bytes({"vertex": NOT_A_NUMBER}), "all 6 hold NaN"),
    **{
        f"no {name}": (ply_bytes({"vertex": lacking(PLAIN, name)}), f"lacks the property '{name}'")
        for name in ("x", "f_dc_2", "opacity", "scale_1", "rot_3")
    },
    "no scale_1 and no scale_2": (
        ply_bytes({"vertex": lacking(lacking(PLAIN, "scale_1"), "scale_2")}),
        "lacks the property 'scale_1'",
    ),
    **{
        f"{name} as {kind}": (
            ply_bytes({"vertex": PLAIN | {name: np.ones(COUNT, code)}}),
            f"property '{name}' must be 'float' or 'double', it is '{kind}'",
        )
        for name, code, kind in [("f_dc_0", "u1", "uchar"), ("opacity", "u1", "uchar"), ("x", "i4", "int")]
    },
    "SH alone in half precision": (
        ply_bytes({"vertex": {p: c.astype("f2").view("u2") if "rest" in p else c for p, c in PLAIN.items()}}),
        "'f_rest_0' must be 'float' or 'double', it is 'ushort'; half-precision numbers are read where all",
    ),
    "a box as int": (
        ply_bytes(COMPRESSED | {"chunk": BOX | {"min_x": np.ones(1, "i4")}}),
        "property 'min_x' must be 'float' or 'double', it is 'int'",
    ),
    "8 of 9 SH coefficients": (
        ply_bytes({"vertex": lacking(PLAIN, "f_rest_3")}),
        "0, 9, 24, 45 and so on, found 8",
    ),
    "SH numbered from 1": (replaced("plain.ply", b"f_rest_0", b"f_rest_9"), "lacks the property 'f_rest_0'"),
    "compressed without chunks": (ply_bytes({"vertex": VERTEX}), "needs an element 'chunk'"),
    "too few chunks": (ply_bytes(LONG | {"chunk": {p: c[:1] for p, c in LONG["chunk"].items()}}), "need 2 chunks"),
    "packed as int": (ply_bytes(COMPRESSED | {"vertex": SIGNED}), "must be 'uint', found int32"),
    "packed as float": (
        ply_bytes(COMPRESSED | {"vertex": {p: c.astype("f4") for p, c in VERTEX.items()}}),
        "must be 'uint', found float32",
    ),
    "no packed_scale": (ply_bytes(COMPRESSED | {"vertex": lacking(VERTEX, "packed_scale")}), "lacks the property"),
    "no max_y": (ply_bytes(COMPRESSED | {"chunk": lacking(BOX, "max_y")}), "lacks the property 'max_y'"),
    "half a colour box": (ply_bytes(COMPRESSED | {"chunk": lacking(BOX, "max_g")}), "lacks the property 'max_g'"),
    "SH of other length": (ply_bytes(COMPRESSED | {"sh": SHORT_SH}), "5 for 6"),
    "SH as float": (ply_bytes(COMPRESSED | {"sh": FLOAT_SH}), "must be 'uchar', found float32"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_header(tmp_path: Path, kind: str) -> None:
    data, message = HEADERS[kind]
    assert message in load_or_refuse(tmp_path, "bad.ply", data)


@pytest.mark.parametrize("kind", CONTENTS)
def test_contents(tmp_path: Path, kind: str) -> None:
    data, message = CONTENTS[kind]
    assert message in load_or_refuse(tmp_path, "bad.ply", data)


def test_unfinished_gaussians_are_dropped_and_counted(tmp_path: Path) -> None:
    columns = {p: c.copy() for p, c in PLAIN.items()}
    columns["x"][0] = columns["f_rest_8"][3] = columns["opacity"][3] = np.nan
    columns["scale_2"][5] = np.inf
    for k in range(4):
        columns[f"rot_{k}"][1] = 0
    scene = load_or_refuse(tmp_path, "a.ply", ply_bytes({"vertex": columns}))
    assert not isinstance(scene, str)
    assert scene.dropped == 4
    kept = [2, 4]
    assert np.array_equal(scene.means[:, 0], PLAIN["x"][kept])
