"""KV retrieval: a memory whose ports never meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amaranth.hdl import Module, Signal, Value

from golden.kv.spec import TINY
from hw.kv.bucket_memory import BucketMemory
from tests.formal.spec import establish


def test_bucket_memory(tmp_path: Path) -> None:
    """Its memory's ports never meet, whatever is added and read: what is being written comes from a register."""
    spec = replace(TINY, buckets=8, clusters=16, tokens=64)

    def properties(m: Module, dut: BucketMemory) -> Value:
        before = Signal(8)
        m.d.sync += before.eq(before << 1 | dut.add.valid)
        return before[:3].all() & (dut.o["count"] == 2)

    establish(lambda: BucketMemory(spec=spec), properties, tmp_path)
