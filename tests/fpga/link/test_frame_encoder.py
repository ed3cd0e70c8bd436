"""The frame encoder: bytes as the host's side writes them."""

from __future__ import annotations

import pytest

from fpga.link.frame_encoder import FrameEncoder
from fpga.link.protocol import encode
from tests.fpga.link.test_frame_decoder import some
from tests.hw.lib.bench import Bench


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_frames_are_those_of_the_protocol(stall: float) -> None:
    """Payloads of 0, 1 and more bytes, whether or not they and the line make it wait."""
    frames = some(8, 3)
    line = [byte for frame in frames for byte in encode(*frame)]
    bench = Bench(FrameEncoder(), seed=2)
    headers = [{"length": len(payload), "sequence": s, "command": c} for c, s, payload in frames]
    bench.source(bench.dut.frame, headers, stall=stall)
    bench.source(bench.dut.payload, [byte for _, _, payload in frames for byte in payload], stall=stall)
    log = bench.sink(bench.dut.o, line, stall=stall)
    bench.run()
    if not stall:
        assert log.cycles[-1] - log.cycles[0] == len(line) + len(frames) - 2  # a cycle between two frames
