"""Tree pseudo-LRU: twins of `golden.radiance.cache.victim` and `touch`."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Value


def victim(recent: Value, ways: int) -> Value:
    """One-hot: the way that the tree names."""
    named: dict[int, Value] = {1: Const(1)}
    for node in range(1, ways):
        named[2 * node] = named[node] & ~recent[node - 1]
        named[2 * node + 1] = named[node] & recent[node - 1]
    return Cat(named[ways + way] for way in range(ways))


def touch(recent: Value, used: Value) -> Value:
    """The tree after the way of the one-hot `used`: each node above it points to its other half."""
    ways = len(used)
    below: dict[int, Value] = {ways + way: used[way] for way in range(ways)}
    for node in reversed(range(1, ways)):
        below[node] = below[2 * node] | below[2 * node + 1]
    return Cat(below[2 * node] | (recent[node - 1] & ~below[node]) for node in range(1, ways))
