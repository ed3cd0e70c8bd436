"""One job at a time: begun, watched, and ended well or with an error."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

RESET_CYCLES = 4


class JobControl(wiring.Component):
    """Starts the engine, and ends the job when the engine is done and the bus has nothing of it under way.

    After an error, or a command to stop, nothing more goes to the bus; when what is under way has been answered, the
    engine and its bus units are reset. The job has failed then, and the next one may begin.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),  #: begin a job; ignored while `busy`
                "stop": In(1),  #: end it as failed; without one, reset the engine
                "engine_busy": In(1),  #: rises in the cycle after `engine_start`
                "bus_idle": In(1),  #: all that the engine asked of the bus has been answered
                "bus_failed": In(1),  #: an answer was an error; until `engine_reset`
                "engine_start": Out(1),  #: for a cycle
                "bus_stop": Out(1),  #: nothing new may go to the bus
                "engine_reset": Out(1),  #: of the engine and its bus units
                "busy": Out(1),  #: a job is under way, or being ended
                "begins": Out(1),  #: a job begins
                "done": Out(1),  #: it ends well: the last cycle of `busy`
                "failed": Out(1),  #: it ends with an error: the cycle before `engine_reset`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        left = Signal(range(RESET_CYCLES))
        m.d.comb += self.busy.eq(1)
        m.d.sync += self.engine_reset.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [self.busy.eq(0), self.begins.eq(self.start & ~self.stop)]
                with m.If(self.stop):
                    m.next = "STOPS"
                with m.Elif(self.start):
                    m.next = "STARTS"
            with m.State("STARTS"):
                m.d.comb += self.engine_start.eq(1)
                m.next = "RUNS"
            with m.State("RUNS"):
                with m.If(self.bus_failed | self.stop):
                    m.next = "STOPS"
                with m.Elif(~self.engine_busy):
                    m.next = "SETTLES"
            with m.State("SETTLES"):
                with m.If(self.bus_failed | self.stop):
                    m.next = "STOPS"
                with m.Elif(self.bus_idle):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
            with m.State("STOPS"):
                m.d.comb += self.bus_stop.eq(1)
                with m.If(self.bus_idle):
                    m.d.comb += self.failed.eq(1)
                    m.d.sync += [self.engine_reset.eq(1), left.eq(RESET_CYCLES - 1)]
                    m.next = "RESETS"
            with m.State("RESETS"):
                m.d.comb += self.bus_stop.eq(1)
                m.d.sync += [self.engine_reset.eq(left != 0), left.eq(left - 1)]
                with m.If(left == 0):
                    m.next = "IDLE"
        return m
