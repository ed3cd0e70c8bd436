"""Opens and closes the views of a job; one may be searched while the one before is finished."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ADDRESS_WIDTH
from hw.lod.layouts import job_layout


class ViewFlow(wiring.Component):
    """Loads the job, opens its views in turn, and closes them in the same order.

    A view is open from the start of its search until its results are written; views alternate
    between turn 0 and 1. A temporal view is opened as soon as all visits of the one before
    have begun, even if some are still under way: both go through the table, and the newer view
    waits there for what the older one has yet to write. Any other view waits until the one before is closed.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),  #: begin a job; ignored while `busy`
                "loading": In(1),  #: the job or a view is being fetched
                "job": In(job_layout()),  #: valid from the end of `loading` on
                "temporal": In(1),  #: the fetched view goes on from the one before
                "begun": In(1),  #: all visits of the view opened last have begun
                "under_way": In(2),  #: visits of this turn are
                "idle": In(1),  #: nothing is left to be written
                "finished": In(1),  #: the results of the view that is closed are written; answers `finish`
                "busy": Out(1),  #: from `start` until all is written
                "next": Out(1),  #: fetch a view
                "open": Out(1),  #: search the fetched view
                "turn": Out(1, init=1),  #: of the view that was opened last
                "ahead": Out(1),  #: a temporal view waits to be opened
                "closing": Out(1),  #: turn of the oldest open view
                "retiring": Out(1),  #: its subtrees may retire
                "begin": Out(1),  #: its results begin, at `place`
                "finish": Out(1),  #: it has no more results; holds until `finished`
                "place": Out(ADDRESS_WIDTH),  #: of the oldest open view's results
                "forget": Out(1),  #: the job is over
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        views = Signal(2)  # open
        closes, loaded = Signal(), Signal()
        m.d.sync += views.eq(views + self.open - closes)
        self._open(m, views, loaded)
        self._close(m, views, loaded, closes)
        return m

    def _open(self, m: Module, views: Signal, loaded: Signal) -> None:
        remaining = Signal(32)  # views to open
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += self.busy.eq(1)
                    m.next = "JOB"
            with m.State("JOB"):
                with m.If(~self.loading):
                    m.d.comb += [loaded.eq(1), self.next.eq(self.job.view_count != 0)]
                    m.d.sync += remaining.eq(self.job.view_count)
                    m.next = "VIEWS"
            with m.State("VIEWS"):
                with m.If(remaining == 0):
                    m.next = "DRAIN"
                with m.Elif(~self.loading):
                    m.d.comb += [
                        self.ahead.eq(self.temporal & (views != 0)),
                        self.open.eq((views == 0) | ((views == 1) & self.temporal & self.begun)),
                        self.next.eq(self.open & (remaining != 1)),
                    ]
                    m.d.sync += [remaining.eq(remaining - self.open), self.turn.eq(self.turn ^ self.open)]
            with m.State("DRAIN"):
                with m.If((views == 0) & self.idle):
                    m.d.comb += self.forget.eq(1)
                    m.d.sync += self.busy.eq(0)
                    m.next = "IDLE"

    def _close(self, m: Module, views: Signal, loaded: Signal, closes: Signal) -> None:
        job = self.job
        buffer, following = Signal(32), Signal(32)
        over = Signal()
        m.d.comb += over.eq(~self.under_way.bit_select(self.closing, 1) & (self.begun | (self.turn != self.closing)))
        with m.FSM():
            with m.State("WAIT"):
                with m.If(views != 0):
                    m.d.comb += self.begin.eq(1)
                    m.next = "RETIRE"
            with m.State("RETIRE"):
                m.d.comb += self.retiring.eq(1)
                with m.If(over):
                    m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.comb += [self.finish.eq(1), closes.eq(self.finished)]
                with m.If(closes):
                    m.d.sync += self.closing.eq(~self.closing)
                    m.next = "WAIT"
        m.d.comb += following.eq(buffer + 1)
        with m.If(loaded | (closes & (following == job.result_buffers))):
            m.d.sync += [buffer.eq(0), self.place.eq(job.result_address)]
        with m.Elif(closes):
            m.d.sync += [buffer.eq(following), self.place.eq(self.place + job.result_stride)]
