"""Wide nodes and infinite sizes: the engine's cut is the float reference's of the hierarchy as it stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from golden.errors import InputError
from golden.lod.band import compare
from golden.lod.branches import NONE, find_branches
from golden.lod.hierarchy import Hierarchy, check_hierarchy
from golden.lod.model import SearchModel, initial_state
from golden.lod.reference import find_cut, pixel_size
from golden.lod.sltree import build_sltree
from golden.lod.spec import DEFAULT, TINY, Spec
from golden.lod.tree_image import MAX_SIZE_EXPONENT, TreeImage, build_tree_image, cut_nodes
from golden.lod.view import make_path
from golden.scenes import Camera
from tests.golden.lod.trees import cameras, collapsed, small_image, small_tree

FINE = Spec(subtree_nodes=6, box_bits=16, size_bits=8)
GAP = 1.02  # between sizes that decide, so that no rounding of FINE's changes a decision


def wide(seed: int) -> Hierarchy:
    """Some nodes with many children, most with few."""
    tree = small_tree()
    rng = np.random.default_rng(seed)
    gone = rng.random(len(tree)) < 0.4
    gone |= np.isin(tree.parent, rng.choice(len(tree) // 2, 20)) | np.isin(tree.parent, [1, 2])
    return collapsed(tree, gone)


def star(_: int) -> Hierarchy:
    """All leaves below the root."""
    return collapsed(small_tree(), np.ones(len(small_tree()), np.bool_))


def merged(seed: int, size: float = np.inf) -> Hierarchy:
    """The root stands for nothing that can be measured."""
    tree = wide(seed)
    return replace(tree, size=np.where(np.arange(len(tree)) == 0, size, tree.size))


def merged_again(seed: int) -> Hierarchy:
    """Below the root, merged and other hierarchies side by side."""
    tree = merged(seed)
    below = tree.first_child[0] + np.arange(tree.children[0])
    size = tree.size.copy()
    size[below[~tree.leaf[below]][::3]] = np.inf
    return replace(tree, size=size)


TREES: dict[str, Callable[[int], Hierarchy]] = {
    "wide": wide, "star": star, "merged": merged, "merged again": merged_again,
    "merged, single precision": lambda seed: merged(seed, 1e9), "large root": lambda seed: merged(seed, 1e4),
}  # fmt: skip


def image_of(tree: Hierarchy, spec: Spec) -> TreeImage:
    return build_tree_image(build_sltree(check_hierarchy(tree), spec))


def clear_taus(tree: Hierarchy, camera: Camera) -> list[float]:
    """Thresholds in the middle of gaps between the sizes of inner nodes, and one below and above all."""
    size = pixel_size(tree, torch.from_numpy(camera.position), camera.fx).numpy()[~tree.leaf]
    size = np.sort(size[np.isfinite(size)])
    if not len(size):
        return [1.0, 100.0]
    gaps = np.flatnonzero(size[1:] > GAP * size[:-1])
    middle = np.sqrt(size[gaps] * size[gaps + 1])
    taus = np.r_[size[0] / 2, middle[:: max(1, len(middle) // 12)], size[-1] * 2]
    return [float(tau) for tau in taus if 0.01 <= tau <= 1e4]


@pytest.mark.parametrize("name", TREES)
def test_cut_is_the_reference(name: str, seed: int) -> None:
    tree = TREES[name](seed)
    assert tree.children.max() > FINE.subtree_nodes
    image, splits = image_of(tree, FINE), 0
    model = SearchModel(image)
    for camera in cameras("orbit", 200)[::99]:
        for tau in clear_taus(tree, camera):
            found = model.search(make_path(image, [camera], tau)[0])
            cut = cut_nodes(image.sltree, found.state.cut.numpy())
            reference = find_cut(tree, torch.from_numpy(camera.position), camera.fx, tau).cut.numpy()
            assert np.array_equal(cut, np.flatnonzero(reference)), f"tau {tau}"
            assert np.array_equal(np.sort(tree.drawn(cut)), np.sort(tree.gaussian[cut]))
            splits += len(cut) > 1
    assert splits > 1


@pytest.mark.parametrize("spec", [DEFAULT, TINY])
@pytest.mark.parametrize("name", TREES)
def test_never_coarser_and_little_finer(name: str, spec: Spec, seed: int) -> None:
    """Not even where boundless nodes would take the bits of the others: at most what the boxes' rounding costs."""
    tree = TREES[name](seed)
    image, camera = image_of(tree, spec), cameras("orbit", 1)[0]
    for tau in (2.0, 8.0, 30.0):
        found = SearchModel(image).search(make_path(image, [camera], tau)[0])
        cut = cut_nodes(image.sltree, found.state.cut.numpy())
        band = compare(tree, cut, camera.position, camera.fx, tau)
        assert band.largest_kept < 1.0001
        assert band.smallest_split > 1 - 3 * 2.0 ** -(spec.box_bits - 1)


