"""A hierarchy's branches as subtrees can hold them: wide nodes split, boundless nodes apart.

A node with more children than a subtree takes gets *steps* between itself and its children. A step is
always split, and it is reached only where its node is split: the cut is that of the hierarchy as it stands.

A *boundless* node is larger than anything that lies in the tree: its size is infinite or stands for that, as
the root of merged hierarchies. In the number format that a subtree's nodes share, it or a step would leave
no bits for the others: these have subtrees of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.lod.hierarchy import Hierarchy

NONE = -1
BOUNDLESS = 2.0  # times the longest side of the tree's box; a measured size is at most about one


@dataclass(frozen=True)
class Branches:
    """Items: the hierarchy's nodes by number, then the steps."""

    children: list[Sequence[int]]  #: of every item
    node: list[int]  #: the node that an item is, or that a step leads on from
    apart: set[int]  #: items with boundless nodes or steps as children; `NONE` if the root is boundless

    def below(self, item: int) -> Sequence[int]:
        """Its children; the root alone below `NONE`."""
        return [0] if item == NONE else self.children[item]


def find_branches(tree: Hierarchy, limit: int) -> Branches:
    """No item has more than `limit` children, or both boundless and other inner nodes as children."""
    count = len(tree)
    ends = tree.first_child + tree.children
    children: list[Sequence[int]] = [
        range(begin, end) for begin, end in zip(tree.first_child.tolist(), ends.tolist(), strict=True)
    ]
    node = list(range(count))
    boundless = is_boundless(tree)

    def put_steps(item: int, groups: list[list[int]]) -> None:
        children[item] = range(len(node), len(node) + len(groups))
        children.extend(groups)
        node.extend([node[item]] * len(groups))

    parents = {int(parent) for parent in tree.parent[boundless]}
    for item in sorted(parents - {NONE}):
        below = np.array(children[item])
        large = boundless[below]
        if not tree.leaf[below[~large]].all():
            put_steps(item, [below[large].tolist(), below[~large].tolist()])
    for item in [*np.flatnonzero(tree.children > limit).tolist(), *range(count, len(node))]:
        while len(children[item]) > limit:
            parts = -(-len(children[item]) // limit)
            put_steps(item, [part.tolist() for part in np.array_split(np.array(children[item]), parts)])
    stepped = {item for item in range(count) if children[item] and children[item][0] >= count}
    apart = {
        item
        for item in (parents - {NONE}) | stepped | set(range(count, len(node)))
        if any(child >= count or boundless[child] for child in children[item])
    }
    return Branches(children, node, apart | (parents & {NONE}))


def is_boundless(tree: Hierarchy) -> np.ndarray:
    """Inner nodes that are larger than anything in the tree, bool [N]."""
    extent = (tree.high.max(axis=0) - tree.low.min(axis=0)).max()
    return ~tree.leaf & (tree.size > BOUNDLESS * extent)
