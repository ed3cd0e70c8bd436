"""Reads a job, then one view after the other."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import JOB_BYTES, VIEW_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader
from hw.lod.config import Config
from hw.lod.layouts import job_layout, view_layout


class JobFetch(wiring.Component):
    """On `start` loads the job at `address`; on `next` the next view.

    Variable latency (the memory's).
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: load the job at `address`; not while `busy`
                "address": In(ADDRESS_WIDTH),  #: in bytes
                "next": In(1),  #: load the view that follows; not while `busy`
                "job": Out(job_layout()),  #: stable from the end of its `busy` on
                "view": Out(view_layout()),  #: stable from the end of its `busy` until the next `start` or `next`
                "busy": Out(1),  #: a job or a view is on its way
                "memory": Out(ReadSignature(config.memory_width)),  #: where both lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        assert JOB_BYTES == VIEW_BYTES
        m.submodules.reader = reader = RowReader(width=self.config.memory_width, row_bytes=JOB_BYTES)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        place = Signal(ADDRESS_WIDTH)
        whole = Signal()  # the job is loaded
        following = Signal(ADDRESS_WIDTH)
        read = job_layout()(reader.o.payload)
        m.d.comb += [
            self.busy.eq(1),
            reader.i.payload.eq(place),
            reader.o.ready.eq(1),
            # The reader keeps the row that it read last.
            Value.cast(self.view).eq(reader.o.payload),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += [place.eq(self.address), whole.eq(0)]
                    m.next = "ASK"
                with m.Elif(self.next):
                    m.d.sync += [place.eq(following), following.eq(following + VIEW_BYTES)]
                    m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += reader.i.valid.eq(1)
                with m.If(reader.i.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):
                with m.If(reader.o.valid):
                    m.d.sync += whole.eq(1)
                    with m.If(~whole):
                        m.d.sync += [self.job.eq(read), following.eq(read.view_address)]
                    m.next = "IDLE"
        return m
