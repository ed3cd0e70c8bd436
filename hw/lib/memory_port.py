"""The one way an engine reaches external memory: bursts by request and response streams.

Addresses are in bytes and aligned to the port's word; lengths are in words. Responses come in the
order of the requests. A client must have room for what it asks (see `BurstReader`), so that no
client can block another.
"""

from __future__ import annotations

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

ADDRESS_WIDTH = 32
MAX_BURST = 64  # words a request


class ReadRequestLayout(data.StructLayout):
    """A burst to read."""

    def __init__(self) -> None:
        super().__init__(
            {
                "address": ADDRESS_WIDTH,  #: of the first word, in bytes
                "length": range(MAX_BURST + 1),  #: in words, 1 to 64
            }
        )


class ReadDataLayout(data.StructLayout):
    """A word that was read."""

    def __init__(self, width: int) -> None:
        super().__init__(
            {
                "data": width,  #: the word
                "last": 1,  #: it ends its burst
            }
        )


class WriteLayout(data.StructLayout):
    """A word to write."""

    def __init__(self, width: int) -> None:
        super().__init__(
            {
                "address": ADDRESS_WIDTH,  #: of the word, in bytes
                "data": width,  #: the word
                "last": 1,  #: it ends a run of rising addresses
            }
        )


class ReadSignature(wiring.Signature):
    """Reads words of `width` bits; seen from the client.

    Raises:
        ValueError: `width` is no power of two of at least 32.
    """

    def __init__(self, width: int) -> None:
        self.width = _checked(width)
        super().__init__(
            {
                "request": Out(stream.Signature(ReadRequestLayout())),  #: bursts that are asked for
                "response": In(stream.Signature(ReadDataLayout(width))),  #: their words, in the order of the requests
            }
        )


class WriteSignature(wiring.Signature):
    """Writes words of `width` bits; seen from the client. Writes are posted.

    Raises:
        ValueError: `width` is no power of two of at least 32.
    """

    def __init__(self, width: int) -> None:
        self.width = _checked(width)
        super().__init__(
            {
                "request": Out(stream.Signature(WriteLayout(width))),  #: words, in the order in which they are written
            }
        )


def _checked(width: int) -> int:
    if width < 32 or width & (width - 1):
        raise ValueError(f"a memory word must be a power of two of at least 32 bits, it is {width}")
    return width
