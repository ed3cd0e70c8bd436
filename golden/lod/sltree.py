"""SLTree: a hierarchy cut in subtrees of about equal size (as in SLTarch, and as Nebula describes it)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.errors import InputError
from golden.lod.branches import NONE, Branches, find_branches
from golden.lod.hierarchy import Hierarchy, Ints
from golden.lod.spec import SUBTREE_BITS, Spec


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
    node: Ints  # [B, S] node of the hierarchy at a place, or that the step at a place leads on from
    step: np.ndarray  # [B, S] bool; see `branches.py`
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
        InputError: there are too many subtrees.
    """
    limit = spec.subtree_nodes
    branches = find_branches(tree, limit)
    blocks: list[list[int]] = [[NONE]]  # the groups of a subtree, each by its parent item; the root's is below none
    parents, firsts, counts = [NONE], list[int](), list[int]()
    rows: list[list[tuple[int, int, int, int]]] = []  # item, skip, link, entry
    place = {NONE: 0}  # index in its subtree of an item whose children are in another
    b = 0
    while b < len(blocks):
        row: list[tuple[int, int, int, int]] = []
        outside: list[int] = []
        for group in blocks[b]:
            _walk(group, _fill(group, branches, limit), branches, place[group], row, outside)
        groups = _merge(outside, branches, limit)
        link = {item: k for k, block in enumerate(groups) for item in block}
        for index, (item, skip, _, entry) in enumerate(row):
            row[index] = (item, skip, link.get(item, NONE), entry)
            place[item] = index
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
    item = table[0]
    return SLTree(
        hierarchy=tree, spec=spec, node=np.where(item == NONE, NONE, np.array(branches.node)[item]),
        step=item >= len(tree), skip=np.maximum(table[1], 0), link=table[2], entry=table[3],
        count=np.array([len(row) for row in rows]), parent=np.array(parents),
        first_child=np.array(firsts), children=np.array(counts),
    )  # fmt: skip


def _fill(group: int, branches: Branches, limit: int) -> set[int]:
    """Items whose children are taken into the subtree of those below `group`, breadth first."""
    items, inside, k = list(branches.below(group)), set[int](), 0
    apart = group in branches.apart
    while k < len(items):
        item = items[k]
        k += 1
        children = branches.children[item]
        if children and len(items) + len(children) <= limit and (item in branches.apart) == apart:
            inside.add(item)
            items += children
    return inside


def _size(group: int, branches: Branches, limit: int) -> int:
    """Nodes of the subtree that the children of `group` would make alone."""
    inside = _fill(group, branches, limit)
    return len(branches.below(group)) + sum(len(branches.children[item]) for item in inside)


def _walk(
    group: int, inside: set[int], branches: Branches, entry: int, row: list[tuple[int, int, int, int]],
    outside: list[int],
) -> None:  # fmt: skip
    """Appends what is below `group` and inside in depth-first order; collects the items whose children are outside."""

    def visit(item: int) -> None:
        index = len(row)
        row.append((item, 0, NONE, entry))
        if item in inside:
            for child in branches.children[item]:
                visit(child)
            row[index] = (item, len(row) - index - 1, NONE, entry)
        elif branches.children[item]:
            outside.append(item)

    for item in branches.below(group):
        visit(item)


def _merge(outside: list[int], branches: Branches, limit: int) -> list[list[int]]:
    """Child subtrees, each a list of groups: first fit, in depth-first order, those apart by themselves."""
    bins: list[list[int]] = []
    room: list[int] = []
    for group in outside:
        size, apart = _size(group, branches, limit), group in branches.apart
        fits = (k for k, free in enumerate(room) if free >= size and (bins[k][0] in branches.apart) == apart)
        k = next(fits, None)
        if k is None:
            bins.append([group])
            room.append(limit - size)
        else:
            bins[k].append(group)
            room[k] -= size
    return bins
