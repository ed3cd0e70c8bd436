"""The channels of AXI4 and AXI4-Lite as streams: their handshake is the stream rule.

Source: AMBA AXI and ACE protocol specification (Arm IHI 0022), AXI4 and AXI4-Lite.
"""

from __future__ import annotations

from enum import IntEnum

from amaranth.lib import data

from hw.lib.memory_port import ADDRESS_WIDTH

PAGE_BYTES = 4096  # no burst crosses a multiple of it
MAX_BEATS = 256  # of an INCR burst
RESPONSE_BITS = 2
LITE_WIDTH = 32  # bits of a word on AXI4-Lite


class Response(IntEnum):
    """What a slave says of a burst or of a beat."""

    OKAY = 0
    EXOKAY = 1  #: of exclusive accesses, which are never made here
    SLVERR = 2  #: the slave refused
    DECERR = 3  #: no slave has this address


class AddressLayout(data.StructLayout):
    """AR or AW: an INCR burst of whole bus words."""

    def __init__(self) -> None:
        super().__init__(
            {
                "address": ADDRESS_WIDTH,  #: of the first byte
                "length": 8,  #: beats less one
            }
        )


class ReadBeatLayout(data.StructLayout):
    """R: a beat that was read."""

    def __init__(self, width: int) -> None:
        super().__init__(
            {
                "data": width,  #: the beat
                "response": RESPONSE_BITS,  #: a `Response`
                "last": 1,  #: it ends its burst
            }
        )


class WriteBeatLayout(data.StructLayout):
    """W: a beat to write."""

    def __init__(self, width: int) -> None:
        super().__init__(
            {
                "data": width,  #: the beat
                "strobes": width // 8,  #: which of its bytes are written
                "last": 1,  #: it ends its burst
            }
        )


class LiteAddressLayout(data.StructLayout):
    """AR or AW of AXI4-Lite."""

    def __init__(self, width: int) -> None:
        super().__init__({"address": width})  #: in bytes, from the slave's base on


class LiteReadLayout(data.StructLayout):
    """R of AXI4-Lite."""

    def __init__(self) -> None:
        super().__init__(
            {
                "data": LITE_WIDTH,  #: the register
                "response": RESPONSE_BITS,  #: a `Response`
            }
        )


class LiteWriteLayout(data.StructLayout):
    """W of AXI4-Lite."""

    def __init__(self) -> None:
        super().__init__(
            {
                "data": LITE_WIDTH,  #: the register
                "strobes": LITE_WIDTH // 8,  #: which of its bytes are written
            }
        )
