"""An engine with its external memory inside the simulation."""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.checker import check
from hw.lib.ports import forward, streams_of

FOLDER = Path(__file__).parent
SOURCES = (FOLDER / "external_memory.v", FOLDER / "stream_tap.v")


class MemoryHarness(wiring.Component):
    """Joins an engine's `read` and `write` ports to `external_memory`; its other ports pass through.

    Every stream port has a protocol checker. With `taps`, every stream of `engine.taps` is recorded
    in the file NAME.hex of the folder +taps=FOLDER.

    Members:
        dump: on its rising edge the memory writes its file. fault, fault_address: first access
        beyond the memory's end. words_read, words_written: what the memory served since reset.
        done: the engine was busy and is no longer.
        Every port of the engine but `read` and `write`.
    """

    def __init__(self, engine: wiring.Component, *, width: int, log2_words: int, taps: bool = False) -> None:
        self.engine, self.width, self.log2_words, self.taps = engine, width, log2_words, taps
        self.passed = {n: member for n, member in engine.signature.members.items() if n not in ("read", "write")}
        own = {"dump": In(1), "fault": Out(1), "fault_address": Out(32), "done": Out(1)}
        super().__init__({**self.passed, **own, "words_read": Out(40), "words_written": Out(40)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = engine = self.engine
        forward(m, self, engine, self.passed)
        for port in streams_of(engine):
            check(m, port.interface, port.name)
        request, response = engine.read.request, engine.read.response
        write = engine.write.request
        m.submodules.memory = Instance(
            "external_memory",
            p_WIDTH=self.width,
            p_LOG2_WORDS=self.log2_words,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_request_address=request.payload.address,
            i_request_length=request.payload.length,
            i_request_valid=request.valid,
            o_request_ready=request.ready,
            o_response_data=response.payload.data,
            o_response_last=response.payload.last,
            o_response_valid=response.valid,
            i_response_ready=response.ready,
            i_write_address=write.payload.address,
            i_write_data=write.payload.data,
            i_write_valid=write.valid,
            o_write_ready=write.ready,
            i_dump=self.dump,
            o_fault=self.fault,
            o_fault_address=self.fault_address,
            o_words_read=self.words_read,
            o_words_written=self.words_written,
        )
        for name, tapped in (engine.taps if self.taps else {}).items():
            payload = Value.cast(tapped.payload)
            m.submodules[f"tap_{name}"] = Instance(
                "stream_tap",
                p_WIDTH=len(payload),
                p_NAME=name,
                i_clk=ClockSignal(),
                i_payload=payload,
                i_transfer=tapped.valid & tapped.ready & ~ResetSignal(),
            )
        was_busy = Signal()
        m.d.sync += [was_busy.eq(engine.busy), self.done.eq(~engine.start & (self.done | (was_busy & ~engine.busy)))]
        return m
