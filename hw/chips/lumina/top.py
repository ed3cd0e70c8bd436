"""Lumina's composition: the splatting engine, and a radiance cache that ends pixels early."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring

from golden.chips.lumina.memory_map import JOB_BYTES
from hw.chips.lumina.config import Config
from hw.chips.lumina.counters import COUNTERS, counters_of, engine_counters
from hw.chips.lumina.fill_banks import FillBanks
from hw.chips.lumina.group_cache import GroupCache
from hw.chips.lumina.layouts import AskedLayout, job_layout
from hw.chips.lumina.region_fill import RegionFill
from hw.chips.lumina.region_flow import RegionFlow
from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.counters import count, only_while
from hw.lib.engine_ports import engine_ports
from hw.lib.queue import StreamQueue
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.row_reader import RowReader
from hw.lib.shared import repeat
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.tree import add_all
from hw.lib.write_arbiter import WriteArbiter
from hw.radiance.look_up import LookUp
from hw.radiance.restore_unit import RestoreUnit
from hw.radiance.save_unit import SaveUnit
from hw.splat.top import SplatEngine

ASKS_WAITING = 16  # between the choice of a pixel and its answer: more than a look-up takes


class LuminaChip(wiring.Component):
    """Draws the frame of the job at `address` (golden/chips/lumina/memory_map.py); equals `golden.chips.lumina.model`.

    A group of the rasteriser is a region of the cache. A read that is requested after a write was taken has to see it.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.engine = SplatEngine(config=config.splat, watched=True)
        look_up = LookUp(spec=config.spec.radiance)
        self.look_up, self.look_ups = look_up, StreamPipeline(look_up)
        super().__init__(engine_ports(config.memory_width, counters_of(config)))

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """The streams behind the engine's stages, and what pixels ask and get."""
        return {**self.engine.taps, "asks": self.look_ups.i, "answers": self.look_ups.o}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.engine = engine = self.engine
        m.submodules.look_ups = look_ups = self.look_ups
        m.submodules.banks = banks = FillBanks(config=config)
        m.submodules.flow = flow = RegionFlow(config=config)
        m.submodules.fill = fill = RegionFill(config=config)
        m.submodules.restore = restore = RestoreUnit(config=config.radiance)
        m.submodules.save = save = SaveUnit(config=config.radiance)
        m.submodules.job = reader = RowReader(width=config.memory_width, row_bytes=JOB_BYTES)
        groups, waiting = self._groups(m, platform, flow, fill)
        starts, loading = Signal(), Signal()
        asking = Signal()  # for the job
        job = Signal(job_layout())
        m.d.comb += [
            starts.eq(self.start & ~flow.busy),
            self.busy.eq(flow.busy | engine.busy | self.write.request.valid),
            reader.i.payload.eq(self.address),
            reader.i.valid.eq(asking),
            reader.o.ready.eq(1),
            flow.start.eq(starts),
            # After reset, and behind a frame, the engine brings its sub-tiles to an end.
            flow.loading.eq(loading | engine.busy),
            flow.job.eq(job),
            flow.restoring.eq(restore.busy),
            flow.filling.eq(fill.busy | ~banks.idle),
            flow.saving.eq(save.busy),
            flow.taken.eq(fill.taken),
            engine.start.eq(flow.draw),
            engine.address.eq(job.frame_address),
            restore.start.eq(flow.restore),
            restore.address.eq(flow.read_address),
            restore.length.eq(job.read_bytes),
            restore.free.eq(Mux(save.busy & ~flow.looks, save.free, config.spec.radiance.sets)),
            save.start.eq(flow.save),
            save.address.eq(flow.write_address),
            *(part.identity.eq(job.identity) for part in (restore, save)),
            *(load[name].eq(restore.load[name]) for load in (self.look_up.load, banks.load) for name in ("set", "row")),
            self.look_up.load.valid.eq(restore.load.valid & flow.looks),
            banks.load.valid.eq(restore.load.valid & ~flow.looks),
            banks.dump.eq(save.dump),
            Value.cast(save.row).eq(Value.cast(banks.row)),
            fill.start.eq(flow.fill),
        ]
        m.d.sync += [
            asking.eq(starts | (asking & ~reader.i.ready)),
            loading.eq(starts | (loading & ~reader.o.valid)),
        ]
        with m.If(reader.o.valid):
            m.d.sync += Value.cast(job).eq(reader.o.payload)
        connect(m, fill.o, banks.i)
        readers = {"engine": engine.read, "job": reader.memory, "image": restore.memory}
        writers = {"engine": engine.write, "save": save.write}
        writes = self._share_memory(m, readers, writers)
        own = Signal(COUNTERS)
        answered = transfer(look_ups.o)
        pixels = add_all(list(waiting.o.payload.lanes))
        events = {
            "cycles": Value.cast(1), "regions": flow.region, "refused": restore.refused & flow.looks,
            "look_ups": transfer(look_ups.i),
            "asked": only_while(answered, pixels),
            "hits": only_while(answered & look_ups.o.payload.hit, pixels),
            "tiles_ended": sum((group.ended for group in groups), Value.cast(0)),
            "merged": banks.merged, "filled": banks.filled, "replaced": banks.replaced, "set_wait": banks.waits,
            "open_cycles": flow.open, "fill_cycles": flow.filling, "restore_cycles": restore.busy,
            "save_cycles": save.busy, "job_words": transfer(reader.memory.response),
            "image_words": transfer(restore.memory.response), "save_write_words": writes.taken[1],
        }  # fmt: skip
        count(m, own, {name: only_while(self.busy, event) for name, event in events.items()}, clear=starts)
        for names, source in ((COUNTERS.members, own), (engine_counters(config).members, engine.counters)):
            m.d.comb += [self.counters[name].eq(source[name]) for name in names]
        return m

    def _groups(
        self, m: Module, platform: object, flow: RegionFlow, fill: RegionFill
    ) -> tuple[list[GroupCache], StreamQueue]:
        """Something between every lane group and the cache, the way there and back, and who waits for an answer."""
        config, engine, asks, answer = self.config, self.engine, self.look_ups.i, self.look_ups.o
        spec = config.spec.radiance
        groups = repeat(m, platform, "group_cache", config.splat.lane_groups, lambda: GroupCache(config=config))
        asked = AskedLayout(config)
        arbiter = RoundRobinArbiter(shape=asked, count=max(len(groups), 2))
        m.submodules.asks = arbiter
        whose = data.StructLayout(
            {"source": range(arbiter.count), "place": asked["place"].shape, "lanes": asked["lanes"].shape}
        )
        m.submodules.waiting = waiting = StreamQueue(shape=whose, depth=ASKS_WAITING)
        ask, key = arbiter.o.payload, arbiter.o.payload.data.key
        m.d.comb += [
            asks.payload.full.eq(1),
            asks.payload.set.eq(key[: spec.set_bits]),
            asks.payload.tag.eq(key[spec.set_bits :]),
            asks.valid.eq(arbiter.o.valid & waiting.i.ready),
            arbiter.o.ready.eq(asks.ready & waiting.i.ready),
            waiting.i.payload.source.eq(ask.source),
            waiting.i.payload.place.eq(ask.data.place),
            waiting.i.payload.lanes.eq(ask.data.lanes),
            waiting.i.valid.eq(transfer(asks)),
        ]
        mine = waiting.o.payload
        ready = Signal(len(groups))
        for k, group in enumerate(groups):
            connect(m, group.asks, arbiter.i[k])
            here = waiting.o.valid & (mine.source == k)
            wiring.connect(m, group.watch, engine.watch[k])
            m.d.comb += [
                group.number.eq(k),
                group.open.eq(flow.open),
                group.odd.eq(flow.odd),
                group.takes.eq(flow.takes),
                group.size.eq(flow.size),
                group.drawn.eq(engine.finished[k]),
                engine.written[k].eq(group.written),
                Value.cast(fill.tiles[k]).eq(Value.cast(group.final)),
                group.answers.payload.place.eq(mine.place),
                group.answers.payload.lanes.eq(mine.lanes),
                group.answers.payload.hit.eq(answer.payload.hit),
                group.answers.payload.colour.eq(answer.payload.colour),
                group.answers.valid.eq(here & answer.valid),
                ready[k].eq(here & group.answers.ready),
            ]
        m.d.comb += [answer.ready.eq(ready.any()), waiting.o.ready.eq(answer.valid & ready.any())]
        return groups, waiting

    def _share_memory(
        self, m: Module, readers: dict[str, wiring.PureInterface], writers: dict[str, wiring.PureInterface]
    ) -> WriteArbiter:
        """One port for all that reads, one for all that writes."""
        width = self.config.memory_width
        outstanding = self.config.splat.outstanding
        m.submodules.reads = reads = ReadArbiter(width=width, count=len(readers), outstanding=outstanding)
        m.submodules.writes = writes = WriteArbiter(width=width, count=len(writers))
        for client, reader in zip(reads.clients, readers.values(), strict=True):
            wiring.connect(m, client, reader)
        for client, writer in zip(writes.clients, writers.values(), strict=True):
            wiring.connect(m, client, writer)
        wiring.connect(m, wiring.flipped(self.read), reads.memory)
        wiring.connect(m, wiring.flipped(self.write), writes.memory)
        return writes
