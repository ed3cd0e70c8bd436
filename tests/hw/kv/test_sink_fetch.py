"""The scores of a vision-sink job, in order, whatever their number."""

from __future__ import annotations

import pytest
import torch

from golden.kv.memory_map import SINK_SCORE_BITS
from golden.kv.spec import TINY
from golden.kv.vision_sink import SinkOptions, build_sink_image
from hw.kv.config import tiny
from hw.kv.sink_fetch import SinkFetch
from tests.hw.kv.workload import header_fields, set_header
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("length", [1, 8, 77, 256])
def test_sink_fetch(length: int, stall: float, seed: int) -> None:
    codes = torch.randint(1 << SINK_SCORE_BITS - 1, (length,), generator=torch.Generator().manual_seed(seed))
    image = build_sink_image(codes, TINY, SinkOptions(budget=1))
    dut = SinkFetch(config=tiny())
    bench = Bench(dut, seed=seed)
    # Behind the scores lie other bytes, which must not come out.
    content = image.data.tobytes() + bench.random.randbytes(64)
    ByteMemory(bench, dut.memory, content, latency=6, stall=stall)
    scores = bench.sink(dut.o, codes.tolist(), stall=stall)
    bench.process(set_header(dut.header, header_fields(image), dut.go))
    bench.run(drain=40)
    if not stall:
        assert scores.cycles[-1] - scores.cycles[0] == length - 1, "one score a cycle"
