"""How a reader asks whether what was written before is in memory."""

from __future__ import annotations

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class WriteOrderSignature(wiring.Signature):
    """A question, seen from the reader: `first` to `last` are numbers of memory words.

    Held from the cycle of `fresh` on until `clear`, which then stays until the next `fresh`.
    """

    def __init__(self, index_bits: int) -> None:
        super().__init__(
            {
                "fresh": Out(1),  #: the question is new
                "first": Out(index_bits),  #: word that is to be read
                "last": Out(index_bits),  #: the last of them
                "clear": In(1),  #: every word of them that was taken before `fresh` is written
            }
        )
