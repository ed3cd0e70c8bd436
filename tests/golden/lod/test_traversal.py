"""Masks and jumps of one subtree, by hand."""

from __future__ import annotations

from golden.lod.traversal import jumps, next_node, nodes_to_visit


def test_nodes_below_expanded_parents_and_those_expanded_before() -> None:
    entry = [2, 2, 5, 5, 5, 0]
    assert nodes_to_visit(entry, 0, 0) == 0
    assert nodes_to_visit(entry, 1 << 5, 0) == 0b011100
    assert nodes_to_visit(entry, 1 << 2 | 1 << 0, 1 << 3) == 0b101011


def test_next_node() -> None:
    assert [next_node(0b100110, k) for k in range(7)] == [1, 1, 2, 5, 5, 5, 32]
    assert next_node(1 << 31, 31) == 31
    assert next_node(1 << 31, 32) == 32


def test_jumps_pass_over_descendants_but_not_those_expanded_before() -> None:
    todo = 0b11_1111
    assert jumps(todo, 0, 1, 5) == (2, 5)
    assert jumps(todo, 1 << 3, 1, 5) == (2, 3)
    assert jumps(todo, 1 << 1, 1, 5) == (2, 5)  # the node itself is behind
    assert jumps(todo, 0, 5, 6) == (32, 32)
