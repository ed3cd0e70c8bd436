"""All pixel lanes of a sub-tile, several to a back end."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.one_hot import encode, lowest
from hw.lib.shared import repeat
from hw.lib.tree import add_all
from hw.splat.lane_array import lane_ports
from hw.splat.lane_front import LaneFront
from hw.splat.lane_share import DEPTH, FLUSHES, LaneShare
from hw.splat.raster_setup import RasterSetup, cross_factors

#: Operations that may come to the queues after their levels were looked at: `room` comes from registers, an operation
#: leaves its dispatcher through one, and passes the set-up and the front ends.
UNDER_WAY = RasterSetup.LATENCY + LaneFront.latency + 3


class SharedLanes(wiring.Component):
    """What `LaneArray` is, bit for bit, with a back end for every `share` lanes: a `share`-th of its multipliers.

    A lane shares with those `lanes / share` away, whose pixels are the least alike. Back ends draw only what shows,
    each at its own pace; `room` says that all of them take what is under way and an operation more. They set the pace
    where more than one in `share` lane results shows.

    Source: Lumina, NRU: front ends per pixel that form and test the exponent, a back end for several.
    """

    def __init__(self, *, spec: Spec, places: int, share: int, flushes: int = FLUSHES, depth: int = DEPTH) -> None:
        self.spec, self.places, self.share, self.flushes, self.depth = spec, places, share, flushes, depth
        super().__init__(
            {
                **lane_ports(spec, places),
                "room": Out(1),  #: one more operation may leave the dispatcher
                "offers": Out(1),  #: a flushed sub-tile waits to be handed out …
                "takes": In(1),  #: … and is, in the next cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        count = spec.lanes // self.share
        shares = repeat(
            m, platform, "lane_share", count,
            lambda: LaneShare(spec=spec, places=self.places, share=self.share, flushes=self.flushes, depth=self.depth),
        )  # fmt: skip
        operation, terms = self.i.operation, self.i.terms
        factors = cross_factors(spec)
        for k, share in enumerate(shares):
            m.d.comb += [
                share.i.draw.eq(operation.draw & ~terms.far),
                share.i.flush.eq(operation.flush),
                share.i.place.eq(operation.place),
                share.i.color.eq(self.i.color),
            ]
            for n in range(self.share):
                y, x = divmod(k + n * count, spec.subtile)
                m.d.comb += [
                    share.i.row[n].eq(terms.row[y]),
                    share.i.column[n].eq(terms.column[x]),
                    share.i.cross[n].eq(terms.cross[factors.index(x * y)]),
                ]
        m.d.sync += self.room.eq(Cat(share.level <= self.depth - UNDER_WAY for share in shares).all())
        m.d.sync += self.drawn.changed.eq(add_all([share.changed for share in shares]))
        self._tell_done(m, shares)
        self._hand_out(m, shares)
        return m

    def _tell_done(self, m: Module, shares: list[LaneShare]) -> None:
        """Sub-tiles that have become opaque, one a cycle."""
        opaque, told, fresh = (Signal(self.places, name=n) for n in ("opaque", "told", "fresh"))
        settled = shares[0].settled
        for share in shares[1:]:
            settled = settled & share.settled
        m.d.comb += fresh.eq(lowest(opaque & ~told))
        m.d.sync += [
            opaque.eq(settled),
            told.eq((told | fresh) & opaque),  # a flush makes it transparent again
            self.drawn.valid.eq(fresh.any()),
            self.drawn.place.eq(encode(fresh)),
            self.drawn.done.eq(1),
        ]

    def _hand_out(self, m: Module, shares: list[LaneShare]) -> None:
        """A sub-tile may be handed out when every back end has come to its flush."""
        goes = Signal()
        count = len(shares)
        lanes = [shares[k % count].flushed.payload.pixels for k in range(self.spec.lanes)]
        pixels = [Value.cast(lanes[k]).word_select(k // count, shares[0].width) for k in range(self.spec.lanes)]
        m.d.comb += [
            self.offers.eq(Cat(share.flushed.valid for share in shares).all()),
            goes.eq(self.offers & self.takes),
            *(share.flushed.ready.eq(goes) for share in shares),
        ]
        m.d.sync += [
            self.flushed.valid.eq(goes),
            self.flushed.place.eq(shares[0].flushed.payload.place),
            self.flushed.pixels.eq(Cat(pixels)),
        ]
