"""One hyperplane of the hash unit."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, Spec
from hw.lib.tree import add_all

GROUP = 4  # keys that are added in one cycle


class HashLane(wiring.Component):
    """Adds the keys of a token's chunks with the plane's signs; the bit is total > offset.

    Latency 4 cycles from the last chunk, throughput one chunk a cycle. No multiplier: the
    plane's components are ±1.
    """

    latency = 4

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.width = KEY_BITS + spec.key_size.bit_length()
        super().__init__(
            {
                "keys": In(data.ArrayLayout(signed(KEY_BITS), spec.lanes)),  #: a chunk of a token's keys
                "signs": In(spec.lanes),  #: the plane's components for this chunk; 1 stands for +1, 0 for -1
                "valid": In(1),  #: a chunk is shown
                "first": In(1),  #: it is the first of its token
                "offset": In(signed(self.width)),  #: the plane's offset; holds still
                "bit": Out(1),  #: the hash bit of the token whose last chunk came `latency` cycles before
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        lanes = self.spec.lanes
        terms = [Mux(self.signs[k], self.keys[k], -self.keys[k]) for k in range(lanes)]
        groups = [Signal(signed(KEY_BITS + GROUP.bit_length()), name=f"group_{k}") for k in range(lanes // GROUP)]
        chunk = Signal(signed(KEY_BITS + lanes.bit_length()))
        total = Signal(signed(self.width))
        valid = Signal(2)
        first = Signal(2)
        for k, group in enumerate(groups):
            m.d.sync += group.eq(add_all(terms[k * GROUP : (k + 1) * GROUP]))
        m.d.sync += [
            chunk.eq(add_all(groups)),
            valid.eq(self.valid | valid << 1),
            first.eq(self.first | first << 1),
        ]
        with m.If(valid[1]):
            m.d.sync += total.eq(Mux(first[1], 0, total) + chunk)
        m.d.sync += self.bit.eq(total > self.offset)
        return m
