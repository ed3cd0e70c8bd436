"""Walks a group's visiting list and places each voxel in camera space."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import VOXEL_BYTES
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import connect, transfer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.width_converter import Narrower
from hw.splat.config import Config
from hw.splat.layouts import VisitLayout, group_layout, header_layout, voxel_layout
from hw.splat.voxel_origin import VoxelOrigin


class VoxelFetch(wiring.Component):
    """For every group: its voxels in list order, then an end mark.

    `golden.splat.coarse_filter.voxel_fetch`. One voxel a cycle once the list arrives; reads the
    list ahead by `list_words` words. From the cycle after `stop` the rest of the current group's
    list is dropped (its end mark is not).

    Members:
        groups: stream of group-table entries. frame: the header. stop: see above.
        o: stream of VisitLayout. memory: read port.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "groups": In(stream.Signature(group_layout())),
                "frame": In(header_layout()),
                "stop": In(1),
                "o": Out(stream.Signature(VisitLayout(config.spec))),
                "memory": Out(ReadSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self.config.memory_width
        per_word = self.config.word_bytes // VOXEL_BYTES
        m.submodules.reader = reader = BurstReader(width=width, depth=self.config.list_words)
        m.submodules.narrower = narrower = Narrower(shape=voxel_layout(), ratio=max(per_word, 2))
        origin = VoxelOrigin(spec=self.config.spec)
        m.submodules.pipeline = pipeline = StreamPipeline(origin)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, pipeline.o, self.o)
        m.d.comb += origin.frame.eq(self.frame)

        address = Signal(ADDRESS_WIDTH)
        to_ask = Signal(32)  # list entries not yet asked for
        to_unpack = Signal(32)  # … not yet taken from words
        to_visit = Signal(32)  # … not yet sent on
        dropping = Signal()  # the rest of this group's list
        entry = narrower.o
        self._unpack(m, reader.o, narrower, to_unpack, per_word)
        m.d.comb += [
            pipeline.i.payload.voxel.eq(entry.payload),
        ]
        with m.FSM():
            with m.State("GROUP"):
                m.d.comb += self.groups.ready.eq(1)
                group = self.groups.payload
                m.d.sync += [
                    address.eq(group.list_address),
                    dropping.eq(0),
                    *(left.eq(group.list_count) for left in (to_ask, to_unpack, to_visit)),
                ]
                with m.If(self.groups.valid):
                    m.next = "VOXELS"
            with m.State("VOXELS"):
                request = reader.i
                m.d.comb += [
                    request.payload.address.eq(address),
                    request.payload.length.eq(1),
                    request.valid.eq(to_ask != 0),
                    pipeline.i.valid.eq(entry.valid & ~dropping),
                    entry.ready.eq(pipeline.i.ready | dropping),
                ]
                # A voxel that has been offered is not withdrawn.
                with m.If(self.stop & (pipeline.i.ready | ~pipeline.i.valid)):
                    m.d.sync += dropping.eq(1)
                with m.If(transfer(request)):
                    m.d.sync += [
                        address.eq(address + self.config.word_bytes),
                        to_ask.eq(Mux(to_ask > per_word, to_ask - per_word, 0)),
                    ]
                with m.If(transfer(entry)):
                    m.d.sync += to_visit.eq(to_visit - 1)
                with m.If(to_visit == 0):
                    m.next = "END"
            with m.State("END"):
                m.d.comb += [pipeline.i.payload.end.eq(1), pipeline.i.valid.eq(1)]
                with m.If(pipeline.i.ready):
                    m.next = "GROUP"
        return m

    def _unpack(self, m: Module, words: stream.Interface, narrower: Narrower, to_unpack: Signal, per_word: int) -> None:
        """Splits words into list entries; the last word of a list may be partly used."""
        m.d.comb += [
            Value.cast(narrower.i.payload.data).eq(words.payload),
            narrower.i.payload.count.eq(Mux(to_unpack > per_word, per_word, to_unpack)),
            narrower.i.valid.eq(words.valid),
            words.ready.eq(narrower.i.ready),
        ]
        with m.If(transfer(words)):
            m.d.sync += to_unpack.eq(Mux(to_unpack > per_word, to_unpack - per_word, 0))
