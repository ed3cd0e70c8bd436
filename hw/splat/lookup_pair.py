"""The datapath of a record decoder for two fine units: a candidate's indices and its partner's, in step."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.splat.index_lookup import IndexLookup
from hw.splat.layouts import BookLineLayout, DetailLayout, IndexedLayout, partner_spec


class LookupPair(wiring.Component):
    """Two index lookups on a candidate and its partner, each with books of its own; 2 cycles, one pair a cycle.

    The partner's has no book of harmonics: scenes with some have no partners.
    """

    latency = IndexLookup.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(IndexedLayout(spec, units=2)),  #: a candidate with its partner, or a mark
                "line": In(BookLineLayout()),  #: a line or entry of a book to keep, while `look` or `sh`
                "o": Out(DetailLayout(spec, units=2)),  #: the same 2 cycles later, with records
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.index_lookup = first = IndexLookup(spec=self.spec)
        m.submodules.partner_lookup = second = IndexLookup(spec=partner_spec(self.spec))
        for lookup in (first, second):
            m.d.comb += lookup.line.eq(self.line)
        partner, out = self.i.partner, self.o.partner
        indexed, detail = ("rank", "point", "relative", "record"), ("rank_low", "point", "relative", "record")
        m.d.comb += [
            *(first.i[name].eq(self.i[name]) for name in ("mark", *indexed)),
            *(second.i[name].eq(partner[name]) for name in indexed),
            # Whether there is a partner goes its way as a mark.
            second.i.mark.some.eq(partner.there),
            *(self.o[name].eq(first.o[name]) for name in ("mark", *detail)),
            *(out[name].eq(second.o[name]) for name in detail),
            out.there.eq(second.o.mark.some),
        ]
        return m
