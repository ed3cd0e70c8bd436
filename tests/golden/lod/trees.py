"""Small hierarchies, and the bytes of `.hier` files."""

from __future__ import annotations

from functools import cache

import numpy as np

from golden.lod.builder import build_hierarchy
from golden.lod.hier_file import HALF_NODE, SINGLE_NODE
from golden.lod.hierarchy import Hierarchy
from golden.lod.paths import camera_path
from golden.lod.sltree import build_sltree
from golden.lod.spec import Spec
from golden.lod.tree_image import TreeImage, build_tree_image
from golden.scenes import Camera, load_scene


@cache
def small_tree(gaussians: int = 400) -> Hierarchy:
    """Over the first Gaussians of the default scene."""
    return build_hierarchy(load_scene("embedded").select(np.arange(gaussians)))


@cache
def small_image(spec: Spec, gaussians: int = 400) -> TreeImage:
    return build_tree_image(build_sltree(small_tree(gaussians), spec))


def cameras(name: str, frames: int, *, size: int = 256) -> list[Camera]:
    return camera_path(load_scene("embedded"), name, frames, width=size, height=size)


def chain(levels: int) -> dict[str, np.ndarray]:
    """The arrays of a file whose every inner node has two children, of which the second has two again."""
    return file_arrays([-1, *(2 * (k // 2) for k in range(2 * levels - 2))])


def fan(children: int) -> dict[str, np.ndarray]:
    """A root of infinite size, as the public tool's merger writes it, above a leaf and a wide node of two Gaussians."""
    parts = file_arrays([-1, 0, 0, *[2] * children])
    parts["node"]["start"][2], parts["node"]["count_merged"][2] = 1, 2
    parts["box"][0, :, 3] = np.inf
    return parts


def file_arrays(parent: list[int]) -> dict[str, np.ndarray]:
    """The arrays of a file, its nodes in breadth-first order, one Gaussian each."""
    count = len(parent)
    node = np.zeros(count, SINGLE_NODE)
    node["start"], node["parent"] = np.arange(count), parent
    inner, first, number = np.unique(node["parent"][1:], return_index=True, return_counts=True)
    node["start_children"][inner], node["count_children"][inner] = first + 1, number
    node["count_merged"][inner] = 1
    node["count_leafs"] = 1 - node["count_merged"]
    box = np.zeros((count, 2, 4), np.float32)
    box[:, 1, :3], box[:, 0, 3] = 1, 1
    return {
        "means": np.zeros((count, 3), np.float32), "rotation": np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        "log_scale": np.zeros((count, 3), np.float32), "opacity": np.full(count, 0.5, np.float32),
        "sh": np.zeros((count, 16, 3), np.float32), "node": node, "box": box,
    }  # fmt: skip


def hier_bytes(parts: dict[str, np.ndarray], *, half: bool = True) -> bytes:
    """A file of these arrays."""
    kind = "<f2" if half else "<f4"
    count = len(parts["means"])
    header = np.array([-count if half else count], "<i4").tobytes()
    body = b"".join(parts[name].astype(kind).tobytes() for name in ("rotation", "log_scale", "opacity", "sh"))
    row = np.zeros(len(parts["node"]), HALF_NODE if half else SINGLE_NODE)
    for name in HALF_NODE.names or ():
        row[name] = parts["node"][name]
    nodes = np.array([len(row)], "<i4").tobytes() + row.tobytes()
    return header + parts["means"].astype("<f4").tobytes() + body + nodes + parts["box"].astype(kind).tobytes()


def collapsed(tree: Hierarchy, gone: np.ndarray) -> Hierarchy:
    """Without the inner nodes that are `gone`: what was below them hangs below what was above. The root stays."""
    below: dict[int, list[int]] = {}
    for node in np.flatnonzero(~gone | tree.leaf).tolist():
        above = int(tree.parent[node])
        while above > 0 and gone[above]:
            above = int(tree.parent[above])
        below.setdefault(above, []).append(node)
    order, parent = [0], [-1]
    first, children = list[int](), list[int]()
    for place, node in enumerate(order):
        found = [child for child in below.get(node, []) if child]
        first.append(len(order))
        children.append(len(found))
        order += found
        parent += [place] * len(found)
    kept = {name: getattr(tree, name)[order] for name in ("gaussian", "gaussians", "kept", "low", "high", "size")}
    return Hierarchy(
        scene=tree.scene, parent=np.array(parent), first_child=np.array(first), children=np.array(children), **kept
    )
