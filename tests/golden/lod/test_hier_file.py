"""`.hier` files: what is read, and what is refused in one line."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golden.errors import InputError
from golden.lod.hier_file import load_hier
from golden.lod.hierarchy import MAX_DEPTH
from golden.lod.load import leaves
from tests.golden.lod.trees import chain, hier_bytes


def written(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "tree.hier"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("half", [True, False])
def test_reads_what_is_written(half: bool, tmp_path: Path) -> None:
    parts = chain(4)
    parts["opacity"][3] = 1.25  # clamped
    parts["box"][2] = [[-1, -2, -3, 4], [1, 2, 3, 0]]
    tree = load_hier(written(tmp_path, hier_bytes(parts, half=half)))
    assert tree.parent.tolist() == [-1, 0, 0, 2, 2, 4, 4]
    assert tree.children.tolist() == [2, 0, 2, 0, 2, 0, 0]
    assert tree.low[2].tolist() == [-1, -2, -3]
    assert tree.high[2].tolist() == [1, 2, 3]
    assert tree.size[2] == 4
    assert tree.scene.opacities.tolist() == [0.5, 0.5, 0.5, 1.0, 0.5, 0.5, 0.5]
    assert tree.scene.sh_degree == 3


def test_single_precision_is_seven_integers_a_node(tmp_path: Path) -> None:
    """By hand: depth, parent, start, count_leafs, count_merged, start_children, count_children."""
    parts = chain(2)
    raw = hier_bytes(parts, half=False)
    nodes = [(2, -1, 0, 0, 1, 1, 2), (1, 0, 1, 1, 0, 0, 0), (0, 0, 2, 1, 0, 0, 0)]
    begin = 4 + 3 * 4 * (3 + 4 + 3 + 1 + 48) + 4
    end = begin + 7 * 4 * 3
    assert len(raw) == end + 3 * 2 * 4 * 4
    tree = load_hier(written(tmp_path, raw[:begin] + np.array(nodes, "<i4").tobytes() + raw[end:]))
    assert tree.parent.tolist() == [-1, 0, 0]
    assert tree.children.tolist() == [2, 0, 0]
    assert tree.gaussian.tolist() == [0, 1, 2]


def test_reads_a_single_node(tmp_path: Path) -> None:
    """The root may be a leaf."""
    tree = load_hier(written(tmp_path, hier_bytes(chain(1))))
    assert tree.parent.tolist() == [-1]
    assert tree.leaf.tolist() == [True]


def test_several_gaussians_a_node(tmp_path: Path) -> None:
    """Merged ones while a node is on the cut, its own leaf Gaussians when it is split, too."""
    parts = chain(3)
    node = parts["node"]
    for name in ("means", "rotation", "log_scale", "opacity", "sh"):
        parts[name] = np.concatenate([parts[name]] * 2)
    # The root: two merged; node 1, a leaf: two; node 2: one leaf Gaussian and two merged; 3, 4: leaves of one.
    node["start"] = [0, 2, 4, 7, 8]
    node["count_leafs"], node["count_merged"] = [0, 2, 1, 1, 1], [2, 0, 2, 0, 0]
    tree = load_hier(written(tmp_path, hier_bytes(parts)))
    assert tree.drawn(np.array([0])).tolist() == [0, 1]
    assert tree.drawn(np.array([1, 2])).tolist() == [2, 3, 4, 5, 6]
    assert tree.drawn(np.array([1, 3, 4])).tolist() == [2, 3, 7, 8, 4]
    assert len(leaves(tree)) == 5


def empty(p: dict) -> None:
    p["node"], p["box"] = p["node"][:0], p["box"][:0]


def cycle(p: dict) -> None:
    # 3, 4 hang below 5 and 5 below 4: no way from the root.
    p["node"]["count_children"][2] = 0
    p["node"]["start_children"][4], p["node"]["count_children"][4] = 5, 2
    p["node"]["start_children"][5], p["node"]["count_children"][5] = 3, 2
    p["node"]["parent"][[3, 4]] = 5


def orphan(p: dict) -> None:
    p["node"]["count_children"][4] = 0


def two_parents(p: dict) -> None:
    p["node"]["start_children"][4] = 3


def wrong_parent(p: dict) -> None:
    p["node"]["parent"][5] = 2


def outside(p: dict) -> None:
    p["node"]["start_children"][4] = 6


def negative(p: dict) -> None:
    p["node"]["start_children"][4] = -5


def not_a_number(p: dict) -> None:
    p["box"][3, 1, 2] = np.nan


def infinite_box(p: dict) -> None:
    p["box"][3, 1, 2] = np.inf


def size_not_a_number(p: dict) -> None:
    p["box"][3, 0, 3] = np.nan


def negative_size(p: dict) -> None:
    p["box"][3, 0, 3] = -np.inf


def inside_out(p: dict) -> None:
    p["box"][3, 0, 0] = 2


def rooted(p: dict) -> None:
    p["node"]["parent"][0] = 4


def no_gaussian(p: dict) -> None:
    p["node"]["start"][3] = 7


def without_gaussians(p: dict) -> None:
    p["node"]["count_leafs"][3] = 0


def too_many_gaussians(p: dict) -> None:
    p["node"]["count_merged"][3] = 4


def negative_leafs(p: dict) -> None:
    p["node"]["count_leafs"][4], p["node"]["count_merged"][4] = -1, 2


def negative_merged(p: dict) -> None:
    p["node"]["count_leafs"][4], p["node"]["count_merged"][4] = 2, -1


def bad_gaussian(p: dict) -> None:
    p["means"][2, 1] = np.nan


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (empty, "a hierarchy needs at least one node, it has 0"),
        (cycle, "every node must be below the root, this one is on or below a cycle"),
        (orphan, "node 5: every node but the root must be one node's child, it is that of 0"),
        (two_parents, "every node but the root must be one node's child"),
        (wrong_parent, "node 5: its parent must be the node that has it as a child, it names 2"),
        (outside, "node 4: children must lie in 1..6, they start at 6"),
        (negative, "node 4: children must lie in 1..6, they start at -5"),
        (not_a_number, "node 3: a box must be finite"),
        (infinite_box, "node 3: a box must be finite"),
        (size_not_a_number, "node 3: a size must be a number, it is nan"),
        (negative_size, "node 3: a size must not be negative, it is -inf"),
        (inside_out, "node 3: a box's low corner must not lie above its high one"),
        (rooted, "node 0 must be the root, with parent -1, it names 4"),
        (no_gaussian, "node 3: its Gaussians must lie in 0..6, the last is 7"),
        (too_many_gaussians, "node 3: its Gaussians must lie in 0..6, the last is 7"),
        (without_gaussians, "node 3: a node must have at least one Gaussian, it has 0"),
        (negative_leafs, "node 4: the number of leaf Gaussians must not be negative, it is -1"),
        (negative_merged, "node 4: the number of merged Gaussians must not be negative, it is -1"),
        (bad_gaussian, "every Gaussian of a hierarchy must be finite and turned, 1 are not"),
    ],
)
def test_refuses(damage: Callable[[dict], None], message: str, tmp_path: Path) -> None:
    parts = chain(4)
    damage(parts)
    with pytest.raises(InputError) as error:
        load_hier(written(tmp_path, hier_bytes(parts)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_refuses_too_deep(tmp_path: Path) -> None:
    assert len(load_hier(written(tmp_path, hier_bytes(chain(MAX_DEPTH)))).levels()) == MAX_DEPTH
    with pytest.raises(InputError, match=f"at most {MAX_DEPTH} levels"):
        load_hier(written(tmp_path, hier_bytes(chain(MAX_DEPTH + 1))))


def test_refuses_a_wrong_length(tmp_path: Path) -> None:
    raw = hier_bytes(chain(4))
    for size in (0, 3, 4, 100, len(raw) - 1):
        with pytest.raises(InputError, match="the file has"):
            load_hier(written(tmp_path, raw[:size]))
    with pytest.raises(InputError, match="the file must end at byte"):
        load_hier(written(tmp_path, raw + b"\0"))
    with pytest.raises(InputError, match="cannot be read"):
        load_hier(tmp_path / "none.hier")
    with pytest.raises(InputError, match="at least one Gaussian"):
        load_hier(written(tmp_path, bytes(8)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_damaged_file_is_a_tree_or_one_line(place: int, value: int, tmp_path: Path) -> None:
    raw = bytearray(hier_bytes(chain(6)))
    raw[place % len(raw)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message, tree = "", None
        try:
            tree = load_hier(written(tmp_path, bytes(raw)))
        except InputError as error:
            message = str(error)
    assert "\n" not in message
    assert tree is None or sum(len(level) for level in tree.levels()) == len(tree)
