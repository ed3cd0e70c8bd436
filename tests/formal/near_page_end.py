"""AXI requests whose addresses lie around the end of a page, for proofs."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.bus.axi import PAGE_BYTES
from hw.lib.ports import forward

PLACE_BITS = 3  # words around a page's end: as many as the premises leave free


class NearPageEnd(wiring.Component):
    """`dut` with the requests' addresses made of a few free bits: words before and behind a multiple of 4 KiB.

    Members:
        any: free bits for a proof's own use.
    """

    def __init__(self, dut: Any, request: Any, passed: tuple[str, ...]) -> None:
        self.dut, self.request, self.passed = dut, request, passed
        members = {name: dut.signature.members[name] for name in passed}
        super().__init__({**members, "place": In(PLACE_BITS), "any": In(2)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.dut = self.dut
        forward(m, self, self.dut, self.passed)
        m.d.comb += self.request(self.dut).eq(address_of(self.place))
        return m


def address_of(place: Value) -> Value:
    return PAGE_BYTES - 4 * (1 << PLACE_BITS - 1) + (place << 2)


def keep_place(m: Module, place: Value, request: Any) -> None:
    """The free bits of an address stay while their request waits, as the rest of it does."""
    before, waiting = Signal(PLACE_BITS), Signal()
    m.d.sync += [before.eq(place), waiting.eq(request.valid & ~request.ready)]
    m.d.comb += Assume(~waiting | (place == before))


def in_a_page(m: Module, channel: Any, most: int) -> None:
    """A burst has at most `most` beats of 4 bytes and ends where its page does, or before."""
    beats = channel.payload.length + 1
    inside = channel.payload.address[:12] + (beats << 2) <= PAGE_BYTES
    with m.If(channel.valid):
        m.d.sync += [Assert(inside, "a burst crosses 4 KiB"), Assert(beats <= most, "a burst is too long")]
