"""A scan from header to lists and records: every word that it writes, and every plane that it reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.kv.scan import ScanOptions
from golden.kv.scan_image import expected_results, read_results
from hw.kv.scan_unit import ScanUnit
from tests.hw.kv.scans import SMALL, ScanWork
from tests.hw.kv.workload import finish, header_fields
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.lib.memory_model import WriteMemory


@pytest.mark.parametrize(
    ("heads", "tokens", "distinct", "options", "stall"),
    [
        (2, 61, 0, ScanOptions(budget=12, sink_tokens=2, window=3), 0.0),  # words are read on up to the last plane
        (1, 14, 3, ScanOptions(budget=6, sink_tokens=0, window=0, planes=3), 0.3),
        (1, 9, 0, ScanOptions(budget=0, sink_tokens=1, window=1), 0.0),
    ],
)
def test_scan_unit(heads: int, tokens: int, distinct: int, options: ScanOptions, stall: float, seed: int) -> None:
    work = ScanWork.make(replace(SMALL, heads=heads), tokens, 2, options, seed=seed, distinct=distinct)
    spec, image = work.spec, work.image
    dut = ScanUnit(config=work.config)
    bench = Bench(dut, seed=seed)
    content = image.data.tobytes()
    ByteMemory(bench, dut.rows, content, latency=9, stall=stall)
    planes = ByteMemory(bench, dut.planes, content, latency=9, stall=stall)
    records = ByteMemory(bench, dut.source, content, latency=9, stall=stall)
    entries = sum(-(-8 * (len(scan.tokens) + 1) // spec.word_bytes) for scan in work.scans)
    gathered = sum(scan.record_bytes for scan in work.scans) // spec.word_bytes
    targets = [
        WriteMemory(bench, dut.lists, entries, stall=stall), WriteMemory(bench, dut.target, gathered, stall=stall)
    ]  # fmt: skip

    async def run(ctx: Any) -> None:
        for name, value in header_fields(image).items():
            ctx.set(dut.header[name], value)
        ctx.set(dut.go, 1)
        await ctx.tick()
        ctx.set(dut.go, 0)
        while ctx.get(dut.busy):
            await ctx.tick()

    finish(bench, run)
    bench.run()
    left = np.zeros(image.result_bytes, np.uint8)
    for address, word, _ in (entry for target in targets for entry in target.words()):
        place = address - image.result_address
        left[place : place + spec.word_bytes] = list(word.to_bytes(spec.word_bytes, "little"))
    got = read_results(left, image, spec, tokens)
    for name, wanted in expected_results(work.data, work.scans, spec).items():
        assert np.array_equal(got[name], wanted), name
    for memory, kind in ((planes, "plane_bytes"), (records, "record_bytes")):
        read = sum(length for _, length in memory.bursts) * spec.word_bytes
        assert read == sum(getattr(scan, kind) for scan in work.scans), kind
