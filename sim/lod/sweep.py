"""What the formats cost in quality and bytes, and the subtree limit in memory: docs/sweeps/lod.*."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.lod.band import compare
from golden.lod.hierarchy import Hierarchy
from golden.lod.load import leaves, load_hierarchy
from golden.lod.model import SearchModel
from golden.lod.sltree import build_sltree
from golden.lod.spec import DEFAULT, Spec
from golden.lod.tree_image import build_tree_image, cut_nodes
from golden.lod.view import make_path
from golden.scenes import Camera, orbit
from sim.kernel.files import write_json, write_text
from sim.lod.figures import draw_visits
from sim.lod.workload import known_hierarchy, known_trees

FORMATS = ((6, 4), (6, 8), (7, 5), (7, 7), (7, 8), (8, 4), (8, 8), (16, 8))  # bits of boxes and of sizes
LIMITS = (14, 22, 26, 28, 30, 32)  # nodes of a subtree
TAUS = (3.0, 30.0)
VIEWS = 3
DEFAULT_SIZE = 512  # pixels a side


def format_row(tree: Hierarchy, cameras: Sequence[Camera], spec: Spec) -> dict[str, Any]:
    """One format against the float64 reference, over all views and thresholds."""
    image = build_tree_image(build_sltree(tree, spec))
    model = SearchModel(image)
    row: dict[str, Any] = {
        "box_bits": spec.box_bits, "size_bits": spec.size_bits, "used_bits": spec.used_node_bits,
        "node_bytes": spec.node_bits // 8, "subtree_bytes": spec.block_bytes,
    }  # fmt: skip
    split, kept = np.inf, 0.0
    for tau in TAUS:
        nodes = reference = visited = 0
        for camera, view in zip(cameras, make_path(image, cameras, tau), strict=True):
            found = model.search(view)
            cut = cut_nodes(image.sltree, found.state.cut.numpy())
            band = compare(tree, cut, camera.position, max(camera.fx, camera.fy), tau)
            split, kept = min(split, band.smallest_split), max(kept, band.largest_kept)
            nodes, reference = nodes + band.nodes, reference + band.reference_nodes
            visited += len(found.subtrees)
        row |= {f"growth_{tau:g}": nodes / reference - 1, f"bytes_{tau:g}": visited * spec.block_bytes / len(cameras)}
    return row | {"smallest_split": split, "largest_kept": kept}


def limit_row(tree: Hierarchy) -> dict[str, Any]:
    """Bytes in memory a node of the tree, by the subtree limit."""
    cost: dict[int, float] = {}
    for limit in LIMITS:
        spec = replace(DEFAULT, subtree_nodes=limit)
        cost[limit] = len(build_sltree(tree, spec)) * spec.block_bytes / len(tree)
    return {"tree": tree.scene.name, "nodes": len(tree), "bytes_a_node": cost}


def record(docs: Path, progress: Callable[[str], None], *, size: int = DEFAULT_SIZE) -> list[Path]:
    """Measures formats on the known hierarchy and limits on all known trees; writes JSON, tables and a figure.

    Raises:
        InputError: a size out of range, or no `.hier` tree.
    """
    if not 16 <= size <= 4096:
        raise InputError(f"--size must lie in 16..4096, it is {size}")
    tree = load_hierarchy(known_hierarchy())
    cameras = [orbit(leaves(tree), k, VIEWS, width=size, height=size) for k in range(VIEWS)]
    formats: list[dict[str, Any]] = []
    for box_bits, size_bits in FORMATS:
        progress(f"{tree.scene.name}: boxes of {box_bits} bits, sizes of {size_bits}")
        formats.append(format_row(tree, cameras, replace(DEFAULT, box_bits=box_bits, size_bits=size_bits)))
    limits: list[dict[str, Any]] = []
    for source in known_trees():
        progress(f"{source}: nodes of a subtree")
        limits.append(limit_row(load_hierarchy(source)))
    study = {
        "schema": 1, "tree": tree.scene.name, "views": VIEWS, "size": size, "taus": list(TAUS), "formats": formats,
        "limits": limits,
    }  # fmt: skip
    paths = [docs / "sweeps" / "lod.json", docs / "sweeps" / "lod.md", docs / "images" / "lod-visits.png"]
    write_json(paths[0], study)
    write_text(paths[1], tables(study))
    progress(f"{tree.scene.name}: visits of three paths")
    draw_visits(tree, paths[2], size=size)
    return paths


def tables(study: dict[str, Any]) -> str:
    """Formats, then limits; the chosen ones in bold."""
    lines = [
        f"`{study['tree']}`, {study['views']} views of {study['size']}×{study['size']}, tau "
        f"{' and '.join(f'{tau:g}' for tau in study['taus'])} px, bit-true model against the float64 reference. "
        "*split*: the smallest size that was split, *kept*: the largest inner node on the cut, both as a share of "
        "tau; *nodes*: the growth of the cut.",
        "",
        "| box bits | size bits | bits used | bytes a node | bytes a subtree | split | kept | nodes, 3 px "
        "| nodes, 30 px | MB a view, 3 px |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in study["formats"]:
        cells = [
            row["box_bits"], row["size_bits"], row["used_bits"], row["node_bytes"], row["subtree_bytes"],
            f"{row['smallest_split']:.4f}", f"{row['largest_kept']:.4f}", f"{row['growth_3']:+.3%}",
            f"{row['growth_30']:+.3%}", f"{row['bytes_3'] / 1e6:.2f}",
        ]  # fmt: skip
        lines.append(_line(cells, bold=(row["box_bits"], row["size_bits"]) == (DEFAULT.box_bits, DEFAULT.size_bits)))
    limits = [f"**{n}**" if n == DEFAULT.subtree_nodes else str(n) for n in LIMITS]
    lines += [
        "",
        "Bytes in memory a node of the tree, by the most nodes of a subtree:",
        "",
        f"| tree | nodes | {' | '.join(limits)} |",
        f"|---|---|{'---|' * len(LIMITS)}",
    ]
    for row in study["limits"]:
        lines.append(_line([row["tree"], f"{row['nodes']:,}", *(f"{v:.1f}" for v in row["bytes_a_node"].values())]))
    return "\n".join([*lines, ""])


def _line(cells: Sequence[object], *, bold: bool = False) -> str:
    return f"| {' | '.join(f'**{cell}**' if bold else str(cell) for cell in cells)} |"
