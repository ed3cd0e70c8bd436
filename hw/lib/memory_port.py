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
    """`address` of the first word, number of words `length`, 1 to 64."""

    def __init__(self) -> None:
        super().__init__({"address": ADDRESS_WIDTH, "length": range(MAX_BURST + 1)})


class ReadDataLayout(data.StructLayout):
    """One word; `last` marks the end of its burst."""

    def __init__(self, width: int) -> None:
        super().__init__({"data": width, "last": 1})


class WriteLayout(data.StructLayout):
    """One word and its address; `last` marks the end of a run of rising addresses."""

    def __init__(self, width: int) -> None:
        super().__init__({"address": ADDRESS_WIDTH, "data": width, "last": 1})


class ReadSignature(wiring.Signature):
    """`request` towards the memory, `response` back, words of `width` bits; seen from the client.

    Raises:
        ValueError: `width` is no power of two of at least 32.
    """

    def __init__(self, width: int) -> None:
        self.width = _checked(width)
        super().__init__(
            {
                "request": Out(stream.Signature(ReadRequestLayout())),
                "response": In(stream.Signature(ReadDataLayout(width))),
            }
        )


class WriteSignature(wiring.Signature):
    """`request` towards the memory, words of `width` bits; seen from the client. Writes are posted.

    Raises:
        ValueError: `width` is no power of two of at least 32.
    """

    def __init__(self, width: int) -> None:
        self.width = _checked(width)
        super().__init__({"request": Out(stream.Signature(WriteLayout(width)))})


def _checked(width: int) -> int:
    if width < 32 or width & (width - 1):
        raise ValueError(f"a memory word must be a power of two of at least 32 bits, it is {width}")
    return width
