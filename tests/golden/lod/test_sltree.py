"""SLTree and builder: every node once, whole groups, linked both ways, boxes that bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.lod.builder import build_hierarchy
from golden.lod.hierarchy import Hierarchy
from golden.lod.sltree import build_sltree
from golden.lod.spec import DEFAULT, PAPER, TINY, Spec
from golden.lod.tree_image import build_tree_image
from golden.scenes import load_scene
from tests.golden.lod.trees import small_tree

SPECS = {"default": DEFAULT, "tiny": TINY, "paper": PAPER, "two": replace(TINY, subtree_nodes=2)}


def star(children: int) -> Hierarchy:
    """A root with many leaves."""
    tree = small_tree(children)
    count = children + 1
    number = np.zeros(count, np.int64)
    number[0] = children
    return Hierarchy(
        scene=tree.scene, parent=np.r_[-1, np.zeros(children, np.int64)], first_child=np.ones(count, np.int64),
        children=number, gaussian=np.arange(count), gaussians=np.ones(count, np.int64), kept=np.zeros(count, np.int64),
        low=np.zeros((count, 3)), high=np.ones((count, 3)), size=np.ones(count),
    )  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_every_node_once_and_linked(name: str) -> None:
    tree, limit = small_tree(), SPECS[name].subtree_nodes
    s = build_sltree(tree, SPECS[name])
    used = s.node >= 0
    assert np.array_equal(np.sort(s.node[used]), np.arange(len(tree)))
    assert s.count.max() <= limit
    assert np.array_equal(used.sum(axis=1), s.count)
    where = {int(s.node[b, k]): (b, k) for b in range(len(s)) for k in range(s.count[b])}
    for b in range(len(s)):
        for k in range(s.count[b]):
            node = int(s.node[b, k])
            inside = range(k + 1, k + 1 + s.skip[b, k])
            if node and where[int(tree.parent[node])][0] != b:
                assert where[int(tree.parent[node])] == (s.parent[b], s.entry[b, k])
            assert (s.entry[b, k + 1 : k + 1 + s.skip[b, k]] == s.entry[b, k]).all()
            assert all(is_below(tree, int(s.node[b, j]), node) for j in inside)
            children = range(tree.first_child[node], tree.first_child[node] + tree.children[node])
            if s.link[b, k] >= 0:
                assert not len(inside)
                assert {where[c][0] for c in children} == {int(s.first_child[b] + s.link[b, k])}
                assert s.link[b, k] < s.children[b]
            else:
                assert {where[c][0] for c in children} <= {b}


def is_below(tree: Hierarchy, node: int, ancestor: int) -> bool:
    while node > 0 and node != ancestor:
        node = int(tree.parent[node])
    return node == ancestor


@pytest.mark.parametrize("name", SPECS)
def test_breadth_first_and_merged(name: str) -> None:
    s = build_sltree(small_tree(), SPECS[name])
    assert np.all(np.diff(s.parent) >= 0)
    assert np.array_equal(s.first_child, 1 + np.r_[0, np.cumsum(s.children)[:-1]])
    assert s.levels[0] == slice(0, 1)
    assert sum(level.stop - level.start for level in s.levels) == len(s)
    # First fit: the nodes of two children of one subtree, next to each other, do not fit in one.
    for b in range(1, len(s) - 1):
        if s.parent[b] == s.parent[b + 1]:
            first_group = int((s.entry[b + 1] == s.entry[b + 1, 0]).sum())
            assert s.count[b] + first_group > s.spec.subtree_nodes


def test_builder_bounds_and_matches_moments() -> None:
    tree = small_tree()
    child = np.arange(1, len(tree))
    above = tree.parent[child]
    assert (tree.low[above] <= tree.low[child]).all()
    assert (tree.high[above] >= tree.high[child]).all()
    assert (tree.size[above] >= tree.size[child]).all()
    assert tree.leaf.sum() == 400
    # The root's first moment, by hand.
    own = tree.scene.select(tree.leaf)
    weight = own.opacities.astype(float) * (own.scales.astype(float) ** 2).mean(axis=1)
    mean = (weight[:, None] * own.means).sum(axis=0) / weight.sum()
    assert np.allclose(tree.scene.means[0], mean, rtol=1e-4, atol=1e-5)
    offset = own.means - mean
    second = (weight * ((own.scales.astype(float) ** 2).sum(axis=1) + (offset**2).sum(axis=1))).sum() / weight.sum()
    assert np.isclose((tree.scene.scales[0].astype(float) ** 2).sum(), second, rtol=1e-3)
    assert np.allclose(np.linalg.norm(tree.scene.quaternions, axis=1), 1, atol=1e-5)


def test_a_far_origin_changes_no_moments() -> None:
    scene = load_scene("embedded").select(np.arange(400))
    near, far = small_tree().scene, build_hierarchy(replace(scene, means=scene.means + 1e7, mip=True)).scene
    assert (near.mip, far.mip) == (False, True)
    assert np.abs(far.means - 1e7 - near.means).max() < 1e-6
    assert np.allclose(far.scales, near.scales, rtol=1e-4)


@pytest.mark.parametrize("spec", [DEFAULT, TINY, Spec(box_bits=6, size_bits=4), Spec(box_bits=16, size_bits=8)])
def test_codes_look_larger_never_smaller(spec: Spec) -> None:
    image = build_tree_image(build_sltree(small_tree(), spec))
    tree, s = small_tree(), image.sltree
    inner = image.used & ~image.leaf
    step = (2.0**image.exponent)[:, None]
    low = (image.low * step + image.origin[:, None]) * image.cell + image.corner
    high = (image.high * step + image.origin[:, None]) * image.cell + image.corner
    size = ((1 << spec.size_bits) + image.mantissa) * 2.0 ** (image.node_exponent + image.size_exponent[:, None])
    node = s.node[inner]
    assert (low[inner] <= tree.low[node]).all()
    assert (high[inner] >= tree.high[node]).all()
    true = tree.size[node] / image.cell
    assert (size[inner] >= true).all()
    large = true >= size[inner].max() / 256
    assert (size[inner][large] <= true[large] * (1 + 2.0**-spec.size_bits) + 1e-9).all()
    assert ((image.mantissa > 0) | (image.node_exponent > 0))[inner].all()
    assert image.low.min() >= 0
    assert image.high.max() < 1 << spec.box_bits
