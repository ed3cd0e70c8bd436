"""Walks a group's visiting list and places each voxel in camera space."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import VOXEL_BYTES
from hw.lib.burst_reader import BurstReader
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.width_converter import Narrower
from hw.splat.config import Config
from hw.splat.layouts import VisitLayout
from hw.splat.row_layouts import group_layout, header_layout, ordered_layout, voxel_layout
from hw.splat.voxel_origin import VoxelOrigin

GROUPS_AHEAD = 2  # groups whose lists may be under way


class VoxelFetch(wiring.Component):
    """For every group: its voxels in list order, then an end mark.

    `golden.splat.coarse_filter.voxel_fetch`. One voxel a cycle once the list arrives; reads ahead by
    `list_words` words, beyond the end of a group. With `shared_sort` in an `ordered` frame: Gaussians in drawing order,
    each as a voxel of its own without a bound.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, self.shared = config, config.shared_sort == 1
        super().__init__(
            {
                "groups": In(stream.Signature(group_layout())),  #: where their lists lie
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "stop": In(
                    1
                ),  #: drop the rest of the current group's list, but not its end mark, from the next cycle on
                #: the current group's list ends in this cycle; from the next one on `stop` means the next group
                "walked": Out(1),
                "square_walked": Out(1),  #: … and the group is not continued
                #: voxels in list order, then an end mark
                "o": Out(stream.Signature(VisitLayout(config.spec, shared=self.shared))),
                "memory": Out(ReadSignature(config.memory_width)),  #: visiting lists
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        per_word = self.config.word_bytes // VOXEL_BYTES
        m.submodules.fork = fork = StreamFork(shape=group_layout(), count=2)
        m.submodules.groups = groups = StreamQueue(shape=group_layout(), depth=self.config.depth(GROUPS_AHEAD))
        m.submodules.reader = reader = BurstReader(width=self.config.memory_width, depth=self.config.list_words)
        m.submodules.narrower = narrower = Narrower(
            shape=voxel_layout(), ratio=per_word if self.config.lean else max(per_word, 2)
        )
        interval = self.config.order_interval
        origin = VoxelOrigin(spec=self.config.spec, shared=self.shared, interval=interval)
        m.submodules.pipeline = pipeline = StreamPipeline(
            origin, depth=1 if self.config.lean else None, interval=interval
        )
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, self.groups, fork.i)
        connect(m, fork.o[1], groups.i)
        connect(m, pipeline.o, self.o)
        m.d.comb += origin.frame.eq(self.frame)
        dropping = Signal()  # the rest of the list at hand
        ahead = Signal(range(GROUPS_AHEAD + 2))  # lists that are asked for and not at hand
        m.d.sync += ahead.eq(ahead + transfer(fork.o[0]) - transfer(groups.o))
        spared = self._ask(m, fork.o[0], reader.i, per_word, dropping & (ahead == 0))
        self._visit(m, groups.o, reader.o, narrower, pipeline.i, per_word, dropping, spared)
        return m

    def _ask(
        self, m: Module, groups: stream.Interface, request: stream.Interface, per_word: int, spare: Value
    ) -> Value:
        """Requests the lists of the groups, one word at a time, ahead of the visits; ends with the next if `spare`.

        Returns: entries that are not asked for any more, with the last word that is.
        """
        address = Signal(ADDRESS_WIDTH)
        left, after = Signal(32), Signal(32)  # list entries not yet asked for, and without those of the word at hand
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.length.eq(1),
            request.valid.eq(left != 0),
            groups.ready.eq(left == 0),
        ]
        with m.If(transfer(groups)):
            m.d.sync += [address.eq(groups.payload.list_address), left.eq(groups.payload.list_count)]
        with m.Elif(transfer(request)):
            m.d.comb += after.eq(Mux(left > per_word, left - per_word, 0))
            m.d.sync += [address.eq(address + self.config.word_bytes), left.eq(Mux(spare, 0, after))]
        return Mux(spare, after, 0)

    def _visit(
        self, m: Module, groups: stream.Interface, words: stream.Interface, narrower: Narrower,
        visits: stream.Interface, per_word: int, dropping: Signal, spared: Value,
    ) -> None:  # fmt: skip
        """Sends a group's entries on, then its end mark; those that are `spared` never come."""
        busy = Signal()
        continued = Signal()
        high, beyond = Signal(signed(33)), Signal()  # end of the group's depths, behind near; the voxel lies beyond
        to_unpack = Signal(32)  # list entries not yet taken from words
        to_visit = Signal(32)  # … not yet sent on
        entry = narrower.o
        m.d.comb += [
            Value.cast(narrower.i.payload.data).eq(words.payload),
            narrower.i.payload.count.eq(Mux(to_unpack > per_word, per_word, to_unpack)),
            narrower.i.valid.eq(words.valid & (to_unpack != 0)),
            words.ready.eq(narrower.i.ready & (to_unpack != 0)),
            visits.payload.voxel.eq(entry.payload),
            visits.payload.end.eq(to_visit == 0),
            visits.valid.eq(busy & Mux(to_visit == 0, 1, entry.valid & ~dropping)),
            entry.ready.eq(busy & (to_visit != 0) & (visits.ready | dropping)),
            groups.ready.eq(~busy),
            beyond.eq((entry.payload.depth >= high) & ~(self.frame.ordered[0] if self.shared else 0)),
            self.walked.eq(transfer(visits) & visits.payload.end),
            self.square_walked.eq(self.walked & ~continued),
        ]
        if self.shared:
            self._in_order(m, entry.payload, visits.payload)
        with m.If(transfer(groups)):
            count = groups.payload.list_count
            m.d.sync += [busy.eq(1), to_unpack.eq(count), to_visit.eq(count), dropping.eq(0)]
            m.d.sync += [continued.eq(groups.payload.continued[0]), high.eq(groups.payload.high - self.frame.near)]
        with m.Else():
            unpacked = Mux(to_unpack > per_word, to_unpack - per_word, 0)
            m.d.sync += [
                to_unpack.eq(Mux(transfer(words), unpacked, to_unpack) - spared),
                to_visit.eq(to_visit - transfer(entry) - spared),
            ]
        with m.If(self.walked):
            m.d.sync += busy.eq(0)
        # A voxel that has been offered is not withdrawn.
        past = transfer(entry) & beyond
        with m.If(busy & (past | (self.stop & (visits.ready | ~visits.valid)))):
            m.d.sync += dropping.eq(1)

    def _in_order(self, m: Module, entry: data.View, visit: data.View) -> None:
        """In an `ordered` frame an entry is a Gaussian: its voxel's corner, one of whose Gaussians is visited."""
        listed = ordered_layout()(Value.cast(entry))
        m.d.comb += Value.cast(visit.own).eq(
            Cat(*(listed[f"offset_{axis}"][: self.config.spec.position_bits] for axis in "xyz"), listed.radius)
        )
        with m.If(self.frame.ordered[0]):
            m.d.comb += [visit.voxel["count"].eq(1), visit.voxel.first.eq(listed.number)]
