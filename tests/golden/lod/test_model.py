"""The bit-true search against the float reference and against itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.errors import InputError
from golden.lod.band import compare
from golden.lod.load import leaves, load_hierarchy
from golden.lod.model import SearchModel, initial_state
from golden.lod.paths import PATHS, camera_path
from golden.lod.reference import find_cut
from golden.lod.sltree import build_sltree
from golden.lod.spec import DEFAULT, TINY, Spec
from golden.lod.tree_image import TreeImage, build_tree_image, cut_nodes
from golden.lod.view import View, make_path
from tests.golden.lod.trees import cameras, small_image, small_tree

TAUS = (1.0, 4.0, 30.0)


def dense_cut(model: SearchModel, view: View) -> np.ndarray:
    """Every node's own decision, then down the tree of nodes: no subtrees, no skips."""
    tree = model.tree.hierarchy
    big, _, _ = model.decide(view, torch.arange(model.count))
    split = np.zeros(len(tree), np.bool_)
    used = model.tree.node >= 0
    split[model.tree.node[used]] = (big & model.inner).numpy()[used]
    reached = np.zeros(len(tree), np.bool_)
    reached[0] = True
    for level in tree.levels()[1:]:
        reached[level] = (reached & split)[tree.parent[level]]
    return np.flatnonzero(reached & ~split)


@pytest.mark.parametrize("spec", [DEFAULT, TINY, Spec(box_bits=12, size_bits=8)])
@pytest.mark.parametrize("tau", TAUS)
def test_cut_of_subtrees_is_the_cut_of_nodes(spec: Spec, tau: float) -> None:
    image = small_image(spec)
    model = SearchModel(image)
    for view in make_path(image, cameras("orbit", 3), tau):
        found = model.search(view)
        assert np.array_equal(cut_nodes(image.sltree, found.state.cut.numpy()), dense_cut(model, view))


def test_reference_by_hand() -> None:
    """A node is on the cut if it is below the threshold and its parent is not; leaves below split nodes always."""
    tree = small_tree(50)
    camera = cameras("orbit", 1)[0]
    found = find_cut(tree, torch.from_numpy(camera.position), camera.fx, 20.0)
    for node in range(len(tree)):
        chain, above = [], node
        while tree.parent[above] >= 0:
            above = int(tree.parent[above])
            chain.append(above)
        reached = all(found.size[k] >= 20 for k in chain)
        assert bool(found.visited[node]) == reached
        assert bool(found.cut[node]) == (reached and (tree.leaf[node] or float(found.size[node]) < 20))
        nearest = np.clip(camera.position, tree.low[node], tree.high[node])
        distance = np.linalg.norm(camera.position - nearest)
        if distance:
            assert float(found.size[node]) == pytest.approx(camera.fx * tree.size[node] / distance)


@pytest.mark.parametrize("spec", [DEFAULT, Spec(box_bits=12, size_bits=8)])
@pytest.mark.parametrize("tau", TAUS)
def test_never_coarser_than_the_reference_and_little_finer(spec: Spec, tau: float) -> None:
    image = small_image(spec)
    camera = cameras("orbit", 1)[0]
    found = SearchModel(image).search(make_path(image, [camera], tau)[0])
    band = compare(small_tree(), cut_nodes(image.sltree, found.state.cut.numpy()), camera.position, camera.fx, tau)
    assert band.largest_kept < 1.0001
    assert band.smallest_split > 1 - 3 * 2.0 ** -min(spec.size_bits, spec.box_bits - 1)


def walk(image: TreeImage, name: str, tau: float, frames: int, *, size: int = 256) -> list[float]:
    """Asserts that temporal search equals full search in every view; the share of subtrees that it visits."""
    tree = image.sltree.hierarchy
    path = make_path(image, camera_path(leaves(tree), name, frames, width=size, height=size), tau)
    model, state, shares = SearchModel(image), initial_state(image), list[float]()
    for k, view in enumerate(path):
        full = model.search(view)
        found = model.search(view, state, begin=k == 0)
        state = found.state
        assert torch.equal(state.cut, full.state.cut), f"view {k}"
        assert torch.equal(state.expanded, full.state.expanded), f"view {k}"
        shares.append(len(found.subtrees) / len(full.subtrees))
    return shares


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("tau", [2.0, 12.0])
def test_temporal_search_is_full_search(name: str, tau: float) -> None:
    shares = walk(small_image(TINY), name, tau, 12)
    assert shares[0] == 1
    if name == "still":
        assert shares[1:] == [0] * 11


def test_temporal_search_survives_a_new_threshold() -> None:
    image = small_image(TINY)
    model, state = SearchModel(image), initial_state(image)
    path = make_path(image, cameras("orbit", 6), [4.0, 4.0, 30.0, 30.0, 2.0, 4.0])
    for k, view in enumerate(path):
        state = model.search(view, state, begin=k == 0).state
        assert torch.equal(state.cut, model.search(view).state.cut)


def test_path_refuses() -> None:
    image = small_image(TINY)
    with pytest.raises(InputError, match=r"tau must lie in 0.01..10000 px, it is 0"):
        make_path(image, cameras("orbit", 1), 0)
    with pytest.raises(InputError, match="begin a new path"):
        make_path(image, cameras("orbit", 40), [3.0, 4.0] * 20)
    with pytest.raises(InputError, match="--path must be one of"):
        cameras("fly", 1)


def test_a_far_camera_is_moved_to_the_border() -> None:
    image = small_image(TINY)
    camera = cameras("orbit", 1)[0]
    matrix = camera.world_to_camera.copy()
    matrix[:3, 3] *= 1e6
    view = make_path(image, [replace(camera, world_to_camera=matrix)], 3.0)[0]
    assert view.clamped
    assert np.abs(view.camera).max() == (1 << 23) - 1
    assert SearchModel(image).search(view).nodes > 0


@pytest.mark.slow
@pytest.mark.parametrize("source", ["lod/statue_angel.hier", "scenes/skull.ply", "scenes/flowers_3_0.ply"])
@pytest.mark.parametrize("name", PATHS)
def test_real_paths(source: str, name: str, real_data: Path) -> None:
    """64 frames of 512×512, temporal equal to full; at most 15 % of the subtrees away from cuts."""
    image = build_tree_image(build_sltree(load_hierarchy(real_data / source), DEFAULT))
    for tau in (1.0, 6.0, 30.0):
        shares = walk(image, name, tau, 64, size=512)
        if name != "jump":
            assert np.mean(shares[1:]) < 0.15
