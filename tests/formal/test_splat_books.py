"""Splatting engine with codebooks: the cache keeps the stream rule and asks for one word at a time."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Assert, Assume, Module, Signal, Value

from hw.lib.stream import transfer
from hw.splat.word_cache import WordCache
from tests.formal.spec import establish


def test_word_cache(tmp_path: Path) -> None:
    """Requests are single words, and requests and answers keep the stream rule whatever reader and memory do."""

    def properties(m: Module, dut: WordCache) -> Value:
        request, asked = dut.memory.request, dut.client.request
        length = asked.payload.length
        # What is under way; nothing is cleared meanwhile.
        under_way = Signal(4)
        m.d.comb += [
            Assume(~asked.valid | ((length >= 1) & (length <= 2))),
            Assume(~dut.clear),
            Assume(~dut.memory.response.valid | (under_way != 0)),
        ]
        m.d.sync += [
            under_way.eq(under_way + transfer(request) - transfer(dut.memory.response)),
            Assert(~request.valid | (request.payload.length == 1), "one word at a time"),
        ]
        return dut.hit & (under_way == 1)

    establish(lambda: WordCache(width=32, words=2, waiting=2), properties, tmp_path)
