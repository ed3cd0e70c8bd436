"""The splatting engine: frames from memory to memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from hw.lib.counters import count, only_while
from hw.lib.engine_ports import engine_ports
from hw.lib.fork import StreamFork
from hw.lib.ports import pairs_of
from hw.lib.queue import StreamQueue
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import connect, payload_shape, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.write_arbiter import WriteArbiter
from hw.lib.write_pace import WritePace
from hw.splat.book_loader import BookLoader
from hw.splat.coarse_fetch import CoarseFetch
from hw.splat.coarse_filter import CoarseFilter
from hw.splat.config import Config
from hw.splat.counters import counters_of
from hw.splat.depth_sort import DepthSort
from hw.splat.events import waits_of, work_of
from hw.splat.fine_fetch import FineFetch
from hw.splat.fine_filter import FineFilter
from hw.splat.frame_fetch import ROWS_AHEAD as FRAME_ROWS
from hw.splat.frame_fetch import FrameFetch
from hw.splat.frame_sequencer import FrameSequencer
from hw.splat.layouts import SurvivorLayout
from hw.splat.mark_merger import MarkMerger
from hw.splat.order_entry import OrderEntry
from hw.splat.order_writer import OrderWriter
from hw.splat.pixel_writer import SQUARE_BITS
from hw.splat.rasteriser import Rasteriser
from hw.splat.record_decoder import RecordDecoder
from hw.splat.row_layouts import group_layout
from hw.splat.slab_control import SlabControl
from hw.splat.sort_bypass import SortBypass
from hw.splat.voxel_fetch import VoxelFetch
from hw.splat.vsu import VoxelSortingUnit
from hw.splat.word_cache import WordCache

GROUPS_AHEAD = 4  # groups that the first stage may be ahead of the last


class SplatEngine(wiring.Component):
    """Draws the frames whose first header lies at `address` (golden/splat/memory_map.py); equals `golden.splat.model`.

    While a frame is drawn, the next one is listed; and when its last group is in the depth sort, the next one begins.
    `watched`: something beside the lanes sees what they do, ends sub-tiles early and says what is written for them.
    With `shared_sort` a frame may bring lists in drawing order: `golden.splat.shared_order.render_shared`; without
    codebooks one may also leave them in place of pixels: `sort_squares`.
    """

    def __init__(self, *, config: Config, watched: bool = False) -> None:
        self.config, self.watched = config, watched
        self.vsu = VoxelSortingUnit(config=config)
        self.frame_fetch = FrameFetch(
            spec=config.spec, memory_width=config.memory_width, ahead=config.rows_ahead(FRAME_ROWS)
        )
        self.voxel_fetch = VoxelFetch(config=config)
        self.coarse_fetch = CoarseFetch(config=config)
        self.coarse_filter = CoarseFilter(config=config)
        self.fine_fetch = FineFetch(config=config)
        self.fine_filter = FineFilter(config=config)
        self.depth_sort = DepthSort(config=config, watched=watched)
        self.rasteriser = Rasteriser(config=config, watched=watched)
        self.slabs = SlabControl(config=config)
        if config.spec.codebooks:
            self.book_loader = BookLoader(memory_width=config.memory_width)
            self.record_decoder = RecordDecoder(spec=config.spec, units=config.fine_units)
        #: Where survivors enter the order, and where they leave it.
        self.unsorted, self.sorted = self.depth_sort.i, self.depth_sort.o
        if config.shared_sort:
            self.sort_bypass = SortBypass(spec=config.spec)
            self.unsorted, self.sorted = self.sort_bypass.i, self.sort_bypass.o
        if config.writes_order:
            self.order_writer = OrderWriter(spec=config.spec, memory_width=config.memory_width)
        ports = self.rasteriser.signature.members
        watch = {name: ports[name] for name in ("watch", "finished", "written")} if watched else {}
        super().__init__({**engine_ports(config.memory_width, counters_of(config)), **watch})

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """The stream behind every stage that the model has too, for a comparison stage by stage."""
        return {
            "coarse_filter": self.coarse_filter.o,
            "fine_filter": self.fine_filter.o,
            "depth_sort": self.sorted,
        }

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.vsu = vsu = self.vsu
        m.submodules.frame_fetch = frame_fetch = self.frame_fetch
        m.submodules.voxel_fetch = voxel_fetch = self.voxel_fetch
        m.submodules.coarse_fetch = coarse_fetch = self.coarse_fetch
        m.submodules.coarse_filter = coarse_filter = self.coarse_filter
        m.submodules.fine_fetch = fine_fetch = self.fine_fetch
        m.submodules.fine_filter = fine_filter = self.fine_filter
        m.submodules.depth_sort = depth_sort = self.depth_sort
        m.submodules.rasteriser = rasteriser = self.rasteriser
        m.submodules.slabs = self.slabs

        connect(m, voxel_fetch.o, coarse_fetch.i)
        connect(m, coarse_fetch.o, coarse_filter.i)
        self._merged(m, "candidate", coarse_filter.o, fine_fetch.i)
        filtered = fine_filter.o
        if config.spec.codebooks:
            self._decode(m)
        elif config.writes_order:
            filtered = self._enter(m, frame_fetch)
        else:
            connect(m, fine_fetch.o, fine_filter.i)
        if config.shared_sort:
            m.submodules.sort_bypass = bypass = self.sort_bypass
            m.d.comb += [bypass.ordered.eq(frame_fetch.frame.ordered[0]), bypass.sorts.eq(self._sorts(frame_fetch))]
            connect(m, bypass.to_sort, depth_sort.i)
            connect(m, depth_sort.o, bypass.from_sort)
        self._merged(m, "survivor", filtered, self.unsorted)
        connect(m, self.sorted, rasteriser.i)
        if self.watched:
            self._show(m)
        for stage in (voxel_fetch, coarse_fetch, coarse_filter, fine_fetch, fine_filter):
            m.d.comb += stage.frame.eq(frame_fetch.frame)
        sorts = self._sorts(frame_fetch)
        takers = {stage: Value.cast(1) for stage in (voxel_fetch, coarse_filter)}
        takers |= dict.fromkeys((fine_filter, rasteriser), ~sorts)
        if config.writes_order:
            m.submodules.order_writer = order_writer = self.order_writer
            connect(m, self.sort_bypass.lists, order_writer.i)
            takers[order_writer] = sorts
        self._hand_out_groups(m, frame_fetch.groups, takers)
        caches = self._caches(m, {"coarse": coarse_fetch.memory, "record": fine_fetch.memory})
        readers = {
            "order": vsu.read,
            "frame": frame_fetch.memory,
            "list": voxel_fetch.memory,
            "coarse": caches["coarse"].memory if "coarse" in caches else coarse_fetch.memory,
            "record": caches["record"].memory if "record" in caches else fine_fetch.memory,
            **({"book": self.book_loader.memory} if config.spec.codebooks else {}),
        }
        m.submodules.arbiter = arbiter = ReadArbiter(
            width=config.memory_width, count=len(readers), outstanding=config.outstanding
        )
        for client, reader in zip(arbiter.clients, readers.values(), strict=True):
            wiring.connect(m, client, reader)
        wiring.connect(m, wiring.flipped(self.read), arbiter.memory)
        written = [vsu.write, self._pixels(m), *([self.order_writer.write] if config.writes_order else [])]
        m.submodules.writers = writers = WriteArbiter(width=config.memory_width, count=len(written))
        for client, writer in zip(writers.clients, written, strict=True):
            wiring.connect(m, client, writer)
        wiring.connect(m, wiring.flipped(self.write), writers.memory)

        m.submodules.sequencer = sequencer = FrameSequencer()
        starts = Signal()  # lanes may still be busy behind a reset
        m.d.comb += [
            starts.eq(self.start & ~sequencer.busy),
            sequencer.start.eq(self.start),
            sequencer.address.eq(self.address),
            vsu.start.eq(sequencer.lists),
            vsu.address.eq(sequencer.list_address),
            sequencer.listing.eq(vsu.busy),
            sequencer.next_address.eq(vsu.next_address),
            frame_fetch.start.eq(sequencer.draws),
            frame_fetch.address.eq(sequencer.draw_address),
            rasteriser.frame_address.eq(frame_fetch.frame.frame_address),
        ]
        m.d.comb += [cache.clear.eq(starts) for cache in caches.values()]
        on_the_way = Signal(2)  # words of the voxel sorting unit between its port and memory
        m.d.sync += on_the_way.eq(on_the_way + transfer(vsu.write.request) - writers.taken[0])
        stops, drawing = self._progress(m, sequencer, frame_fetch, voxel_fetch, rasteriser)
        m.d.comb += sequencer.ready.eq((on_the_way == 0) & ~rasteriser.old & ~self._listing(m, frame_fetch, writers))
        m.d.comb += self.busy.eq(sequencer.busy | drawing | self.write.request.valid)
        words = {f"{name}_words": transfer(reader.response) for name, reader in readers.items()}
        waits = waits_of(coarse_filter, fine_filter, self.unsorted, rasteriser)
        work = work_of(m, config, coarse_filter, fine_fetch, self.unsorted, depth_sort, rasteriser)
        events = {
            "cycles": Value.cast(1),
            "groups": self._group_end,
            "groups_stopped": stops,
            "frames": sequencer.walked,
            "order_cycles": vsu.busy,
            "order_alone": vsu.busy & ~drawing,
            "ordered_voxels": vsu.visited & ~vsu.lost_voxel,
            "listed_voxels": vsu.listed,
            "lost_voxels": vsu.lost_voxel,
            "lost_entries": vsu.lost_entries,
            "voxels": transfer(voxel_fetch.o) & ~voxel_fetch.o.payload.end,
            "crowded": depth_sort.crowded,
            **work,
            **waits,
            **words,
            **self._books(m, sequencer, starts),
            **{f"{name}_hits": cache.hit for name, cache in caches.items()},
            "order_write_words": writers.taken[0],
            "write_words": writers.taken[1],
            **self._listed(writers),
            "write_stall": self.write.request.valid & ~self.write.request.ready,
        }
        count(
            m,
            self.counters,
            {name: only_while(self.busy, event) for name, event in events.items()},
            clear=starts & ~self.busy,
        )
        return m

    def _show(self, m: Module) -> None:
        """Passes on what an observer beside the lanes sees and says."""
        for port, outer, inner in pairs_of(self, self.rasteriser, ("watch", "finished", "written")):
            m.d.comb += inner.eq(outer) if port.flow == In else outer.eq(inner)

    def _merged(self, m: Module, name: str, source: stream.Interface, sink: stream.Interface) -> None:
        """Between two stages; marks without a Gaussian take no cycle of the later one."""
        merger = MarkMerger(spec=self.config.spec, shape=payload_shape(sink))
        m.submodules[f"{name}_marks"] = merger
        connect(m, source, merger.i)
        connect(m, merger.o, sink)

    def _caches(self, m: Module, clients: dict[str, wiring.PureInterface]) -> dict[str, WordCache]:
        """The caches that the config has, by what they keep, behind their clients."""
        config = self.config
        caches: dict[str, WordCache] = {}
        for name, client in clients.items():
            if words := getattr(config, f"{name}_cache"):
                cache = WordCache(width=config.memory_width, words=words, waiting=config.outstanding)
                m.submodules[f"{name}_cache"] = caches[name] = cache
                wiring.connect(m, cache.client, client)
        return caches

    def _pixels(self, m: Module) -> wiring.PureInterface:
        """The rasteriser's words, paced where the config says so."""
        config, response = self.config, self.read.response
        if config.pixel_interval == 1:
            return self.rasteriser.memory
        m.submodules.pace = pace = WritePace(
            width=config.memory_width, interval=config.pixel_interval, bursts=config.outstanding
        )
        wiring.connect(m, pace.client, self.rasteriser.memory)
        m.d.comb += [
            pace.asked.eq(transfer(self.read.request)),
            pace.answered.eq(transfer(response) & response.payload.last),
        ]
        return pace.memory

    def _decode(self, m: Module) -> None:
        """Puts the decoder between the fetch of records and the fine filter."""
        m.submodules.book_loader = loader = self.book_loader
        m.submodules.record_decoder = decoder = self.record_decoder
        m.d.comb += [decoder.line.eq(loader.line), decoder.hold.eq(loader.busy)]
        connect(m, self.fine_fetch.o, decoder.i)
        connect(m, decoder.o, self.fine_filter.i)

    def _books(self, m: Module, sequencer: FrameSequencer, starts: Value) -> dict[str, Value]:
        """Loads the codebooks: the first frame's while it is listed, another's while its first groups are streamed."""
        if not self.config.spec.codebooks:
            return {}
        loader, decoder = self.book_loader, self.record_decoder
        early = Signal()  # the first frame's are looked at, and it does not begin yet
        m.d.sync += early.eq(starts | (early & ~sequencer.draws))
        m.d.comb += [
            loader.start.eq(starts | (sequencer.draws & ~early)),
            loader.address.eq(Mux(starts, self.address, sequencer.draw_address)),
        ]
        return {"book_loads": loader.loads, "book_wait": decoder.i.valid & loader.busy}

    def _hand_out_groups(self, m: Module, groups: stream.Interface, takers: Mapping[Any, Value]) -> None:
        """Every stage gets every group's entry that it wants, each at its own time."""
        m.submodules.fork = fork = StreamFork(shape=group_layout(), count=len(takers))
        connect(m, groups, fork.i)
        for k, (source, (taker, wants)) in enumerate(zip(fork.o, takers.items(), strict=True)):
            m.submodules[f"groups_{k}"] = queue = StreamQueue(
                shape=group_layout(), depth=self.config.depth(GROUPS_AHEAD)
            )
            m.d.comb += [
                queue.i.payload.eq(source.payload),
                queue.i.valid.eq(source.valid & wants),
                source.ready.eq(queue.i.ready | ~wants),
            ]
            connect(m, queue.o, taker.groups)

    def _sorts(self, frame_fetch: FrameFetch) -> Value:
        """The frame at hand leaves lists in drawing order in place of pixels."""
        return frame_fetch.frame.sorts[0] if self.config.writes_order else Const(0, 1)

    @property
    def _group_end(self) -> Value:
        """A group is drawn or listed."""
        drawn = self.rasteriser.group_end
        return drawn | self.order_writer.group_end if self.config.writes_order else drawn

    def _enter(self, m: Module, frame_fetch: FrameFetch) -> stream.Interface:
        """Candidates of a frame that sorts become entries beside the fine filter. Returns: what either sends on."""
        details, fine_filter, sorts = self.fine_fetch.o, self.fine_filter, self._sorts(frame_fetch)
        entry = OrderEntry(spec=self.config.spec, units=self.config.fine_units)
        m.submodules.order_entry = pipeline = StreamPipeline(entry)
        survivors = stream.Signature(SurvivorLayout(self.config.spec)).create(path=("filtered",))
        m.d.comb += [
            entry.frame.eq(frame_fetch.frame),
            *(
                Value.cast(fine_filter.i.payload[name]).eq(Value.cast(details.payload[name]))
                for name in fine_filter.i.payload.shape().members
            ),
            pipeline.i.payload.eq(details.payload),
            fine_filter.i.valid.eq(details.valid & ~sorts),
            pipeline.i.valid.eq(details.valid & sorts),
            details.ready.eq(Mux(sorts, pipeline.i.ready, fine_filter.i.ready)),
            survivors.payload.eq(Mux(sorts, Value.cast(pipeline.o.payload), Value.cast(fine_filter.o.payload))),
            survivors.valid.eq(fine_filter.o.valid | pipeline.o.valid),
            fine_filter.o.ready.eq(survivors.ready),
            pipeline.o.ready.eq(survivors.ready),
        ]
        return survivors

    def _listing(self, m: Module, frame_fetch: FrameFetch, writers: WriteArbiter) -> Value:
        """Lists in drawing order are not all in memory, and the next frame may want them."""
        if not self.config.writes_order:
            return Const(0, 1)
        writer = self.order_writer
        groups, words = Signal(16), Signal(2)  # to be listed; between the writer's port and memory
        enters = transfer(frame_fetch.groups) & self._sorts(frame_fetch)
        m.d.sync += [
            groups.eq(groups + enters - writer.group_end),
            words.eq(words + transfer(writer.write.request) - writers.taken[2]),
        ]
        return (groups != 0) | (words != 0)

    def _listed(self, writers: WriteArbiter) -> dict[str, Value]:
        if not self.config.writes_order:
            return {}
        return {"shared_entries": self.order_writer.listed, "shared_write_words": writers.taken[2]}

    def _part(self, m: Module, frame_fetch: FrameFetch, empty: Value) -> None:
        """Squares that are too many for the depth sort are read again, slab by slab."""
        slabs, depth_sort = self.slabs, self.depth_sort
        m.d.comb += [
            slabs.begins.eq(frame_fetch.start),
            slabs.near.eq(frame_fetch.frame.near),
            *(getattr(slabs, name).eq(getattr(depth_sort, name)) for name in ("crowded", "bound", "lowest", "middle")),
            slabs.ended.eq(transfer(self.unsorted) & self.unsorted.payload.mark.end),
            slabs.passed.eq(self.coarse_filter.passed),
            slabs.empty.eq(empty),
            depth_sort.cuts.eq(1),
            depth_sort.high.eq(slabs.high),
            depth_sort.purge.eq(slabs.purge),
            frame_fetch.drop.eq(slabs.purge),
            frame_fetch.again.eq(slabs.again),
            frame_fetch.slab.eq(slabs.slab),
        ]

    def _progress(
        self, m: Module, sequencer: FrameSequencer, frame_fetch: FrameFetch, voxel_fetch: VoxelFetch,
        rasteriser: Rasteriser,
    ) -> tuple[Value, Value]:  # fmt: skip
        """Begins a frame in the rasteriser, ends it in all before; stops the walk of an opaque square.

        The header of the next frame comes when nothing of this one is before the depth sort, which may still hold
        its last group. A square's groups may be walked and drawn at the same time: its pixels, once opaque, stay so.

        Returns: a group was cut short; a frame is being walked or drawn.
        """
        enters, sorts = transfer(frame_fetch.groups), self._sorts(frame_fetch)
        before = Signal(16)  # groups that have been handed out, and whose splats are not all in the depth sort
        inside = Signal(16)  # … and whose splats have not all gone
        ahead = Signal(16)  # squares whose lists have been walked, but are not drawn
        squares = Signal(SQUARE_BITS)  # of the frame that the rasteriser began last
        first, loaded, cut, stops = Signal(), Signal(), Signal(), Signal()
        walked = voxel_fetch.square_walked & ~sorts
        # Taken where the list is read: its end mark may still be in the pipeline when the next group's walk begins.
        ended = voxel_fetch.walked
        # Both are counted a cycle later: what leaves is known late in a cycle.
        entered, left = Signal(), Signal()
        passed = (before == 0) & ~entered
        if self.config.spec.codebooks:
            passed &= ~self.book_loader.busy
        m.d.comb += [
            stops.eq(rasteriser.stop & (ahead == 0) & ~sorts),
            voxel_fetch.stop.eq(stops | self.slabs.purge),
            sequencer.walked.eq(loaded & ~frame_fetch.busy & ~self.slabs.busy & passed),
            rasteriser.start.eq(enters & first & ~sorts),
            rasteriser.squares.eq(squares),
        ]
        if self.config.writes_order:
            writer, frame = self.order_writer, frame_fetch.frame
            m.d.comb += [
                writer.start.eq(enters & first & sorts),
                writer.address.eq(frame.frame_address),
                writer.group_count.eq(frame.group_count),
            ]
        m.d.sync += [
            entered.eq(enters),
            left.eq(transfer(self.unsorted) & self.unsorted.payload.mark.end),
            before.eq(before + entered - left),
            inside.eq(inside + enters - self._group_end),
            # A square that is kept is walked again.
            ahead.eq(ahead + walked - rasteriser.square_end - rasteriser.square_kept),
            squares.eq(Mux(rasteriser.start, 0, squares + walked - rasteriser.square_kept)),
            first.eq(sequencer.draws | (first & ~enters)),
            loaded.eq((loaded | frame_fetch.busy) & ~sequencer.walked),
            cut.eq(~ended & (cut | stops)),
        ]
        self._part(m, frame_fetch, ~frame_fetch.busy & ~entered & (inside == 0))
        return cut & ended, sequencer.drawing | (inside != 0) | rasteriser.busy
