"""The LoD search core: the cuts of a path of views, from memory to memory."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring

from hw.lib.counters import CounterLayout, count
from hw.lib.engine_ports import engine_ports
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import connect, transfer
from hw.lib.tree import add_all
from hw.lib.write_arbiter import WriteArbiter
from hw.lod.config import Config
from hw.lod.job_fetch import JobFetch
from hw.lod.result_writer import ResultWriter
from hw.lod.search import Search
from hw.lod.view_flow import ViewFlow

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the job",
        "views": "views searched",
        "subtrees": "subtrees visited",
        "hits": "subtrees found in the cache",
        "misses": "subtrees read from memory",
        "nodes_loaded": "nodes of visited subtrees",
        "nodes_tested": "nodes that went through a size check",
        "nodes_counted": "nodes that are reached: the search's work",
        "unit_cycles": "cycles in which an LT unit had nodes to test or under test, all units together",
        "queued_cycles": "cycles in which an LT unit held a node for which no decision was missing, all units together",
        "queued_nodes": "nodes that are reached and were chosen in such a cycle",
        "spilled": "queue entries that went to memory",
        "context_wait": "cycles in which a visit waited for a context or a ticket",
        "call_wait": "cycles in which the allocator waited for a visit",
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

    A read that is requested after a write was taken has to see it. The counters are described in `COUNTERS`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.search = Search(config=config)
        super().__init__(engine_ports(config.memory_width, COUNTERS))

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """The streams that the model has too: visits that begin, their results, words of the state table."""
        search = self.search
        return {"visits": search.fetch.i, "results": search.results, "states": search.state_write.request}

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
        m.submodules.writes = writes = WriteArbiter(width=config.memory_width, count=len(writers))
        for client, each in zip(writes.clients, writers.values(), strict=True):
            wiring.connect(m, client, each)
        wiring.connect(m, wiring.flipped(self.write), writes.memory)

        m.submodules.flow = flow = ViewFlow()
        connect(m, search.results, writer.i)
        m.d.comb += [search.queue_written.eq(writes.taken[1]), search.state_written.eq(writes.taken[2])]
        starts = Signal()
        m.d.comb += starts.eq(self.start & ~self.busy)
        self._views(m, fetch, search, writer, flow, starts)
        events = search.events
        words = {f"{name}_words": transfer(reader.response) for name, reader in readers.items()}
        stored = {f"{name}_write_words": moved for name, moved in zip(writers, writes.taken, strict=True)}
        named = {
            "cycles": Value.cast(1), "views": writer.start, "subtrees": events.visit, "hits": events.hit,
            "misses": add_all(list(events.miss)), "nodes_loaded": events.loaded, "nodes_tested": events.tested,
            "nodes_counted": add_all(list(events.counted)), "unit_cycles": events.working,
            "queued_cycles": events.queued, "queued_nodes": events.prompt, "spilled": events.spilled,
            "context_wait": events.context_wait, "call_wait": events.call_wait & ~search.begun,
            "fetch_stall": events.fetch_stall, "order_wait": events.order_wait, **words, **stored,
            "write_stall": self.write.request.valid & ~self.write.request.ready,
        }  # fmt: skip
        busy = self.busy
        count(m, self.counters, {n: e & Cat(busy).replicate(len(e)) for n, e in named.items()}, clear=starts)
        return m

    def _views(
        self, m: Module, fetch: JobFetch, search: Search, writer: ResultWriter, flow: ViewFlow, starts: Value
    ) -> None:
        """Search and results follow the flow of views; the sums of each, by turn."""
        events = search.events
        m.d.comb += [
            fetch.start.eq(starts),
            fetch.address.eq(self.address),
            fetch.next.eq(flow.next),
            search.job.eq(fetch.head),
            search.view.eq(fetch.row),
            flow.start.eq(starts),
            flow.loading.eq(fetch.busy),
            flow.job.eq(fetch.head),
            flow.temporal.eq(fetch.row.temporal[0] & ~fetch.row.search[0]),
            flow.begun.eq(search.begun),
            flow.under_way.eq(search.under_way),
            flow.idle.eq(search.idle & ~self.write.request.valid),
            flow.finished.eq(writer.finished),
            self.busy.eq(flow.busy),
            search.start.eq(flow.open),
            *(
                getattr(search, name).eq(getattr(flow, name))
                for name in ("turn", "ahead", "closing", "retiring", "forget")
            ),
            writer.start.eq(flow.begin),
            writer.finish.eq(flow.finish),
            writer.address.eq(flow.place),
        ]
        for name, steps in (("nodes", events.counted), ("fetches", events.miss)):
            totals = Array(Signal(32, name=f"{name}_{turn}") for turn in range(2))
            for turn, total in enumerate(totals):
                with m.If(flow.begin & (flow.closing != turn)):
                    m.d.sync += total.eq(0)
                with m.Else():
                    m.d.sync += total.eq(total + steps[turn])
            m.d.comb += writer.summary[name].eq(totals[flow.closing])
        for name, step in (("subtrees", events.visit), ("cycles", Value.cast(1))):
            total = Signal(32, name=name)
            m.d.sync += total.eq(Mux(flow.begin, 0, total + step))
            m.d.comb += writer.summary[name].eq(total)
