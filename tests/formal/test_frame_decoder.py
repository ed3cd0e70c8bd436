"""The frame decoder never gets stuck, whatever the line brings; in runs of any length."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Assert, Module, Mux, Signal, Value

from fpga.link.frame_decoder import FrameDecoder
from tests.formal.spec import establish

MOST, TIMEOUT = 2, 3
LONGEST_PAUSE = 2 + 1 + 2 * MOST  # length and verdict, header, each byte of the payload


def never_stuck(m: Module, dut: FrameDecoder) -> Value:
    """Wherever it is, a line that is silent and consumers that are ready bring it back to the search for a start byte.

    With such consumers it does not leave a byte waiting for longer than a frame takes to be given. That it searches is
    seen by its CRC, which is then cleared.
    """
    searching = dut.crc.start
    ready = dut.frame.ready & dut.payload.ready
    silence, pause = Signal(8), Signal(8)
    m.d.sync += [
        silence.eq(Mux(ready & ~dut.i.valid, silence + 1, 0)),
        pause.eq(Mux(dut.i.ready | ~ready, 0, pause + 1)),
    ]
    with m.If(silence >= LONGEST_PAUSE + TIMEOUT):
        m.d.sync += Assert(searching, "a frame that broke off is waited for")
    m.d.sync += Assert(pause <= LONGEST_PAUSE, "bytes wait for ever")
    return dut.timed_out


def test_it_never_gets_stuck(tmp_path: Path) -> None:
    establish(lambda: FrameDecoder(most=MOST, timeout=TIMEOUT), never_stuck, tmp_path)
