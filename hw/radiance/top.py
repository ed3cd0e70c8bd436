"""The radiance cache: regions' pixels looked up and filled, from saved caches to saved caches."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring

from hw.lib.counters import CounterLayout, count, only_while
from hw.lib.engine_ports import engine_ports
from hw.lib.fork import StreamFork
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.run_reader import RUN_LENGTH_BITS
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.write_arbiter import WriteArbiter
from hw.radiance.cache_core import CacheCore
from hw.radiance.config import Config
from hw.radiance.job_fetch import JobFetch
from hw.radiance.key_unit import KeyUnit
from hw.radiance.layouts import AnswerLayout
from hw.radiance.pixel_fetch import PixelFetch
from hw.radiance.restore_unit import RestoreUnit
from hw.radiance.result_writer import ResultWriter
from hw.radiance.save_unit import SaveUnit
from hw.radiance.visit_flow import VisitFlow

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the job",
        "visits": "regions that were visited",
        "refused": "saved caches that were not restored: of another length, version, geometry or identity, or damaged",
        "pixels": "pixels that went through",
        "look_ups": "pixels that asked: those with a full record",
        "hits": "pixels that got a colour out of the cache",
        "merged": "pixels whose entry was the most recent one already, from a pixel just before",
        "filled": "entries that were written",
        "replaced": "entries that were written over another one",
        "open_cycles": "cycles in which pixels might ask",
        "pixel_wait": "of these, cycles without a pixel at hand although one was to come",
        "set_wait": "cycles in which a pixel waited for another one of its set to go into the cache",
        "restore_cycles": "cycles in which sets were loaded or emptied",
        "save_cycles": "cycles in which a cache was saved",
        "job_words": "words read: job and visits",
        "pixel_words": "words read: pixels",
        "image_words": "words read: saved caches",
        "result_write_words": "words written: results",
        "save_write_words": "words written: saved caches",
        "write_stall": "cycles in which a word waited to be written",
    }
)


class RadianceEngine(wiring.Component):
    """Visits the regions of the job at `address` (golden/radiance/memory_map.py); equals `golden.radiance.model`.

    A read that is requested after a write was taken has to see it. The counters are described in `COUNTERS`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.core = CacheCore(config=config)
        super().__init__(engine_ports(config.memory_width, COUNTERS))

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """The streams that the model has too: what pixels ask, what they get, what goes into the cache."""
        return {"asks": self.core.asks, "answers": self.core.answers, "fills": self.core.fills}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.fetch = fetch = JobFetch(config=config)
        m.submodules.flow = flow = VisitFlow()
        m.submodules.pixels = pixels = PixelFetch(config=config)
        m.submodules.restore = restore = RestoreUnit(config=config)
        m.submodules.save = save = SaveUnit(config=config)
        m.submodules.results = results = ResultWriter(config=config)
        readers = {"job": fetch.memory, "pixel": pixels.memory, "image": restore.memory}
        writers = {"result": results.write, "save": save.write}
        m.submodules.reads = reads = ReadArbiter(
            width=config.memory_width, count=len(readers), outstanding=config.outstanding
        )
        m.submodules.writes = writes = WriteArbiter(width=config.memory_width, count=len(writers))
        wiring.connect(m, wiring.flipped(self.read), reads.memory)
        wiring.connect(m, wiring.flipped(self.write), writes.memory)
        for client, reader in zip(reads.clients, readers.values(), strict=True):
            wiring.connect(m, client, reader)
        for client, writer in zip(writes.clients, writers.values(), strict=True):
            wiring.connect(m, client, writer)

        core = self.core
        self._pixels(m, pixels, results, flow)
        starts = Signal()
        visit = flow.visit
        m.d.comb += [
            starts.eq(self.start & ~self.busy),
            self.busy.eq(flow.busy),
            fetch.start.eq(starts),
            fetch.address.eq(self.address),
            fetch.next.eq(flow.next),
            flow.start.eq(starts),
            flow.loading.eq(fetch.busy),
            flow.job.eq(fetch.head),
            flow.read.eq(fetch.row),
            flow.restoring.eq(restore.busy),
            flow.looking.eq(results.busy | ~core.idle),
            flow.saving.eq(save.busy),
            flow.writing.eq(self.write.request.valid),
            *(part.start.eq(flow.restore) for part in (restore, pixels, results)),
            save.start.eq(flow.save),
            restore.address.eq(visit.image_address),
            restore.length.eq(visit.image_bytes),
            restore.free.eq(Mux(save.busy, save.free, config.spec.sets)),
            pixels.address.eq(visit.pixel_address),
            results.address.eq(visit.result_address),
            save.address.eq(visit.save_address),
            *(part.count.eq(visit.pixel_count[:RUN_LENGTH_BITS]) for part in (pixels, results)),
            *(part.identity.eq(fetch.head.identity) for part in (restore, save)),
            core.load.eq(restore.load),
            core.dump.eq(save.dump),
            Value.cast(save.row).eq(Value.cast(core.row)),
        ]
        asked, answered = transfer(core.asks), transfer(core.answers)
        events = {
            "cycles": Value.cast(1), "visits": flow.restore, "refused": restore.refused, "pixels": asked,
            "look_ups": asked & core.asks.payload.full, "hits": answered & core.answers.payload.hit,
            "merged": core.merged, "filled": core.filled, "replaced": core.replaced, "open_cycles": flow.open,
            "pixel_wait": flow.open & results.busy & ~core.asks.valid & core.asks.ready, "set_wait": core.waits,
            "restore_cycles": restore.busy, "save_cycles": save.busy,
            **{f"{name}_words": transfer(reader.response) for name, reader in readers.items()},
            **{f"{name}_write_words": moved for name, moved in zip(writers, writes.taken, strict=True)},
            "write_stall": self.write.request.valid & ~self.write.request.ready,
        }  # fmt: skip
        count(m, self.counters, {n: only_while(self.busy, e) for n, e in events.items()}, clear=starts)
        return m

    def _pixels(self, m: Module, pixels: PixelFetch, results: ResultWriter, flow: VisitFlow) -> None:
        """From memory through keys and cache; what a pixel got goes to memory, and into the cache."""
        spec, core = self.config.spec, self.core
        m.submodules.keys = keys = StreamPipeline(KeyUnit(spec=spec))
        m.submodules.core = core
        m.submodules.fork = fork = StreamFork(shape=AnswerLayout(spec), count=2)
        connect(m, pixels.o, keys.i)
        connect(m, core.answers, fork.i)
        connect(m, fork.o[0], results.i)
        filling = fork.o[1]
        m.d.comb += [
            core.asks.payload.eq(keys.o.payload),
            core.asks.valid.eq(keys.o.valid & flow.open),
            keys.o.ready.eq(core.asks.ready & flow.open),
            *(core.fills.payload[name].eq(filling.payload[name]) for name in ("set", "tag", "colour")),
            core.fills.valid.eq(filling.valid & filling.payload.full),
            filling.ready.eq(core.fills.ready | ~filling.payload.full),
        ]
