"""Who starts whom in a step with retrieval."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from golden.chips.decode.memory_map import HEADER_BYTES
from hw.chips.decode.config import Config
from hw.chips.decode.layouts import header_layout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader


class Phase(Enum):
    """What a step does."""

    IDLE = 0
    PROJECT = 1  #: the nodes project all heads
    ROWS = 2  #: scan rows are made of query codes
    WAIT = 3  #: the nodes wait for a head's selection, while the scan goes on
    ATTEND = 4  #: the nodes attend to a head's selection, while the scan goes on


class StepSequencer(wiring.Component):
    """Header, projections, scan rows; then the scan of all heads, and behind it, head after head, the attention.

    A phase begins when all words are written that it reads: `settled` says that the memory has what left before. A
    program that does not end well ends the step, behind the scan.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        heads = config.spec.kv.heads
        super().__init__(
            {
                "start": In(1),  #: begin the job whose header lies at `address`; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of the header, in bytes
                "busy": Out(1),  #: a job is under way
                "phase": Out(Phase),  #: of the job
                "header": Out(header_layout()),  #: the job's, from the first start of an engine on
                "settled": In(1),  #: no word waits that left an engine or a block before this cycle
                "nodes_start": Out(1),  #: begin the program at `nodes_address`
                "nodes_address": Out(ADDRESS_WIDTH),  #: of its header
                "nodes_ended": In(1),  #: high for a cycle when the program has ended
                "nodes_failed": In(1),  #: it has not ended well; counts with `nodes_ended`
                "rows_start": Out(1),  #: make scan rows
                "rows_busy": In(1),  #: they are not all written
                "scan_start": Out(1),  #: begin the scan of all heads
                "scan_busy": In(1),  #: it has not ended
                "records_done": In(range(heads + 1)),  #: heads whose rows have left
                "memory": Out(ReadSignature(config.memory_width)),  #: for the header
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.reader = reader = RowReader(width=self.config.memory_width, row_bytes=HEADER_BYTES)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        head = Signal(range(self.config.spec.kv.heads + 1))
        place = Signal(ADDRESS_WIDTH)  # of the header, then of a program's
        here = Signal()  # the head's rows have left
        m.d.sync += here.eq(self.records_done > head)
        m.d.comb += [
            self.busy.eq(1),
            reader.i.payload.eq(place),
            reader.o.ready.eq(1),
            Value.cast(self.header).eq(reader.o.payload[: header_layout().size]),
            self.nodes_address.eq(place),
        ]
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [head.eq(0), place.eq(self.address)]
                with m.If(self.start):
                    m.next = "ask"
            with m.State("ask"):
                m.d.comb += reader.i.valid.eq(1)
                with m.If(reader.i.ready):
                    m.next = "header"
            with m.State("header"):
                m.d.sync += place.eq(self.header.project_address)
                with m.If(reader.o.valid):
                    m.next = "project"
            with m.State("project"):
                m.d.comb += self.nodes_start.eq(1)
                m.next = "projecting"
            with m.State("projecting"):
                m.d.comb += self.phase.eq(Phase.PROJECT)
                with m.If(self.nodes_ended):
                    m.next = "projected"
                    with m.If(self.nodes_failed):
                        m.next = "end"
            with m.State("projected"):
                m.d.comb += self.phase.eq(Phase.PROJECT)
                with m.If(self.settled):
                    m.d.comb += self.rows_start.eq(1)
                    m.next = "rows"
            with m.State("rows"):
                m.d.comb += self.phase.eq(Phase.ROWS)
                m.d.sync += place.eq(self.header.attend_address)
                with m.If(~self.rows_busy & self.settled):
                    m.d.comb += self.scan_start.eq(1)
                    m.next = "next"
            with m.State("next"):  # head: `here` is of the one before
                m.d.comb += self.phase.eq(Phase.WAIT)
                m.next = "wait"
            with m.State("wait"):
                m.d.comb += self.phase.eq(Phase.WAIT)
                with m.If(here & self.settled):
                    m.d.comb += self.nodes_start.eq(1)
                    m.next = "attend"
            with m.State("attend"):
                m.d.comb += self.phase.eq(Phase.ATTEND)
                with m.If(self.nodes_ended):
                    m.d.sync += [head.eq(head + 1), place.eq(place + self.header.attend_stride)]
                    m.next = "next"
                    with m.If((head == self.config.spec.kv.heads - 1) | self.nodes_failed):
                        m.next = "end"
            with m.State("end"):
                m.d.comb += self.phase.eq(Phase.ATTEND)
                with m.If(~self.scan_busy & self.settled):
                    m.next = "idle"
        return m
