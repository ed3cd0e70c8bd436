"""The order of a job's work: visit after visit, each releaving, looked up and saved."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.radiance.layouts import job_layout, visit_layout


class VisitFlow(wiring.Component):
    """Starts each step when the one before has ended, but restores a visit's cache while the one before is saved.

    The next visit's row is read during the look-ups. Where its cache is the one that is being saved, it waits until
    every word is in memory.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),  #: begin a job; not while `busy`
                "loading": In(1),  #: a job or a visit is on its way
                "job": In(job_layout()),  #: stable once it is loaded
                "read": In(visit_layout()),  #: the visit that was loaded last
                "next": Out(1),  #: load the next visit
                "visit": Out(visit_layout()),  #: the one that is under way
                "restore": Out(1),  #: bring its cache back, and read its pixels ahead
                "restoring": In(1),  #: not all sets are loaded
                "open": Out(1),  #: its pixels may ask
                "looking": In(1),  #: pixels are missing, or what they got, or where it goes into the cache
                "save": Out(1),  #: save its cache
                "saving": In(1),  #: words are missing
                "writing": In(1),  #: words have not reached the memory
                "busy": Out(1),  #: a job is under way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        left, more = Signal(32), Signal()  # visits that have not begun; there are some
        # Words are on their way to memory; the next visit's cache is among them.
        leaving, awaited = Signal(), Signal()
        m.d.comb += [
            self.busy.eq(1),
            leaving.eq(self.saving | self.writing),
            awaited.eq(leaving & (self.read.image_bytes != 0) & (self.read.image_address == self.visit.save_address)),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.next = "JOB"
            with m.State("JOB"):
                m.d.sync += [left.eq(self.job.visit_count), more.eq(self.job.visit_count != 0)]
                with m.If(~self.loading):
                    m.next = "FIRST"
            with m.State("FIRST"):
                m.d.comb += self.next.eq(more)
                m.next = "VISIT"
            with m.State("VISIT"):
                with m.If(~more):
                    with m.If(~leaving):
                        m.next = "IDLE"
                with m.Elif(~self.loading & ~awaited):
                    m.d.sync += [self.visit.eq(self.read), left.eq(left - 1), more.eq(left != 1)]
                    m.next = "RESTORE"
            with m.State("RESTORE"):
                m.d.comb += self.restore.eq(1)
                m.next = "RESTORING"
            with m.State("RESTORING"):
                with m.If(~self.restoring):
                    m.d.comb += self.next.eq(more)
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.d.comb += self.open.eq(1)
                with m.If(~self.looking & ~self.saving):
                    m.next = "SAVE"
            with m.State("SAVE"):
                m.d.comb += self.save.eq(1)
                m.next = "VISIT"
        return m
