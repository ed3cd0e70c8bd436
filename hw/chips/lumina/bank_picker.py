"""A bank's pixels out of rows of them."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import final_row_layout
from hw.lib.one_hot import lowest, selected
from hw.lib.stream import transfer
from hw.radiance.layouts import FillLayout


class BankPicker(wiring.Component):
    """Pixels that have asked and whose set leaves the rest `bank`, in their order.

    A pixel a cycle; a row without one takes a cycle. The bank's own sets are numbered without the rest, which is a part
    of its tags.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "bank": In(config.bank_bits),  #: constant
                "i": In(stream.Signature(final_row_layout(config))),  #: neighbours in a row, the first one lowest
                "o": Out(stream.Signature(FillLayout(config.bank_spec))),  #: pixels of the bank
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, low, sets = self.config, self.config.bank_bits, self.config.spec.radiance.set_bits
        count = config.spec.splat.subtile
        row = [self.i.payload[f"lane_{k}"] for k in range(count)]
        served, left, first = Signal(count), Signal(count), Signal(count)
        fills = [
            Cat(row[k].key[low:sets], row[k].key[:low], row[k].key[sets:], row[k].colour)  # set, tag, colour
            for k in range(count)
        ]
        m.d.comb += [
            left.eq(Cat(row[k].full & (row[k].key[:low] == self.bank) for k in range(count)) & ~served),
            first.eq(lowest(left)),
            self.o.payload.as_value().eq(selected(first, fills)),
            self.o.valid.eq(self.i.valid & left.any()),
            self.i.ready.eq(~(left & ~first).any() & (self.o.ready | ~left.any())),
        ]
        with m.If(transfer(self.i)):
            m.d.sync += served.eq(0)
        with m.Elif(transfer(self.o)):
            m.d.sync += served.eq(served | first)
        return m
