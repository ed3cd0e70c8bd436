"""Rasteriser: sorted splats in, framebuffer words out."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import round_robin
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.payloads import SortedLayout
from hw.lib.shared import repeat
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.tree import add_all
from hw.splat.config import Config
from hw.splat.lane_group import LaneGroup
from hw.splat.pixel_writer import SQUARE_BITS, PixelWriter
from hw.splat.row_layouts import group_layout
from hw.splat.tile_mask import TileMask
from hw.splat.tiles import global_number, place_of
from hw.splat.watch import FlushedLayout, WatchSignature, id_bits


class Rasteriser(wiring.Component):
    """Deals splats out to the lane groups and writes what they hand out; `golden.splat.rasteriser.rasterise`.

    Takes a splat a cycle; each lane group draws one splat × one sub-tile a cycle. `stop` rises when
    every sub-tile of the group at hand that lies on the image is opaque: the rest of the group
    cannot change a pixel. The pixels of a `continued` group, or of one whose end is `kept`, are not written,
    and the next group draws on them: to the lane groups both are one.
    """

    def __init__(self, *, config: Config, watched: bool = False) -> None:
        self.config, self.watched = config, watched
        groups = range(config.lane_groups + 1)
        watch = {
            "watch": Out(WatchSignature(config)).array(config.lane_groups),  #: every lane group's, for an observer
            "finished": Out(FlushedLayout(config)).array(config.lane_groups),  #: sub-tiles that are handed out …
            "written": In(FlushedLayout(config)).array(config.lane_groups),  #: … and what is written instead, in order
        }
        super().__init__(
            {
                "i": In(
                    stream.Signature(SortedLayout(config.spec, id_bits(watched)))
                ),  #: splats in drawing order, and ends
                "groups": In(stream.Signature(group_layout())),  #: the splats' group; taken at its `group_end`
                "start": In(1),  #: behind the last square of the frame before comes the first of another one
                "frame_address": In(ADDRESS_WIDTH),  #: with `start`: where its framebuffer lies
                "squares": In(SQUARE_BITS),  #: with `start`: of the frame before; 0 if there is none
                "old": Out(1),  #: sub-tiles of the frame before are missing: there may be no `start`
                "stop": Out(1),  #: nothing can change a pixel of the group at hand any more
                "group_end": Out(1),  #: a group's last splat has come, in this cycle …
                "square_end": Out(1),  #: … and it is not continued …
                "square_kept": Out(1),  #: … or it is only because the depth sort says so
                "busy": Out(1),  #: pixels are still to be drawn or written
                "drawing": Out(groups),  #: so many lane groups get a splat in this cycle, …
                "flushing": Out(groups),  #: … so many a flush, …
                "starved": Out(groups),  #: … so many nothing, for want of splats, …
                "blocked": Out(groups),  #: … and so many nothing, because of hazards
                "changed": Out(range(config.lanes + 1)),  #: pixels that splats have changed in this cycle
                "memory": Out(WriteSignature(config.memory_width)),  #: framebuffer words
                **(watch if watched else {}),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.writer = writer = PixelWriter(config=config, as_bytes=self.watched)
        wiring.connect(m, wiring.flipped(self.memory), writer.memory)
        groups = repeat(
            m, platform, "lane_group", config.lane_groups, lambda: LaneGroup(config=config, watched=self.watched)
        )
        dealt = self._deal(m, groups)
        self._hand_out(m, groups, writer)
        passing = Signal(range(8))  # squares' ends that have come, but not yet to the lane groups
        m.d.sync += passing.eq(passing + self.square_end - (transfer(dealt) & dealt.payload.end))
        m.d.comb += [
            self.group_end.eq(transfer(self.i) & self.i.payload.end),
            self.square_end.eq(self.group_end & ~self.groups.payload.continued[0] & ~self.i.payload.kept),
            self.square_kept.eq(self.group_end & ~self.groups.payload.continued[0] & self.i.payload.kept),
            self.groups.ready.eq(self.group_end),
            self.busy.eq(Cat(group.busy for group in groups).any() | (passing != 0) | writer.busy),
            *(
                getattr(self, name).eq(add_all([getattr(group, name) for group in groups]))
                for name in ("drawing", "flushing", "starved", "blocked")
            ),
        ]
        m.d.sync += self.changed.eq(add_all([group.changed for group in groups]))
        self._stop(m, groups, passing == 0)
        if self.watched:
            for port, group in zip(self.watch, groups, strict=True):
                wiring.connect(m, wiring.flipped(port), group.watch)
        return m

    def _deal(self, m: Module, groups: list[LaneGroup]) -> stream.Interface:
        """Every splat with its mask to every lane group; returns the stream that is dealt out."""
        spec = self.config.spec
        m.submodules.masks = masks = StreamPipeline(
            TileMask(spec=spec, id_bits=id_bits(self.watched)), depth=1 if self.config.lean else None
        )
        m.submodules.fork = fork = StreamFork(shape=masks.o.payload.shape(), count=len(groups))
        # A group's end waits for its entry: if it is continued, the lane groups do not see it.
        end = self.i.payload.end
        here = self.groups.valid | ~end
        passes_on = ~end | (~self.groups.payload.continued[0] & ~self.i.payload.kept)
        m.d.comb += [
            masks.i.payload.eq(self.i.payload),
            masks.i.valid.eq(self.i.valid & here & passes_on),
            self.i.ready.eq((masks.i.ready | ~passes_on) & here),
        ]
        connect(m, masks.o, fork.i)
        for k, (group, source) in enumerate(zip(groups, fork.o, strict=True)):
            own = [source.payload.mask[global_number(self.config, k, n)] for n in range(self.config.places)]
            m.d.comb += [
                *(group.i.payload[name].eq(source.payload[name]) for name in ("end", "splat")),
                group.i.payload.mask.eq(Cat(own)),
                group.i.valid.eq(source.valid),
                source.ready.eq(group.i.ready),
                group.number.eq(k),
            ]
        return fork.i

    def _hand_out(self, m: Module, groups: list[LaneGroup], writer: PixelWriter) -> None:
        """Lane groups with finished sub-tiles take turns at the writer."""
        turn, taken = Signal(len(groups), init=1), Signal(len(groups), init=1)
        takes = round_robin(m, Cat(group.offers for group in groups), taken)
        flush_turn = round_robin(m, Cat(group.to_flush for group in groups), turn)
        m.d.sync += [turn.eq(flush_turn), taken.eq(takes)]
        m.d.comb += [
            writer.reserved.eq(Cat(group.reserves for group in groups).any()),
            writer.frame_address.eq(self.frame_address),
            writer.squares.eq(self.squares),
            writer.start.eq(self.start),
            self.old.eq(writer.old),
        ]
        for k, group in enumerate(groups):
            written = Value.cast(self.written[k] if self.watched else group.flushed)
            m.d.comb += [
                group.flush_room.eq(turn[k] & writer.room),
                group.takes.eq(takes[k]),
                Value.cast(writer.flushed[k]).eq(written),
            ]
            if self.watched:
                m.d.comb += Value.cast(self.finished[k]).eq(Value.cast(group.flushed))

    def _stop(self, m: Module, groups: list[LaneGroup], current: Value) -> None:
        """`stop`: no lane group can change a pixel of the group at hand, and all are `current`."""
        entry = self.groups.payload
        # An entry reaches `outside` one cycle after it is there, and the lane groups' `dead` one later.
        here = self.groups.valid & ~self.groups.ready
        known = Signal(2)
        m.d.sync += known.eq(Cat(here, known[0] & here))
        for k, group in enumerate(groups):
            outside = Signal(self.config.places, name=f"outside_{k}")
            places = [place_of(self.config, k, n) for n in range(self.config.places)]
            m.d.sync += outside.eq(Cat((c >= entry.valid_columns) | (r >= entry.valid_rows) for c, r in places))
            m.d.comb += group.outside.eq(outside)
        # In the cycle after the group's end, `stop` would already be the next group's.
        dead = Cat(group.dead for group in groups).all()
        m.d.sync += self.stop.eq(known[1] & current & dead & ~self.group_end)
