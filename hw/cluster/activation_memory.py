"""A node's activations."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from hw.cluster.layouts import LENGTH
from hw.lib.memory import two_port_memory


class UnitLayout(data.StructLayout):
    """A write of as many codes as a flit has bytes."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "enable": 1,  #: the write happens in this cycle
                "unit": LENGTH,  #: number of the unit; a row has one, or two if weights have 4 bits
                "codes": spec.flit_bytes * spec.activation_bits,  #: signed, the first one lowest
            }
        )


class ActivationMemory(wiring.Component):
    """Codes in rows of as many as a flit has weights; with 4-bit weights a row is two flits of 8-bit codes.

    A write fills a unit of `flit_bytes` codes. No row may be read while a unit is written.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.banks = spec.products // spec.flit_bytes
        super().__init__(
            {
                "read": In(LENGTH),  #: number of the row to read
                "codes": Out(spec.products * spec.activation_bits),  #: the row that was asked for 2 cycles ago
                "write": In(UnitLayout(spec)),  #: takes effect at the end of the cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self.spec.flit_bytes * self.spec.activation_bits
        bits = (self.banks - 1).bit_length()
        words = []
        for bank in range(self.banks):
            put, get = two_port_memory(
                m, platform, f"bank_{bank}", width=width, depth=self.spec.inputs // self.spec.products
            )
            mine = self.write.unit[:bits] == bank if bits else 1
            m.d.comb += [
                put.addr.eq(self.write.unit[bits:]),
                put.data.eq(self.write.codes),
                put.en.eq(self.write.enable & mine),
                get.addr.eq(self.read),
                get.en.eq(~self.write.enable),
            ]
            words.append(get.data)
        m.d.sync += self.codes.eq(Cat(words))
        return m


class CodeUnits(wiring.Component):
    """Flits of activations from the host as units: 8-bit codes fill a unit a flit, wider ones lie in 16 bits."""

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "valid": In(1),  #: a flit comes in this cycle
                "index": In(LENGTH),  #: its number; with wider codes an even one waits for the odd one that follows
                "flit": In(spec.link_width),  #: codes of 8 bits, or in 16 bits each
                "o": Out(UnitLayout(spec)),  #: the unit to write, 1 cycle after the flit that completes it
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        bits, o = self.spec.activation_bits, self.o
        if bits == 8:
            m.d.sync += [o.enable.eq(self.valid), o.unit.eq(self.index), o.codes.eq(self.flit)]
            return m
        codes = Cat(self.flit[16 * k : 16 * k + bits] for k in range(self.spec.link_width // 16))
        half = Signal(len(codes))
        with m.If(self.valid):
            m.d.sync += half.eq(codes)
        m.d.sync += [
            o.enable.eq(self.valid & self.index[0]),
            o.unit.eq(self.index[1:]),
            o.codes.eq(Cat(half, codes)),
        ]
        return m
