"""SLTree: a hierarchy cut in subtrees of about equal size (as in SLTarch, and as Nebula describes it)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.errors import InputError
from golden.lod.hierarchy import Hierarchy, Ints
from golden.lod.spec import SUBTREE_BITS, Spec

NONE = -1


@dataclass(frozen=True, kw_only=True)
class SLTree:
    """B subtrees in breadth-first order; the nodes of each stand in depth-first order.

    A *group* is all children of one node, or the root alone. A subtree holds whole groups, every
    one with those descendants that fit; several groups of one parent subtree may share it. A
    node's place is `subtree * subtree_nodes + index`. Arrays over places have `NONE` (-1) or 0
    where there is no node.
    """

    hierarchy: Hierarchy
    spec: Spec
    node: Ints  # [B, S] node of the hierarchy at a place
    count: Ints  # [B] nodes of a subtree
    parent: Ints  # [B] parent subtree, -1 at the root's
    first_child: Ints  # [B] the children are this and the following subtrees
    children: Ints  # [B]
    skip: Ints  # [B, S] descendants inside the subtree
    link: Ints  # [B, S] which child subtree holds the children, -1 where they are inside or there are none
    entry: Ints  # [B, S] index in the parent subtree of the node that the group hangs below; 0 in the root's

    def __len__(self) -> int:
        return len(self.count)

    @property
    def levels(self) -> list[slice]:
        """Subtrees by their distance from the root's."""
        found, begin, end = [], 0, 1
        while begin < end:
            found.append(slice(begin, end))
            below = [int(f + c) for f, c in zip(self.first_child[begin:end], self.children[begin:end], strict=True)]
            begin, end = end, max(end, *below)
        return found


def build_sltree(tree: Hierarchy, spec: Spec) -> SLTree:
    """Breadth-first filling to at most `subtree_nodes`, then first-fit merging of groups of one parent subtree.

    Raises:
        InputError: a node has more children than a subtree takes, or there are too many subtrees.
    """
    limit = spec.subtree_nodes
    if tree.children.max() > limit:
        node = int(tree.children.argmax())
        raise InputError(
            f"{tree.scene.name}: a node must have at most subtree_nodes = {limit} children, "
            f"node {node} has {tree.children[node]}"
        )
    first, number = tree.first_child.tolist(), tree.children.tolist()
    blocks: list[list[int]] = [[0]]  # the groups of a subtree, each by its parent node; the root's by itself
    parents, firsts, counts = [NONE], list[int](), list[int]()
    rows: list[list[tuple[int, int, int, int]]] = []  # node, skip, link, entry
    place: dict[int, int] = {}  # index in its subtree of a node whose children are in another
    b = 0
    while b < len(blocks):
        row: list[tuple[int, int, int, int]] = []
        outside: list[int] = []
        for group in blocks[b]:
            top = [0] if b == 0 else list(range(first[group], first[group] + number[group]))
            inside = _fill(top, first, number, limit)
            _walk(top, inside, first, number, 0 if b == 0 else place[group], row, outside)
        groups = _merge(outside, first, number, limit)
        link = {node: k for k, block in enumerate(groups) for node in block}
        for index, (node, skip, _, entry) in enumerate(row):
            row[index] = (node, skip, link.get(node, NONE), entry)
            place[node] = index
        rows.append(row)
        firsts.append(len(blocks))
        counts.append(len(groups))
        parents += [b] * len(groups)
        blocks += groups
        b += 1
    if len(blocks) > 1 << SUBTREE_BITS:
        raise InputError(f"{tree.scene.name}: at most {1 << SUBTREE_BITS} subtrees are addressed, it has {len(blocks)}")
    table = np.full((4, len(rows), limit), NONE, np.int64)
    for k, row in enumerate(rows):
        table[:, k, : len(row)] = np.array(row).T
    return SLTree(
        hierarchy=tree, spec=spec, node=table[0], skip=np.maximum(table[1], 0), link=table[2], entry=table[3],
        count=np.array([len(row) for row in rows]), parent=np.array(parents),
        first_child=np.array(firsts), children=np.array(counts),
    )  # fmt: skip


def _fill(top: list[int], first: list[int], number: list[int], limit: int) -> set[int]:
    """Nodes whose children are taken into the subtree of `top`, breadth first."""
    nodes, inside, k = list(top), set[int](), 0
    while k < len(nodes):
        node = nodes[k]
        k += 1
        if number[node] and len(nodes) + number[node] <= limit:
            inside.add(node)
            nodes += range(first[node], first[node] + number[node])
    return inside


def _size(group: int, first: list[int], number: list[int], limit: int) -> int:
    """Nodes of the subtree that the children of `group` would make alone."""
    top = list(range(first[group], first[group] + number[group]))
    return len(top) + sum(number[node] for node in _fill(top, first, number, limit))


def _walk(
    top: list[int], inside: set[int], first: list[int], number: list[int], entry: int,
    row: list[tuple[int, int, int, int]], outside: list[int],
) -> None:  # fmt: skip
    """Appends `top` and what is inside in depth-first order; collects the nodes whose children are outside."""

    def visit(node: int) -> None:
        index = len(row)
        row.append((node, 0, NONE, entry))
        if node in inside:
            for child in range(first[node], first[node] + number[node]):
                visit(child)
            row[index] = (node, len(row) - index - 1, NONE, entry)
        elif number[node]:
            outside.append(node)

    for node in top:
        visit(node)


def _merge(outside: list[int], first: list[int], number: list[int], limit: int) -> list[list[int]]:
    """Child subtrees, each a list of groups: first fit, in depth-first order."""
    bins: list[list[int]] = []
    room: list[int] = []
    for group in outside:
        size = _size(group, first, number, limit)
        k = next((k for k, free in enumerate(room) if free >= size), None)
        if k is None:
            bins.append([group])
            room.append(limit - size)
        else:
            bins[k].append(group)
            room[k] -= size
    return bins
