"""A pixel's record: takes in one significant Gaussian after the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.spec import PUBLISHED_BITS, Spec
from hw.radiance.layouts import RecordLayout


class RecordRegister(wiring.Component):
    """The record after a Gaussian: unchanged if that is not significant, or if the record is full.

    Latency 1 cycle. Beside a pixel's lane `o.record` goes back to `i.record`, and a pixel begins with
    `RecordLayout.fresh`; in the key unit `record_length` of them follow one another. A hash takes an id in as
    `golden.radiance.alpha_record.absorb`: the remainder of a cyclic redundancy check, an XOR for each of its bits.
    """

    latency = 1

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        record = RecordLayout(spec)
        step = data.StructLayout({"record": record, "id": spec.id_bits, "significant": 1})
        super().__init__(
            {
                "i": In(step),  #: the record before, a Gaussian, and whether the pixel sees it
                "o": Out(data.StructLayout({"record": record})),  #: the record after it
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, before, after = self.spec, self.i.record, self.o.record
        m.d.sync += Value.cast(after).eq(Value.cast(before))
        with m.If(self.i.significant & (before.count != spec.record_length)):
            m.d.sync += after.count.eq(before.count + 1)
            if spec.hashed:
                m.d.sync += after["hash"].eq(absorb(m, spec, before["hash"], self.i.id))
            for k in range(0 if spec.hashed else spec.record_length):
                with m.If(before.count == k):
                    m.d.sync += after["ids"][k].eq(self.i.id[:PUBLISHED_BITS])
        return m


def absorb(m: Module, spec: Spec, state: Value, number: Value) -> Value:
    """The hash after one id more; combinational."""
    shift = spec.key_bits - spec.id_bits
    mixed = Signal(spec.key_bits)
    m.d.comb += mixed.eq(Cat(state[:shift], state[shift:] ^ number))
    masks = [
        sum((column >> bit & 1) << k for k, column in enumerate(spec.hash_columns)) for bit in range(spec.key_bits)
    ]
    return Cat((mixed & Const(mask, spec.key_bits)).xor() for mask in masks)
