"""The datapath of a fine filter of two units: a candidate and its partner, in step."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.splat.fine_unit import GROUP_FIELDS, FineUnit, group_fields, result_layout
from hw.splat.layouts import DetailLayout, partner_spec
from hw.splat.row_layouts import header_layout


class FinePair(wiring.Component):
    """Two fine units on one candidate and its partner; latency 59 cycles, one pair a cycle.

    The mark goes with the first. The second has multipliers for harmonics only as far as scenes with partners have
    some (`partner_spec`). `keep` says that either is worth passing on.
    """

    latency = FineUnit.LATENCY

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        one = result_layout(spec)
        super().__init__(
            {
                #: a candidate with its partner, and their group
                "i": In(data.StructLayout({"detail": DetailLayout(spec, units=2), **group_fields(spec)})),
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(data.StructLayout({"first": one, "second": one, "keep": 1})),  #: 59 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.fine_unit = first = FineUnit(spec=self.spec)
        m.submodules.partner_unit = second = FineUnit(spec=partner_spec(self.spec))
        for unit in (first, second):
            m.d.comb += [unit.frame.eq(self.frame), *(unit.i[name].eq(self.i[name]) for name in GROUP_FIELDS)]
        detail = self.i.detail
        for name in ("rank_low", "point", "relative", "record"):
            m.d.comb += [first.i.detail[name].eq(detail[name]), second.i.detail[name].eq(detail.partner[name])]
        m.d.comb += [
            first.i.detail.mark.eq(detail.mark),
            second.i.detail.mark.some.eq(detail.partner.there),
            self.o.first.eq(first.o),
            self.o.second.eq(second.o),
            self.o.keep.eq(first.o.keep | second.o.keep),
        ]
        return m
