"""The frame decoder: nothing comes out without the right CRC, and it never gets stuck; in runs of any length."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Assert, Module, Mux, Signal, Value

from fpga.link.frame_decoder import FrameDecoder
from hw.lib.stream import transfer
from tests.formal.prove import prove
from tests.formal.spec import StreamSpec, establish

MOST, TIMEOUT = 2, 3
LONGEST_PAUSE = 2 + 1 + 2 * MOST  # length and verdict, header, each byte of the payload


def right_crc(m: Module, dut: FrameDecoder) -> Value:
    """A header or payload is offered only while the CRC of all bytes that were taken since the start byte is right.

    The CRC is Amaranth's: it is cleared while the decoder searches, then gets each byte that is taken, and no other,
    and says whether they end with their own CRC.
    """
    crc, taken = dut.crc, transfer(dut.i)
    m.d.sync += [
        Assert(crc.valid == (taken & ~crc.start), "the CRC is of other bytes than were taken"),
        Assert(~crc.valid | (crc.data == dut.i.payload), "the CRC is of another byte than was taken"),
    ]
    with m.If(dut.frame.valid | dut.payload.valid):
        m.d.sync += Assert(crc.match_detected & ~crc.start, "a frame with a wrong CRC is offered")
    return dut.frame.valid


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


def test_nothing_comes_out_without_the_right_crc(tmp_path: Path) -> None:
    """The theorem alone: that right frames do come out, unit tests show sooner than a prover finds a CRC."""
    prove(StreamSpec(FrameDecoder(most=MOST, timeout=TIMEOUT), right_crc), tmp_path)


def test_it_never_gets_stuck(tmp_path: Path) -> None:
    establish(lambda: FrameDecoder(most=MOST, timeout=TIMEOUT), never_stuck, tmp_path)
