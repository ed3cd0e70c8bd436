"""What every engine looks like from outside."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import In, Out

from hw.lib.counters import CounterLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature


def engine_ports(memory_width: int, counters: CounterLayout) -> dict[str, Any]:
    """Members of an engine's top.

    A job reads a header from memory, works, and leaves its results in memory.
    """
    return {
        "start": In(1),  #: begin the job whose header lies at `address`; ignored while `busy`
        "address": In(ADDRESS_WIDTH),  #: of the header, in bytes
        "busy": Out(1),  #: a job is under way; all its words are written when it falls
        "read": Out(ReadSignature(memory_width)),  #: the memory's words
        "write": Out(WriteSignature(memory_width)),  #: words into the same memory
        "counters": Out(counters),  #: of the last job, from 2 cycles after `start` on
    }
