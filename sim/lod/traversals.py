"""DRAM bytes and cycles of other ways to find the same cut, by count of their accesses (modelled)."""

from __future__ import annotations

from dataclasses import dataclass

from golden.lod.hierarchy import Hierarchy

FLOAT_NODE_BYTES = 60  # node (28) and box (32) of hierarchical 3D Gaussians
LINE_BYTES = 64


@dataclass(frozen=True, kw_only=True)
class Traversal:
    """One view."""

    name: str
    bytes: int
    cycles: float


def exhaustive(tree: Hierarchy, node_bytes: int, units: int, word_bytes: int) -> Traversal:
    """Every node and its parent's decision, streamed: a node a unit and a word a cycle."""
    total = len(tree) * node_bytes
    return Traversal(
        name=f"exhaustive scan, {node_bytes} bytes a node",
        bytes=total,
        cycles=max(total / word_bytes, len(tree) / units),
    )


def pointer_chasing(visited: int, units: int, latency: int, word_bytes: int) -> Traversal:
    """Node by node from the root: each float node is a line of its own, each unit waits for its own."""
    total = visited * LINE_BYTES
    return Traversal(
        name="pointer chasing, a 64-byte line a node",
        bytes=total,
        cycles=max(visited * (latency + 1) / units, total / word_bytes),
    )
