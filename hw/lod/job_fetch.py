"""Reads a job, then one view after the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import JOB_BYTES, VIEW_BYTES
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lod.config import Config
from hw.lod.layouts import job_layout, view_layout


class JobFetch(wiring.Component):
    """On `start` loads the job at `address`; on `next` the next view.

    Variable latency (the memory's).

    Members:
        start, address: begin a job. next: load a view; not while `busy`.
        job, view: stable from the end of `busy` on. busy: words are under way. memory: read port.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "address": In(ADDRESS_WIDTH),
                "next": In(1),
                "job": Out(job_layout()),
                "view": Out(view_layout()),
                "busy": Out(1),
                "memory": Out(ReadSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self.config.memory_width
        words = JOB_BYTES * 8 // width
        m.submodules.reader = reader = BurstReader(width=width, depth=max(words, 2))
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        left = Signal(range(words + 1))
        place = Signal(ADDRESS_WIDTH)
        whole = Signal()  # the job is loaded
        following = Signal(ADDRESS_WIDTH)
        request = reader.i
        m.d.comb += [
            self.busy.eq(1),
            request.payload.address.eq(place),
            request.payload.length.eq(words),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += left.eq(words)
                with m.If(self.start):
                    m.d.sync += [place.eq(self.address), whole.eq(0)]
                    m.next = "ASK"
                with m.Elif(self.next):
                    m.d.sync += [place.eq(following), following.eq(following + VIEW_BYTES)]
                    m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += request.valid.eq(1)
                with m.If(request.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += reader.o.ready.eq(1)
                with m.If(reader.o.valid):
                    for row, mine in ((self.job, ~whole), (self.view, whole)):
                        raw = Value.cast(row)
                        with m.If(mine):
                            m.d.sync += raw.eq(Cat(raw, reader.o.payload)[width:])
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "DONE"
            with m.State("DONE"):
                m.d.sync += [whole.eq(1), following.eq(Mux(whole, following, self.job.view_address))]
                m.next = "IDLE"
        return m
