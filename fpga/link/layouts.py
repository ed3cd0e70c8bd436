"""Records that pass between the blocks of the link."""

from __future__ import annotations

from amaranth.lib import data

from hw.lib.memory_port import ADDRESS_WIDTH

FAULT_BITS = 16  # of a count, which stops at its highest value
WORDS_BITS = 40  # of a count of words


class HeaderLayout(data.StructLayout):
    """A frame's header; `fpga.link.protocol.HEADER` in the same order."""

    def __init__(self) -> None:
        super().__init__(
            {
                "length": 16,  #: bytes of the payload
                "sequence": 8,  #: an answer has that of its request
                "command": 8,  #: code
            }
        )


class ArgumentLayout(data.StructLayout):
    """What a request's payload begins with, whatever its command; see `fpga.link.protocol.COMMANDS`."""

    def __init__(self) -> None:
        super().__init__(
            {
                "address": ADDRESS_WIDTH,  #: of memory; of RESET the session
                "count": 16,  #: bytes to read; of START the job's number, in the lower half
            }
        )


class FaultLayout(data.StructLayout):
    """What can go wrong on the line, a strobe or a count each; the last fields of the answer to STATUS."""

    def __init__(self, width: int = 1) -> None:
        super().__init__(
            {
                "framing": width,  #: a byte without its stop bit
                "lost": width,  #: a byte for which there was no room
                "bad_crc": width,  #: a frame with a wrong CRC
                "bad_length": width,  #: a frame with an impossible length
                "timed_out": width,  #: a frame that broke off
            }
        )
