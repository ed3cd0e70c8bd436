"""Retrieval before attention: the kv engine selects, the cluster attends to what it has selected."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring

from golden.cluster.spec import Status
from hw.chips.decode.config import Config
from hw.chips.decode.counters import COUNTERS
from hw.chips.decode.query_rows import QueryRows
from hw.chips.decode.record_lanes import RecordLanes
from hw.chips.decode.step_sequencer import Phase, StepSequencer
from hw.cluster.top import ClusterEngine
from hw.kv.top import KvEngine
from hw.lib.counters import count, only_while
from hw.lib.demux import StreamDemux
from hw.lib.engine_ports import engine_ports
from hw.lib.memory_port import WriteLayout
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lib.write_arbiter import WriteArbiter

SETTLE = 4  # cycles from the end of a program to its counters


class DecodeEngine(wiring.Component):
    """One token of one layer: the job whose header lies at `address`; equals `golden.chips.decode.model`.

    The nodes project all heads, the scan selects tokens with the queries' codes, and behind it the nodes attend to each
    head's selection and the new token, while the scan goes on with the next head. A program that does not end well
    shows in `status`; after a time-out only a reset brings the engine back.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.nodes = ClusterEngine(config=config.cluster)
        self.retrieval = KvEngine(config=config.kv)
        self.rows = QueryRows(config=config)
        self.lanes = RecordLanes(config=config)
        self.sequencer = StepSequencer(config=config)
        self.found = SkidBuffer(shape=WriteLayout(config.memory_width))
        super().__init__(engine_ports(config.memory_width, COUNTERS))

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """None: what one engine hands to the other lies in memory, and is compared there."""
        return {}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name in ("nodes", "retrieval", "rows", "lanes", "sequencer", "found"):
            m.submodules[name] = getattr(self, name)
        nodes, retrieval, rows, lanes, step = self.nodes, self.retrieval, self.rows, self.lanes, self.sequencer
        header, starts = step.header, Signal()
        m.d.comb += [
            starts.eq(self.start & ~self.busy),
            step.start.eq(self.start),
            step.address.eq(self.address),
            self.busy.eq(step.busy),
            nodes.start.eq(step.nodes_start),
            nodes.address.eq(step.nodes_address),
            rows.start.eq(step.rows_start),
            rows.template_address.eq(header.template_address),
            rows.codes_address.eq(header.codes_address),
            rows.rows_address.eq(header.rows_address),
            step.rows_busy.eq(rows.busy),
            retrieval.start.eq(step.scan_start),
            retrieval.address.eq(header.scan_address),
            step.scan_busy.eq(retrieval.busy | self.found.o.valid | lanes.busy),
            lanes.begin.eq(step.rows_start),
            lanes.address.eq(header.records_address),
            lanes.stride.eq(header.records_stride),
            lanes.selected.eq(header.selected),
            step.records_done.eq(lanes.done),
        ]
        words = {**self._reads(m), **self._writes(m)}
        self._count(m, starts, words)
        return m

    def _reads(self, m: Module) -> dict[str, Value]:
        """All readers on the one port. Returns, by counter, in which cycles a word came.

        The retrieval goes first: the nodes wait for it, and it leaves the memory to them while it looks through scores.
        """
        readers = {
            "scan_words": self.retrieval.read, "node_words": self.nodes.read, "template_words": self.rows.memory,
            "header_words": self.sequencer.memory,
        }  # fmt: skip
        m.submodules.reads = reads = ReadArbiter(
            width=self.config.memory_width,
            count=len(readers),
            outstanding=self.config.kv.outstanding,
            favoured=1,
        )
        for client, reader in zip(reads.clients, readers.values(), strict=True):
            wiring.connect(m, client, reader)
        wiring.connect(m, wiring.flipped(self.read), reads.memory)
        return {name: transfer(reader.response) for name, reader in readers.items()}

    def _writes(self, m: Module) -> dict[str, Value]:
        """All writers on the one port; the retrieval's lists pass, its records become rows. Returns as `_reads`."""
        layout = WriteLayout(self.config.memory_width)
        m.submodules.sorter = sorter = StreamDemux(shape=layout, count=2)  # lists, records
        connect(m, self.retrieval.write.request, self.found.i)
        found = self.found.o
        m.d.comb += [
            Value.cast(sorter.i.payload.data).eq(Value.cast(found.payload)),
            sorter.i.payload.target.eq(found.payload.address >= self.sequencer.header.records_address),
            sorter.i.valid.eq(found.valid),
            found.ready.eq(sorter.i.ready),
        ]
        connect(m, sorter.o[1], self.lanes.i)
        writers = {
            "store_words": self.nodes.write.request, "list_words": sorter.o[0],
            "record_words": self.lanes.memory.request, "row_words": self.rows.out.request,
        }  # fmt: skip
        m.submodules.writes = writes = WriteArbiter(width=self.config.memory_width, count=len(writers))
        for client, writer in zip(writes.clients, writers.values(), strict=True):
            connect(m, writer, client.request)
        wiring.connect(m, wiring.flipped(self.write), writes.memory)
        request = self.write.request
        m.d.comb += self.sequencer.settled.eq(~request.valid | request.ready)
        return {name: transfer(writer) for name, writer in writers.items()}

    def _count(self, m: Module, starts: Value, words: dict[str, Value]) -> None:
        """Counters; those of the nodes are taken when a program has ended."""
        nodes, phase = self.nodes, self.sequencer.phase
        ended = Signal(SETTLE)
        before = Signal()
        m.d.sync += [before.eq(nodes.busy), ended.eq((ended << 1) | (before & ~nodes.busy))]
        taken = ended[-1]
        status = nodes.counters.status[: max(Status).bit_length()]
        m.d.comb += [self.sequencer.nodes_ended.eq(taken), self.sequencer.nodes_failed.eq(status != Status.DONE)]
        request = self.write.request
        events = {
            "cycles": Value.cast(1),
            "project_cycles": phase == Phase.PROJECT,
            "row_cycles": phase == Phase.ROWS,
            "wait_cycles": phase == Phase.WAIT,
            "attend_cycles": phase == Phase.ATTEND,
            "scan_cycles": self.retrieval.busy,
            "selected": self.lanes.picked,
            "clipped": Mux(taken, nodes.counters.clipped[:24], 0),
            "status": Mux(taken, status, 0),
            **words,
            "write_stall": request.valid & ~request.ready,
        }
        count(m, self.counters, {name: only_while(self.busy, event) for name, event in events.items()}, clear=starts)
