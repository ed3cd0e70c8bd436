"""The KV-retrieval engine: tokens into the store, queries to gathered records."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring

from golden.kv.memory_map import MODE_SCAN, MODE_SINK
from hw.kv.block_store import BlockStore
from hw.kv.config import Config
from hw.kv.counters import COUNTERS
from hw.kv.events import count_events
from hw.kv.evictor import Evictor
from hw.kv.gather import RecordGather
from hw.kv.hash_unit import HashUnit
from hw.kv.hcu import HashClusteringUnit
from hw.kv.job_fetch import JobFetch
from hw.kv.key_table import KeyTable
from hw.kv.log_writer import LogWriter
from hw.kv.query_fetch import QueryFetch
from hw.kv.scan_unit import ScanUnit
from hw.kv.score_unit import ScoreUnit
from hw.kv.select_writer import SelectWriter
from hw.kv.sink_fetch import SinkFetch
from hw.kv.token_fetch import TokenFetch
from hw.kv.token_writer import TokenWriter
from hw.kv.vision_sink import VisionSink
from hw.kv.wtu import WeightedThresholdUnit
from hw.lib.engine_ports import engine_ports
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import connect
from hw.lib.write_arbiter import WriteArbiter


class KvEngine(wiring.Component):
    """Runs the job whose header lies at `address` (golden/kv/memory_map.py); equals `golden.kv.model`.

    First all tokens are clustered and stored, then, head by head and block of query rows by block,
    clusters are scored, selected, and their records gathered. A job without tokens does nothing. In
    mode MODE_SINK tokens are chosen by given scores (`golden.kv.vision_sink`), and nothing is stored. In mode
    MODE_SCAN tokens are chosen and gathered from bit planes of the keys (`golden.kv.scan`), where they lie.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        spec.check_rows()
        self.job_fetch = JobFetch(memory_width=config.memory_width)
        self.token_fetch = TokenFetch(config=config)
        self.hash_unit = HashUnit(spec=spec)
        self.hcu = HashClusteringUnit(config=config)
        self.block_store = BlockStore(config=config)
        self.token_writer = TokenWriter(config=config)
        self.key_table = KeyTable(spec=spec)
        self.log_writer = LogWriter(memory_width=config.memory_width)
        self.evictor = Evictor(config=config)
        self.query_fetch = QueryFetch(config=config)
        self.score_unit = ScoreUnit(config=config)
        self.wtu = WeightedThresholdUnit(config=config)
        self.select_writer = SelectWriter(config=config)
        self.gather = RecordGather(config=config)
        self.sink_fetch = SinkFetch(config=config)
        self.vision_sink = VisionSink(config=config)
        self.scan_unit = ScanUnit(config=config)
        super().__init__(engine_ports(config.memory_width, COUNTERS))

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """The stream behind every stage that the model has too, for a comparison stage by stage."""
        return {
            "hash_unit": self.hash_unit.o,
            "hcu": self.hcu.o,
            "key_table": self.key_table.o,
            "score_unit": self.score_unit.o,
            "wtu": self.wtu.o,
        }

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name in (
            "job_fetch", "token_fetch", "hash_unit", "hcu", "block_store", "token_writer", "key_table", "log_writer",
            "evictor", "query_fetch", "score_unit", "wtu", "select_writer", "gather", "sink_fetch",
            "vision_sink", "scan_unit",
        ):  # fmt: skip
            m.submodules[name] = getattr(self, name)
        settled, written = self._memory(m)
        self._ingest(m, settled)
        self._query(m)
        self._control(m, written)
        return m

    def _memory(self, m: Module) -> tuple[Value, Value]:
        """Readers and writers on the two ports. Returns two flags: no older write waits; no write waits at all."""
        width = self.config.memory_width
        readers = [
            self.job_fetch.memory, self.token_fetch.memory, self.query_fetch.memory, self.evictor.source,
            self.gather.source, self.sink_fetch.memory, self.scan_unit.rows, self.scan_unit.planes,
            self.scan_unit.source,
        ]  # fmt: skip
        m.submodules.reads = reads = ReadArbiter(width=width, count=len(readers), outstanding=self.config.outstanding)
        for client, reader in zip(reads.clients, readers, strict=True):
            wiring.connect(m, client, reader)
        wiring.connect(m, wiring.flipped(self.read), reads.memory)
        writers = [
            self.token_writer.memory, self.log_writer.memory, self.evictor.target, self.select_writer.memory,
            self.gather.target, self.scan_unit.lists, self.scan_unit.target,
        ]  # fmt: skip
        m.submodules.writes = writes = WriteArbiter(width=width, count=len(writers))
        for client, writer in zip(writes.clients, writers, strict=True):
            wiring.connect(m, client, writer)
        wiring.connect(m, wiring.flipped(self.write), writes.memory)
        request = self.write.request
        return ~request.valid | request.ready, ~request.valid

    def _ingest(self, m: Module, settled: Value) -> None:
        store, writer, evictor = self.block_store, self.token_writer, self.evictor
        connect(m, self.token_fetch.keys, self.hash_unit.i)
        connect(m, self.hash_unit.o, self.hcu.i)
        connect(m, self.hcu.o, store.decisions)
        connect(m, store.places, writer.places)
        connect(m, store.log, self.log_writer.i)
        connect(m, self.token_fetch.recent, writer.recent)
        connect(m, writer.evict, evictor.orders)
        m.d.comb += [
            self.key_table.add.eq(writer.add),
            evictor.settled.eq(settled),
            evictor.fill.eq(store.fill),
            store.evicted.eq(evictor.done),
            store.read_block.eq(Mux(evictor.idle, self.gather.read_block, evictor.read_block)),
        ]
        for stage in (
            self.token_fetch, self.hash_unit, self.hcu, writer, self.log_writer, evictor, self.query_fetch, self.wtu,
            self.select_writer, self.gather, self.sink_fetch, self.vision_sink,
            self.scan_unit,
        ):  # fmt: skip
            m.d.comb += stage.header.eq(self.job_fetch.header)

    def _query(self, m: Module) -> None:
        score, wtu, gather, store = self.score_unit, self.wtu, self.gather, self.block_store
        m.d.comb += [
            self.key_table.read.valid.eq(score.reading),
            self.key_table.read.row.eq(score.row),
            store.read_count.eq(score.cluster),
            score.count.eq(store.count),
            self.query_fetch.chunk.eq(score.chunk),
            score.rows.eq(self.query_fetch.rows),
            score.clusters.eq(self.hcu.clusters),
            wtu.clusters.eq(self.hcu.clusters),
            wtu.info.eq(self.query_fetch.info),
            wtu.scored.eq(~score.busy),
            wtu.room.eq(gather.room & self.select_writer.room),
            store.read_chain.eq(gather.read_chain),
            gather.chain.eq(store.chain),
            gather.next.eq(store.next),
            gather.fill.eq(store.fill),
            gather.closed.eq(store.closed),
        ]
        connect(m, self.key_table.o, score.sums)
        connect(m, score.o, wtu.scores)
        sink, bits = self.vision_sink, self.select_writer.i
        # The takers of a selection are always ready: a mark begins only when both have `room`.
        m.d.comb += [
            gather.i.payload.eq(wtu.o.payload),
            gather.i.valid.eq(wtu.o.valid),
            bits.payload.eq(Mux(sink.busy, sink.o.payload, wtu.o.payload)),
            bits.valid.eq(sink.o.valid | wtu.o.valid),
            wtu.o.ready.eq(gather.i.ready & bits.ready),
            sink.o.ready.eq(bits.ready),
            sink.room.eq(self.select_writer.room),
        ]
        connect(m, self.sink_fetch.o, sink.i)

    def _control(self, m: Module, written: Value) -> None:
        """Header, tokens, queries; counters."""
        job, hcu, wtu, score, query = self.job_fetch, self.hcu, self.wtu, self.score_unit, self.query_fetch
        header = job.header
        begin, ingesting, querying, starts, scores, sinks, scans = (Signal() for _ in range(7))
        head = Signal(range(self.config.spec.heads + 1))
        block = Signal(8)
        last_block = block + 1 == header.query_blocks[:8]
        stored = Signal()
        m.d.comb += [
            starts.eq(self.start & ~self.busy),
            job.start.eq(starts),
            job.address.eq(self.address),
            hcu.begin.eq(begin),
            self.hash_unit.begin.eq(begin),
            self.block_store.begin.eq(begin),
            self.log_writer.begin.eq(begin),
            self.select_writer.begin.eq(begin),
            self.gather.begin.eq(begin),
            stored.eq(
                self.log_writer.idle & self.block_store.idle & self.token_writer.idle & self.evictor.idle
                & ~self.token_fetch.busy & written
            ),
            self.sink_fetch.go.eq(sinks),
            self.vision_sink.go.eq(sinks),
            self.scan_unit.go.eq(scans),
            score.start.eq(scores),
            score.head.eq(head),
            wtu.start.eq(scores),
            wtu.first.eq(block == 0),
            wtu.last.eq(last_block),
            self.busy.eq(1),
        ]  # fmt: skip
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.next = "HEADER"
            with m.State("HEADER"):
                with m.If(job.done):
                    m.next = "SETUP"
            with m.State("SETUP"):  # a cycle for the products of header fields
                m.next = "BEGIN"
            with m.State("BEGIN"):
                some = header.token_count != 0
                m.d.comb += [begin.eq(1), self.token_fetch.go.eq(some), query.go.eq(some)]
                m.d.sync += [head.eq(0), block.eq(0)]
                m.next = "INGEST"
                with m.If(header.mode & MODE_SINK != 0):
                    m.d.comb += [self.token_fetch.go.eq(0), query.go.eq(0), sinks.eq(some)]
                    m.next = "SINK"
                with m.If(header.mode & MODE_SCAN != 0):
                    m.d.comb += [self.token_fetch.go.eq(0), query.go.eq(0), scans.eq(some)]
                    m.next = "SCAN"
                with m.If(~some):
                    m.next = "IDLE"
            with m.State("SINK"):
                with m.If(~self.vision_sink.busy & self.select_writer.idle & written):
                    m.next = "IDLE"
            with m.State("SCAN"):
                with m.If(~self.scan_unit.busy & written):
                    m.next = "IDLE"
            with m.State("INGEST"):
                m.d.comb += ingesting.eq(1)
                with m.If(stored):
                    m.next = "QUERY"
            with m.State("QUERY"):
                m.d.comb += querying.eq(1)
                with m.If(head == self.config.spec.heads):
                    with m.If(self.gather.idle & self.select_writer.idle & written):
                        m.next = "IDLE"
                with m.Elif(query.loaded & ~wtu.busy):
                    m.d.comb += scores.eq(1)
                    m.next = "SCORE"
            with m.State("SCORE"):
                m.d.comb += querying.eq(1)
                with m.If(~wtu.busy):
                    m.d.comb += query.release.eq(1)
                    m.d.sync += block.eq(Mux(last_block, 0, block + 1))
                    with m.If(last_block):
                        m.d.sync += head.eq(head + 1)
                    m.next = "QUERY"
        count_events(m, self, starts, ingesting, querying)
