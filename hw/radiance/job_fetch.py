"""Reads a job, then one visit after the other."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.memory_map import JOB_BYTES, VISIT_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader
from hw.radiance.config import Config
from hw.radiance.layouts import job_layout, visit_layout


class JobFetch(wiring.Component):
    """On `start` loads the job at `address`; on `next` the visit that follows.

    Variable latency (the memory's).
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: load the job at `address`; not while `busy`
                "address": In(ADDRESS_WIDTH),  #: in bytes
                "next": In(1),  #: load the visit that follows; not while `busy`
                "job": Out(job_layout()),  #: stable from the end of its `busy` on
                "visit": Out(visit_layout()),  #: stable from the end of its `busy` until the next `start` or `next`
                "busy": Out(1),  #: a job or a visit is on its way
                "memory": Out(ReadSignature(config.memory_width)),  #: where both lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        assert JOB_BYTES == VISIT_BYTES
        m.submodules.reader = reader = RowReader(width=self.config.memory_width, row_bytes=JOB_BYTES)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        place, following = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)
        asking, coming, whole = Signal(), Signal(), Signal()  # whole: the job is loaded
        read = job_layout()(reader.o.payload)
        m.d.comb += [
            self.busy.eq(asking | coming),
            reader.i.payload.eq(place),
            reader.i.valid.eq(asking),
            reader.o.ready.eq(1),
            Value.cast(self.visit).eq(reader.o.payload),  # the reader keeps the row that it read last
        ]
        with m.If(self.start):
            m.d.sync += [place.eq(self.address), whole.eq(0), asking.eq(1), coming.eq(1)]
        with m.Elif(self.next):
            m.d.sync += [place.eq(following), following.eq(following + VISIT_BYTES), asking.eq(1), coming.eq(1)]
        with m.Else():
            with m.If(reader.i.ready):
                m.d.sync += asking.eq(0)
            with m.If(reader.o.valid):
                m.d.sync += [coming.eq(0), whole.eq(1)]
                with m.If(~whole):
                    m.d.sync += [self.job.eq(read), following.eq(read.visit_address)]
        return m
