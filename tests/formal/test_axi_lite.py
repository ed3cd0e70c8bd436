"""The rules of AXI4-Lite on our side of the bus, with any other side that keeps them; and the control of jobs.

That what is offered stays, unchanged, until it is taken, is asserted of every channel by `StreamSpec`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amaranth.hdl import Assert, Module, Mux, Signal, Value

from hw.bus.axi import Response
from hw.bus.axi_lite_slave import AxiLiteSlave
from hw.bus.job_control import JobControl
from hw.bus.registers import Access, Register, RegisterField, RegisterMap
from hw.lib.stream import transfer
from tests.formal.spec import establish


def few_registers() -> RegisterMap:
    setting = RegisterField(name="V", width=2, access=Access.SETTING, text="")
    constant = RegisterField(name="K", width=2, access=Access.CONSTANT, text="", value=2)
    return RegisterMap(
        name="few",
        registers=(
            Register(name="A", offset=0, text="", fields=(setting,)),
            Register(name="B", offset=4, text="", fields=(constant,)),
            Register(name="C", offset=8, text="", fields=(setting,)),
        ),
    )


def test_axi_lite_slave(tmp_path: Path) -> None:
    """One response to each write whose address and data have come, one to each read; a setting is what was last written
    to it, and where nothing can be written or read the response says so."""

    def properties(m: Module, dut: Any) -> Value:
        addresses, datas, reads = Signal(2), Signal(2), Signal(2)
        done, answered = transfer(dut.b), transfer(dut.r)
        m.d.sync += [
            addresses.eq(addresses + transfer(dut.aw) - done),
            datas.eq(datas + transfer(dut.w) - done),
            reads.eq(reads + transfer(dut.ar) - answered),
        ]
        with m.If(dut.b.valid):
            m.d.sync += Assert((addresses != 0) & (datas != 0), "a response to nothing")
        with m.If(dut.r.valid):
            m.d.sync += Assert(reads != 0, "an answer to nothing")
        m.d.sync += [Assert(addresses <= 1), Assert(datas <= 1), Assert(reads <= 1)]
        place, value, strobe, asked = Signal(2), Signal(2), Signal(), Signal(2)
        with m.If(transfer(dut.aw)):
            m.d.sync += place.eq(dut.aw.payload.address[2:])
        with m.If(transfer(dut.w)):
            m.d.sync += [value.eq(dut.w.payload.data), strobe.eq(dut.w.payload.strobes[0])]
        with m.If(transfer(dut.ar)):
            m.d.sync += asked.eq(dut.ar.payload.address[2:])
        fails = Mux(place[0], Response.SLVERR, Response.OKAY)  # the constant, and where no register is
        with m.If(dut.b.valid):
            m.d.sync += Assert(dut.b.payload == fails)
            with m.If((place == 2) & strobe):
                m.d.sync += Assert(dut.settings.c_v == value, "a setting is not what was written")
        with m.If(dut.r.valid):
            m.d.sync += Assert(dut.r.payload.response == Mux(asked == 3, Response.SLVERR, Response.OKAY))
            with m.If(asked == 1):
                m.d.sync += Assert(dut.r.payload.data == 2)
        return dut.b.valid & dut.r.valid & (asked == 1) & (place == 2)

    establish(lambda: AxiLiteSlave(registers=few_registers()), properties, tmp_path)


def test_job_control(tmp_path: Path) -> None:
    """The engine is begun once a job and only at rest, is reset only when the bus is, and a job with an error fails."""

    def properties(m: Module, dut: Any) -> Value:
        runs, quiet = Signal(), Signal()
        m.d.sync += quiet.eq(dut.bus_idle & dut.bus_stop)
        ends = dut.done | dut.failed
        m.d.sync += runs.eq((runs | dut.begins) & ~ends)
        was_reset = Signal()
        m.d.sync += was_reset.eq(dut.engine_reset)
        with m.If(dut.begins):
            m.d.sync += Assert(~runs & ~dut.engine_reset)
        with m.If(dut.done):
            m.d.sync += Assert(runs & dut.bus_idle & ~dut.bus_failed, "done, with something under way or wrong")
        with m.If(dut.engine_reset & ~was_reset):
            m.d.sync += Assert(quiet, "a reset while the bus is at work")
        m.d.sync += [Assert(~dut.engine_start | runs), Assert(~(dut.done & dut.failed)), Assert(~runs | dut.busy)]
        return dut.done

    establish(JobControl, properties, tmp_path)
