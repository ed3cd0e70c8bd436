"""Which nodes of a subtree are gone through, and where each decision leads: masks and places of one subtree.

What hw/lod/entry_filter.py computes, and the part of hw/lod/size_check.py that knows nothing of sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

from golden.lod.memory_map import MASK_BITS


def nodes_to_visit(entry: Sequence[int], entered: int, before: int) -> int:
    """Mask of the nodes below expanded nodes of the parent subtree, and of those that were expanded before.

    Args:
        entry: for every node, the node of the parent subtree that its group hangs below.
        entered: mask of the parent's nodes that are expanded.
        before: mask of the frontier nodes that were expanded at the last visit.
    """
    return sum(1 << k for k, above in enumerate(entry) if (entered >> above | before >> k) & 1)


def next_node(mask: int, index: int) -> int:
    """The lowest set bit at or above `index`; `MASK_BITS` if there is none."""
    return next((k for k in range(index, MASK_BITS) if mask >> k & 1), MASK_BITS)


def jumps(todo: int, before: int, index: int, behind: int) -> tuple[int, int]:
    """The next node to go through if node `index` is expanded, and if not.

    Descendants of a node that is not expanded are skipped, except those that were expanded before.

    Args:
        behind: the place behind the node and its descendants.
    """
    return next_node(todo, index + 1), min(next_node(todo, behind), next_node(before, index + 1))
