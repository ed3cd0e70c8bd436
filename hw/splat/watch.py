"""What an observer beside the pixel lanes sees, and what it may say."""

from __future__ import annotations

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import RANK_BITS, Spec
from hw.splat.config import Config

WATCHED_APART = 3  # cycles between two operations on one sub-tile: an observer has read and written by then


def id_bits(watched: bool) -> int:
    """Bits of the id that a splat carries to the lanes: none where nobody wants it."""
    return RANK_BITS if watched else 0


class WatchedLayout(data.StructLayout):
    """What an operation did to the pixels of a sub-tile."""

    def __init__(self, spec: Spec, places: int) -> None:
        super().__init__(
            {
                "draw": 1,  #: a splat was drawn …
                "flush": 1,  #: … or the pixels were handed out; or neither
                "place": range(places),  #: the lane group's number of the sub-tile
                "id": RANK_BITS,  #: the splat's place in the file
                "changed": spec.lanes,  #: pixels that it has changed
                "done": spec.lanes,  #: pixels that no splat changes any more
            }
        )


class FlushedLayout(data.StructLayout):
    """A finished sub-tile on its way to the framebuffer."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "valid": 1,  #: there is one
                "place": range(config.places),  #: the lane group's number of it
                "pixels": 32 * config.spec.lanes,  #: red, green, blue, coverage of pixel after pixel
            }
        )


class WatchSignature(wiring.Signature):
    """One lane group's operations in order, and what holds them up or makes them needless.

    Pixels follow two cycles after their flush. What is `finished` must be said at most 3 cycles after an operation on
    the sub-tile, so that it is before the next flush has passed.
    """

    def __init__(self, config: Config) -> None:
        place = range(config.places)
        super().__init__(
            {
                "operation": Out(WatchedLayout(config.spec, config.places)),  #: two on a sub-tile 3 cycles apart
                "silent": Out(1),  #: flushes are those after reset, whose pixels nobody gets
                "square_end": Out(1),  #: a square's last splat has gone to the lanes, in this cycle
                "hold": In(config.places),  #: sub-tiles that may not be flushed yet; of no effect while `silent`
                "finished": In(data.StructLayout({"valid": 1, "place": place})),  #: no splat need change it any more
            }
        )
