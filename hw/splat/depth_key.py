"""The sort key of a depth."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux, Value

from golden.splat.spec import Spec
from hw.lib.pipe import Pipe, Staged

DEPTH_BITS = 31  # of a positive depth in camera_format
EXPONENT_BITS = 5  # of a key; its mantissa has the rest


def depth_key(p: Pipe, z: Staged, spec: Spec, *, name: str) -> Staged:
    """5 bits of exponent over the leading mantissa bits, 0 for z <= 0; `golden.splat.depth_key`.

    4 cycles. Keys order as the depths do.
    """
    mantissa, zeros = p.normalise(z, DEPTH_BITS, DEPTH_BITS, name=f"{name}_mantissa")
    bits = _mantissa_bits(spec)

    def key(v: Value, zero_count: Value, depth: Value) -> Value:
        exponent = (DEPTH_BITS - 1 - zero_count)[:EXPONENT_BITS]
        return Mux(depth > 0, Cat(v[DEPTH_BITS - 1 - bits : DEPTH_BITS - 1], exponent), 0)

    return p.stage(key, mantissa, zeros, z, name=name)


def shifted_key(key: Value, spec: Spec) -> Value:
    """The depth behind near that a key begins at, times a power of two, for `least_depth` a cycle later."""
    bits = _mantissa_bits(spec)
    return Cat(key[:bits], 1) << key[bits:]


def least_depth(shifted: Value, spec: Spec) -> Value:
    """The least depth behind near, above 0, whose key is the one that was shifted, or more."""
    bits = _mantissa_bits(spec)
    return (shifted + ((1 << bits) - 1)) >> bits


def _mantissa_bits(spec: Spec) -> int:
    return spec.depth_bits - EXPONENT_BITS
