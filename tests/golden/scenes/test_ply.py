"""3DGS PLY files, plain and compressed, against what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden.scenes import load_scene
from tests.golden.scenes.checks import assert_same, assert_sound, load_bytes, quaternion_gap
from tests.golden.scenes.writers import (
    CHUNK,
    SH_C0,
    Cloud,
    compressed_elements,
    plain_columns,
    ply_bytes,
    random_cloud,
)

FORMS = ["binary_little_endian", "binary_big_endian", "ascii"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("degree", range(4))
def test_plain_round_trip(tmp_path: Path, seed: int, degree: int, form: str) -> None:
    cloud = random_cloud(seed, 37, degree)
    scene = load_bytes(tmp_path, "plain.ply", ply_bytes({"vertex": plain_columns(cloud)}, form))
    assert_same(scene, cloud)
    assert scene.sh_degree == degree
    assert scene.name == "plain.ply"


def test_plain_takes_any_order_and_type(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 5, 1)
    columns = {p: c.astype("f8") for p, c in reversed(plain_columns(cloud).items())}
    elements = {"camera": {"fx": np.ones(3, "f4")}, "vertex": columns, "face": {"a": np.ones(2, "u1")}}
    assert_same(load_bytes(tmp_path, "order.ply", ply_bytes(elements)), cloud)


def test_plain_takes_any_line_end(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 5, 0)
    for end in (b"\r\n", b"\r"):
        header, body = ply_bytes({"vertex": plain_columns(cloud)}).split(b"end_header\n", 1)
        data = header.replace(b"\n", end) + b"end_header" + end + body
        assert_same(load_bytes(tmp_path, "lines.ply", data), cloud)


def test_double_positions_stay_double(tmp_path: Path, seed: int) -> None:
    """As in maps, at coordinates of millions; whatever the other properties are."""
    cloud = random_cloud(seed, 40, 0)
    columns = plain_columns(cloud) | {axis: 5e6 + cloud.means[:, k] for k, axis in enumerate("xyz")}
    scene = load_bytes(tmp_path, "map.ply", ply_bytes({"vertex": columns}))
    assert np.abs(scene.means - 5e6 - cloud.means).max() < 1e-8


def test_compressed_positions_are_finer_than_their_boxes_are_far(tmp_path: Path, seed: int) -> None:
    """A box at 1,000,000 is stored in steps of 1/16; what lies in it is not."""
    cloud = random_cloud(seed, 40, 0)
    cloud.means[0], cloud.means[1] = -5, 5
    elements = compressed_elements(cloud, color_box=False)
    for axis in "xyz":
        elements["chunk"] |= {
            f"{end}_{axis}": elements["chunk"][f"{end}_{axis}"] + np.float32(1e6) for end in ("min", "max")
        }
    scene = load_bytes(tmp_path, "far.compressed.ply", ply_bytes(elements))
    assert np.abs(scene.means - 1e6 - cloud.means).max() < 10 / 1023


@pytest.mark.parametrize(
    ("comment", "mip"),
    [
        ("SplatRenderMode: mip", True),
        ("splatrendermode:mip ", True),
        ("SplatRenderMode: default", False),
        ("mip", False),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_the_mip_comment_is_heeded(tmp_path: Path, seed: int, comment: str, mip: bool, compressed: bool) -> None:
    cloud = random_cloud(seed, 5, 0)
    elements = compressed_elements(cloud, color_box=True) if compressed else {"vertex": plain_columns(cloud)}
    data = ply_bytes(elements).replace(b"comment written by a test", b"comment " + comment.encode())
    assert load_bytes(tmp_path, "mip.ply", data).mip == mip


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_comments_in_any_encoding(tmp_path: Path, seed: int, encoding: str) -> None:
    cloud = random_cloud(seed, 5, 0)
    words = "Übung, naïve, façade".encode(encoding)
    data = ply_bytes({"vertex": plain_columns(cloud)}, "binary_little_endian")
    data = data.replace(b"comment written by a test", b"comment " + words + b"\nobj_info " + words)
    data = data.replace(b"end_header", b"comment " + words + b"\nend_header")
    assert_same(load_bytes(tmp_path, "words.ply", data), cloud)


FACES = b"element face %d\nproperty list uchar int vertex_indices\n"
TRIANGLES = 2 * b"\3\0\0\0\0\1\0\0\0\2\0\0\0"


@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("form", ["binary_little_endian", "ascii"])
def test_lists_in_other_elements_are_passed_over(tmp_path: Path, seed: int, form: str, rows: int) -> None:
    cloud = random_cloud(seed, 5, 1)
    header, body = ply_bytes({"vertex": plain_columns(cloud)}, form).split(b"end_header\n", 1)
    begin, vertex = header.split(b"element vertex", 1)
    faces = (b"3 0 1 2\n" * 2 if form == "ascii" else TRIANGLES) if rows else b""
    behind = header + FACES % rows + b"end_header\n" + body + faces
    before = begin + FACES % rows + b"element vertex" + vertex + b"end_header\n" + faces + body
    for data in (behind, before):
        assert_same(load_bytes(tmp_path, "faces.ply", data), cloud)


@pytest.mark.parametrize("form", FORMS)
def test_half_precision_in_ushort(tmp_path: Path, seed: int, form: str) -> None:
    cloud = random_cloud(seed, 9, 1)
    columns = {p: c.astype("f2").view("u2") for p, c in plain_columns(cloud).items()}
    scene = load_bytes(tmp_path, "half.ply", ply_bytes({"vertex": columns}, form))
    steps = {"means": 2e-3, "log_scales": 2e-3, "quaternions": 1e-3, "opacities": 1e-3}
    assert_same(scene, cloud, **steps, sh_0=1e-3, sh_rest=1e-3)


def test_discs_of_2dgs(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 5, 0)
    columns = plain_columns(cloud)
    del columns["scale_2"]
    cloud.log_scales[:, 2] = np.log(1e-6)
    assert_same(load_bytes(tmp_path, "discs.ply", ply_bytes({"vertex": columns})), cloud)


def test_plain_quaternions_are_normalised(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 5, 0)
    columns = plain_columns(cloud)
    columns |= {f"rot_{k}": (columns[f"rot_{k}"] * -7.5).astype("f4") for k in range(4)}
    assert_same(load_bytes(tmp_path, "long.ply", ply_bytes({"vertex": columns})), cloud)


def test_plain_opacity_is_the_sigmoid(tmp_path: Path, seed: int) -> None:
    columns = plain_columns(random_cloud(seed, 7, 0))
    columns["opacity"] = np.array([-np.inf, -3e38, -100, 0, 100, 3e38, np.inf], "f4")
    scene = load_bytes(tmp_path, "extreme.ply", ply_bytes({"vertex": columns}))
    assert_sound(scene)
    assert scene.opacities.tolist() == pytest.approx([0, 0, 0, 0.5, 1, 1, 1])


def compressed_steps(cloud: Cloud) -> dict[str, np.ndarray]:
    """Half a quantisation step of means and log-scales, by Gaussian and axis."""
    first = np.arange(0, len(cloud), CHUNK)
    levels = 2.0 * np.array([2047, 1023, 2047])
    which = np.arange(len(cloud)) // CHUNK
    steps = {}
    for name in ("means", "log_scales"):
        values = getattr(cloud, name)
        extent = np.maximum.reduceat(values, first) - np.minimum.reduceat(values, first)
        steps[name] = (extent / levels)[which] + 2e-6
    return steps


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("color_box", "degree"), [(False, 0), (True, 0), (True, 1), (True, 2), (True, 3)])
def test_compressed_round_trip(tmp_path: Path, seed: int, form: str, color_box: bool, degree: int) -> None:
    cloud = random_cloud(seed, 2 * CHUNK + 19, degree)
    data = ply_bytes(compressed_elements(cloud, color_box=color_box), form)
    assert_same(
        load_bytes(tmp_path, "a.compressed.ply", data),
        cloud,
        **compressed_steps(cloud),
        quaternions=4 * np.sqrt(0.5) / 1023,  # three components half a step off, the fourth as much again
        opacities=0.5 / 255 + 1e-6,
        sh_0=0.5 / 255 / SH_C0 + 1e-5,
        sh_rest=0.5 * 8 / 256 + 1e-6,
    )


def test_compressed_sh_ends_are_exact(tmp_path: Path, seed: int) -> None:
    elements = compressed_elements(random_cloud(seed, 3, 1), color_box=True)
    elements["sh"] = {p: np.array([0, 128, 255], "u1") for p in elements["sh"]}
    scene = load_bytes(tmp_path, "ends.ply", ply_bytes(elements))
    assert scene.sh[:, 1, 0].tolist() == [-4, 0.5 * 8 / 256, 4]


def test_the_compressed_statue_is_the_statue_turned_about_z(real_data: Path) -> None:
    plain = load_scene(real_data / "scenes" / "statue_angel.ply")
    packed = load_scene(real_data / "scenes" / "statue_angel.compressed.ply")
    assert (len(plain), len(packed), packed.dropped) == (71359, 71377, 0)
    pick = np.linspace(0, len(plain) - 1, 1000).astype(int)
    turned = packed.means * np.array([-1, -1, 1], np.float32)
    gap = np.empty(len(pick))
    nearest = np.empty(len(pick), int)
    for at, mean in enumerate(plain.means[pick]):
        squares = ((turned - mean) ** 2).sum(axis=1)
        nearest[at] = squares.argmin()
        gap[at] = np.sqrt(squares[nearest[at]])
    assert np.median(gap) < 3e-4  # a step of a chunk's box
    assert gap.max() < 5e-3

    sure = gap < 3e-4  # neighbours so close are the same Gaussian
    a, b = plain.select(pick[sure]), packed.select(nearest[sure])
    assert np.median(np.abs(np.log(a.scales) - np.log(b.scales))) < 0.02
    assert np.median(np.abs(a.opacities - b.opacities)) < 0.5 / 255 + 1e-3
    assert np.median(np.abs(a.sh - b.sh)) < 0.5 / 255 / SH_C0 + 1e-3
    w, x, y, z = b.quaternions.T.astype(np.float64)
    about_z = np.stack([-z, -y, x, w], axis=1)  # (0, 0, 0, 1) · q
    gaps = [quaternion_gap(a.quaternions[k : k + 1], about_z[k : k + 1]) for k in range(len(a))]
    assert np.median(gaps) < 0.01  # the plain file's quaternions were bytes once
