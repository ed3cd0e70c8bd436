"""The LoD search core: the cuts of a path of views, from memory to memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.counters import CounterLayout, count
from hw.lib.engine_ports import engine_ports
from hw.lib.memory_port import ADDRESS_WIDTH, WriteLayout
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import connect, transfer
from hw.lod.config import Config
from hw.lod.job_fetch import JobFetch
from hw.lod.layouts import view_layout
from hw.lod.result_writer import ResultWriter
from hw.lod.search import Search

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the job",
        "views": "views searched",
        "subtrees": "subtrees visited",
        "hits": "subtrees found in the cache",
        "misses": "subtrees read from memory",
        "nodes_loaded": "nodes of visited subtrees",
        "nodes_tested": "nodes that went through a size test",
        "nodes_counted": "nodes that are reached: the search's work",
        "unit_cycles": "cycles in which an LT unit had nodes to test or under test, all units together",
        "spilled": "queue entries that went to memory",
        "context_wait": "cycles in which a visit waited for a context or a ticket",
        "call_wait": "cycles in which the dispatcher waited for a visit",
        "fetch_stall": "cycles in which a load waited for the fetch",
        "order_wait": "cycles in which a finished subtree waited for its turn and none was retired",
        "job_words": "words read: job and views",
        "tree_words": "words read: subtrees",
        "queue_words": "words read: queue entries from memory",
        "state_words": "words read: state table",
        "result_write_words": "words written: results",
        "queue_write_words": "words written: queue entries",
        "state_write_words": "words written: state table",
        "write_stall": "cycles in which a word waited to be written",
    }
)


class LodEngine(wiring.Component):
    """Searches the views of the job at `address` (golden/lod/memory_map.py); equals `golden.lod.model`.

    Members:
        start, address: begin a job; ignored while `busy`.
        busy: a job is under way; all its words are written when it falls.
        read, write: memory ports. A read that is requested after a write was taken has to see it.
        counters: of the last job; see `COUNTERS`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.search = Search(config=config)
        super().__init__(engine_ports(config.memory_width, COUNTERS))

    @property
    def taps(self) -> dict[str, object]:
        """The stream that the model has too: visited subtrees, in order."""
        return {"results": self.search.results}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.fetch = fetch = JobFetch(config=config)
        m.submodules.search = search = self.search
        m.submodules.writer = writer = ResultWriter(config=config)
        m.submodules.arbiter = arbiter = ReadArbiter(width=config.memory_width, count=4, outstanding=config.outstanding)
        wiring.connect(m, wiring.flipped(self.read), arbiter.memory)
        readers = {"job": fetch.memory, "tree": search.tree, "queue": search.queue, "state": search.state}
        for client, reader in zip(arbiter.clients, readers.values(), strict=True):
            wiring.connect(m, client, reader)
        writers = {"result": writer.write, "queue": search.queue_write, "state": search.state_write}
        written = self._write(m, [w.request for w in writers.values()])

        view = Signal(view_layout())
        connect(m, search.results, writer.i)
        m.d.comb += [
            fetch.address.eq(self.address),
            search.job.eq(fetch.job),
            search.view.eq(view),
            search.queue_written.eq(written[1]),
            search.state_written.eq(written[2]),
        ]
        starts = self._views(m, fetch, search, writer, view)
        events = search.events
        words = {f"{name}_words": transfer(reader.response) for name, reader in readers.items()}
        stored = {f"{name}_write_words": moved for name, moved in zip(writers, written, strict=True)}
        named = {
            "cycles": Value.cast(1), "views": writer.start, "subtrees": events.visit, "hits": events.hit,
            "misses": events.miss, "nodes_loaded": events.loaded, "nodes_tested": events.tested,
            "nodes_counted": events.counted, "unit_cycles": events.working, "spilled": events.spilled,
            "context_wait": events.context_wait, "call_wait": events.call_wait & search.busy,
            "fetch_stall": events.fetch_stall, "order_wait": events.order_wait, **words, **stored,
            "write_stall": self.write.request.valid & ~self.write.request.ready,
        }  # fmt: skip
        busy = self.busy
        count(m, self.counters, {n: e & Cat(busy).replicate(len(e)) for n, e in named.items()}, clear=starts)
        return m

    def _write(self, m: Module, requests: list) -> list[Value]:
        """The writers on one port. Returns, for each, that the memory takes one of its words."""
        m.submodules.writes = arbiter = RoundRobinArbiter(
            shape=WriteLayout(self.config.memory_width), count=len(requests)
        )
        for request, i in zip(requests, arbiter.i, strict=True):
            connect(m, request, i)
        out = self.write.request
        m.d.comb += [
            out.payload.eq(arbiter.o.payload.data),
            out.valid.eq(arbiter.o.valid),
            arbiter.o.ready.eq(out.ready),
        ]
        return [transfer(out) & (arbiter.o.payload.source == k) for k in range(len(requests))]

    def _views(self, m: Module, fetch: JobFetch, search: Search, writer: ResultWriter, view: Signal) -> Value:
        """Job, then view after view: search, close the results. Returns: a job starts."""
        starts = Signal()
        left = Signal(32)  # views
        buffer = Signal(32)
        place = Signal(ADDRESS_WIDTH)
        totals = {name: Signal(32, name=f"view_{name}") for name in ("subtrees", "nodes", "fetches", "cycles")}
        events = search.events
        steps = {"subtrees": events.visit, "nodes": events.counted, "fetches": events.miss, "cycles": Value.cast(1)}
        for name, total in totals.items():
            m.d.comb += writer.summary[name].eq(total)
            m.d.sync += total.eq(Mux(writer.start, 0, total + steps[name]))
        job = fetch.job
        m.d.comb += [starts.eq(self.start & ~self.busy), fetch.start.eq(starts)]
        m.d.comb += writer.address.eq(place)
        # While a view is searched or closed, the next one is at hand once it is fetched.
        following = ~fetch.busy & (left != 1) & fetch.view.temporal[0]
        with m.FSM() as fsm:
            m.d.comb += search.ahead.eq(following & (fsm.ongoing("SEARCH") | fsm.ongoing("CLOSE")))
            with m.State("IDLE"):
                with m.If(starts):
                    m.d.sync += self.busy.eq(1)
                    m.next = "JOB"
            with m.State("JOB"):
                with m.If(~fetch.busy):
                    m.d.comb += fetch.next.eq(job.view_count != 0)
                    m.d.sync += [left.eq(job.view_count), buffer.eq(0), place.eq(job.result_address)]
                    m.next = "NEXT"
            with m.State("NEXT"):
                with m.If(left == 0):
                    m.d.comb += search.forget.eq(1)
                    m.d.sync += self.busy.eq(0)
                    m.next = "IDLE"
                with m.Elif(~fetch.busy):
                    m.d.comb += fetch.next.eq(left != 1)  # while this view is searched
                    m.d.sync += view.eq(fetch.view)
                    m.next = "START"
            with m.State("START"):
                m.d.comb += [search.start.eq(1), writer.start.eq(1)]
                m.next = "SEARCH"
            with m.State("SEARCH"):
                with m.If(~search.busy):
                    m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.comb += writer.finish.eq(1)
                with m.If(writer.finished & ~self.write.request.valid):
                    m.d.sync += [left.eq(left - 1), buffer.eq(buffer + 1), place.eq(place + job.result_stride)]
                    with m.If(buffer + 1 == job.result_buffers):
                        m.d.sync += [buffer.eq(0), place.eq(job.result_address)]
                    m.next = "NEXT"
        return starts
