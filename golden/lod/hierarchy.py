"""A level-of-detail tree of Gaussians, and its rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import Scene

MAX_DEPTH = 64  # levels
Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """N nodes, node 0 the root; node n stands for the `gaussians[n]` Gaussians of `scene` from `gaussian[n]` on.

    A leaf has no children; an inner node's Gaussians stand for those below it, except that the first
    `kept[n]` of them are not merged from any: they are drawn when the node is split, too. Children are
    neighbours in the arrays. Boxes bound what lies below, `size` is what a node
    measures; a node of infinite size is always split.
    """

    scene: Scene
    parent: Ints  # [N], -1 at the root
    first_child: Ints  # [N], meaningless at leaves
    children: Ints  # [N], their number
    gaussian: Ints  # [N] the first
    gaussians: Ints  # [N] their number
    kept: Ints  # [N] of those; without meaning at leaves
    low: Doubles  # [N, 3]
    high: Doubles  # [N, 3]
    size: Doubles  # [N]

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def leaf(self) -> npt.NDArray[np.bool_]:
        return self.children == 0

    def above(self, cut: Ints) -> npt.NDArray[np.bool_]:
        """The nodes above those of a cut, which it has split, [N]."""
        split = np.zeros(len(self), np.bool_)
        parents = self.parent[cut]
        while len(parents := np.unique(parents[parents >= 0])):
            parents = parents[~split[parents]]
            split[parents] = True
            parents = self.parent[parents]
        return split

    def drawn(self, cut: Ints) -> Ints:
        """The Gaussians of a cut, node by node, then those that the nodes above it keep.

        In a cut within a frustum, what a node keeps is missing if all its children lie outside.
        """
        keeps = np.flatnonzero(self.above(cut) & (self.kept > 0))
        return np.concatenate(
            [ranges(self.gaussian[cut], self.gaussians[cut]), ranges(self.gaussian[keeps], self.kept[keeps])]
        )

    def levels(self) -> list[Ints]:
        """The nodes of every level, from the root down.

        Raises:
            InputError: more than `MAX_DEPTH` levels.
        """
        level = np.zeros(1, np.int64)
        found: list[Ints] = []
        while len(level):
            if len(found) == MAX_DEPTH:
                raise InputError(f"{self.scene.name}: a hierarchy has at most {MAX_DEPTH} levels, this one has more")
            found.append(level)
            inner = level[self.children[level] > 0]
            level = ranges(self.first_child[inner], self.children[inner])
        return found


def ranges(first: Ints, count: Ints) -> Ints:
    """first[0], first[0]+1, … count[0] numbers, then those of the next."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(first - (ends - count), count)


def check_hierarchy(tree: Hierarchy) -> Hierarchy:
    """Returns `tree` if it is a valid hierarchy.

    Raises:
        InputError: no node; a root with a parent; a range of children outside the array; a node
            that is nobody's child or the child of two; a parent that does not name it; a cycle;
            too deep; a box that is not finite or turned inside out; a size that is
            negative or no number; a node without Gaussians,
            or no such Gaussians.
    """
    name, count = tree.scene.name, len(tree)
    if count == 0:
        raise InputError(f"{name}: a hierarchy needs at least one node, it has 0")
    if tree.parent[0] != -1:
        raise InputError(f"{name}: node 0 must be the root, with parent -1, it names {tree.parent[0]}")
    _refuse(name, tree.children < 0, "the number of children must not be negative, it is {}", tree.children)
    inner = np.flatnonzero(tree.children)
    outside = np.zeros(count, np.bool_)
    outside[inner] = (tree.first_child[inner] < 1) | (tree.first_child[inner] + tree.children[inner] > count)
    _refuse(name, outside, f"children must lie in 1..{count - 1}, they start at {{}}", tree.first_child)
    child = ranges(tree.first_child[inner], tree.children[inner])
    times = np.bincount(child, minlength=count)
    times[0] += 1
    _refuse(name, times == 0, "every node but the root must be one node's child, it is that of {}", times)
    _refuse(name, times > 1, "every node but the root must be one node's child, it is that of {}", times)
    named = np.full(count, -1)
    named[child] = np.repeat(inner, tree.children[inner])
    _refuse(name, named != tree.parent, "its parent must be the node that has it as a child, it names {}", tree.parent)
    # Every node has one parent, so what the root does not reach is on a cycle or below one.
    reached = np.zeros(count, np.bool_)
    for level in tree.levels():
        reached[level] = True
    _refuse(
        name, ~reached, "every node must be below the root, this one is on or below a cycle, parent {}", tree.parent
    )
    boxes = np.concatenate([tree.low, tree.high], axis=1)
    _refuse(name, np.any(~np.isfinite(boxes), axis=1), "a box must be finite, its size is {}", tree.size)
    _refuse(name, np.isnan(tree.size), "a size must be a number, it is {}", tree.size)
    _refuse(
        name,
        np.any(tree.low > tree.high, axis=1),
        "a box's low corner must not lie above its high one, size {}",
        tree.size,
    )
    _refuse(name, tree.size < 0, "a size must not be negative, it is {}", tree.size)
    _refuse(name, tree.gaussians < 1, "a node must have at least one Gaussian, it has {}", tree.gaussians)
    _refuse(name, tree.kept < 0, "the number of leaf Gaussians must not be negative, it is {}", tree.kept)
    _refuse(
        name,
        tree.kept > tree.gaussians,
        "the number of merged Gaussians must not be negative, it is {}",
        tree.gaussians - tree.kept,
    )
    last = tree.gaussian + tree.gaussians - 1
    within = f"its Gaussians must lie in 0..{len(tree.scene) - 1}"
    _refuse(name, tree.gaussian < 0, f"{within}, the first is {{}}", tree.gaussian)
    _refuse(name, last >= len(tree.scene), f"{within}, the last is {{}}", last)
    return tree


def _refuse(name: str, wrong: npt.NDArray[np.bool_], rule: str, value: npt.NDArray[np.generic]) -> None:
    if wrong.any():
        index = int(np.argmax(wrong))
        raise InputError(f"{name}: node {index}: {rule.format(value[index])}")
