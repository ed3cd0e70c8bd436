"""What every engine looks like from outside."""

from __future__ import annotations

from typing import Any

from amaranth.lib.wiring import In, Out

from hw.lib.counters import CounterLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature


def engine_ports(memory_width: int, counters: CounterLayout) -> dict[str, Any]:
    """Members of an engine's top.

    `start` with `address` of a header in memory begins a job and is ignored while `busy`; when
    `busy` falls, all words of the job are written. `read` and `write` are the memory ports, of
    `memory_width` bits; `counters` are those of the last job.
    """
    return {
        "start": In(1),
        "address": In(ADDRESS_WIDTH),
        "busy": Out(1),
        "read": Out(ReadSignature(memory_width)),
        "write": Out(WriteSignature(memory_width)),
        "counters": Out(counters),
    }