@pytest.mark.parametrize("name", TREES)
def test_steps_and_infinite_sizes_have_the_largest_code(name: str, seed: int) -> None:
    """A step's box is rounded in another subtree than its node's, so that the node's own size might not do."""
    tree = TREES[name](seed)
    image = image_of(tree, TINY)
    s = image.sltree
    large = s.step | (image.used & ~image.leaf & np.isinf(tree.size[s.node]))
    assert large.any()
    assert (image.mantissa[large] == (1 << TINY.size_bits) - 1).all()
    assert (image.node_exponent + image.size_exponent[:, None])[large].min() == MAX_SIZE_EXPONENT + 7


@pytest.mark.parametrize("name", TREES)
def test_temporal_search_is_full_search(name: str, seed: int) -> None:
    image = image_of(TREES[name](seed), TINY)
    model, state = SearchModel(image), initial_state(image)
    path = make_path(image, cameras("walk", 60)[::3], 12.0)
    visited = 0
    for k, view in enumerate(path):
        found = model.search(view, state, begin=k == 0)
        state, visited = found.state, visited + len(found.subtrees)
        assert torch.equal(state.cut, model.search(view).state.cut)
    assert visited < len(path) * len(image.sltree)


@pytest.mark.parametrize("limit", [2, 6, 26])
@pytest.mark.parametrize("name", TREES)
def test_every_node_once_below_steps_of_its_parent(name: str, limit: int, seed: int) -> None:
    tree = TREES[name](seed)
    branches = find_branches(tree, limit)
    assert max(len(children) for children in branches.children) <= limit
    owner = {child: item for item, children in enumerate(branches.children) for child in children}
    assert sorted(owner) == list(range(1, len(branches.node)))
    for child, item in owner.items():
        assert branches.node[item] == (tree.parent[child] if child < len(tree) else branches.node[child])
    s = build_sltree(tree, Spec(subtree_nodes=limit))
    assert np.array_equal(np.sort(s.node[(s.node != NONE) & ~s.step]), np.arange(len(tree)))
    assert s.step.sum() == len(branches.node) - len(tree)


def test_boundless_nodes_share_no_subtree_with_measured_ones(seed: int) -> None:
    tree = merged_again(seed)
    s = build_sltree(tree, TINY)
    inner = (s.node != NONE) & ~tree.leaf[s.node]
    large = inner & (s.step | np.isinf(tree.size[s.node]))
    assert large.any()
    assert not (large.any(axis=1) & (inner & ~large).any(axis=1)).any()


def test_refuses_a_tau_at_which_an_infinite_size_is_not_split(seed: int) -> None:
    image = image_of(merged(seed), TINY)
    camera = replace(cameras("still", 1)[0], fx=1.0, fy=1.0)
    highest = image.highest_tau(1.0)
    assert 100 < highest < 200
    far = replace(camera, world_to_camera=np.block([[np.eye(3), np.full((3, 1), 1e6)], [np.zeros(3), 1]]))
    view = make_path(image, [far], highest)[0]
    assert view.clamped
    assert 0 not in cut_nodes(image.sltree, SearchModel(image).search(view).state.cut.numpy())
    with pytest.raises(InputError, match=r"tau must be at most .* px at a focal length of 1 px, it is 200"):
        make_path(image, [camera], 200.0)
    assert small_image(TINY).highest_tau(1.0) == math.inf
