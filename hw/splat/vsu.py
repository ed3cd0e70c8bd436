"""The voxel sorting unit: from a camera to a group table and visiting lists, memory to memory."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import LINE_BYTES, VOXEL_BYTES
from hw.lib.fixed import shape_of
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.stream import connect, transfer
from hw.splat.config import Config
from hw.splat.layouts import NUMBER_WIDTH
from hw.splat.list_writer import ListWriter
from hw.splat.row_layouts import header_layout
from hw.splat.side_writer import SideWriter
from hw.splat.view_fetch import ViewFetch
from hw.splat.voxel_order import VoxelOrder
from hw.splat.voxel_place import VoxelPlace
from hw.splat.voxel_reach import VoxelReach


class VoxelSortingUnit(wiring.Component):
    """Makes of the header and view at `address` what `golden.splat.frame.build_frame` makes of the camera.

    Writes the group table, the visiting lists, and `near` and `group_count` in the header. Where the view says
    `listed`, these are the host's, and the unit leaves everything as it is.

    With V voxels of which S are in view, and C columns, R rows of groups: 26·(C + R + 1) cycles for the sides,
    V·max(C + 1, R + 1, 5) for the tests, four times as many if the config is `lean`, then what
    `VoxelOrder` takes for S, or `ListWriter`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.bits = config.sides_bits
        self.per_word = config.word_bytes // VOXEL_BYTES
        super().__init__(
            {
                "start": In(1),  #: begin a frame; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of its header, in bytes
                "busy": Out(1),  #: words are still to be written
                "next_address": Out(ADDRESS_WIDTH),  #: of the next frame's header, 0 for none; stable unless `busy`
                "visited": Out(1),  #: a voxel that some group may visit, in this cycle
                "lost_voxel": Out(1),  #: one of them that is not ordered, because too many are
                "listed": Out(range(self.per_word + 1)),  #: entries of lists that are written in this cycle
                "lost_entries": Out(range(self.per_word + 1)),  #: … that there is no room for
                "read": Out(ReadSignature(config.memory_width)),  #: header, view and voxel table
                "write": Out(WriteSignature(config.memory_width)),  #: header, group table and lists
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        m.submodules.fetch = fetch = ViewFetch(memory_width=config.memory_width, ahead=config.order_rows)
        m.submodules.sides = sides = SideWriter(spec=spec, sides_bits=self.bits, interval=config.order_interval)
        m.submodules.place = place = VoxelPlace(config=config)
        m.submodules.reach = reach = VoxelReach(config=config)
        m.submodules.order = order = VoxelOrder(config=config)
        m.submodules.writer = writer = ListWriter(config=config)
        wiring.connect(m, wiring.flipped(self.read), fetch.memory)
        connect(m, fetch.o, place.i)
        connect(m, place.o, reach.i)
        connect(m, reach.o, order.i)
        connect(m, order.o, writer.i)
        near = Signal(shape_of(spec.camera_format))
        m.d.comb += [
            *(unit.frame.eq(fetch.frame) for unit in (sides, place)),
            *(unit.view.eq(fetch.view) for unit in (sides, writer)),
            *(unit.columns.eq(sides.columns) for unit in (reach, order, writer)),
            *(unit.rows.eq(sides.rows) for unit in (reach, order, writer)),
            reach.write.eq(sides.write),
            reach.read_row.eq(writer.read_row),
            writer.read_sides.eq(reach.read_sides),
            writer.group_address.eq(fetch.frame.group_address),
            writer.near.eq(near),
            fetch.address.eq(self.address),
            self.next_address.eq(fetch.view.next_address),
        ]
        header_address, part = Signal.like(self.address), Signal(range(max(self._header_words, 2)))
        closing = self._close(m, fetch.frame, near, writer.groups, header_address, part, writer.write.request)
        starts, scanning = self.start & ~self.busy, Signal()
        tested, waiting = Signal(NUMBER_WIDTH), Signal.like(reach.tested)  # one counts in the cycle after its test
        self._nearest(m, place.o, fetch.view.near_plane, near, clear=starts)
        m.d.comb += reach.scan.eq(scanning)
        m.d.sync += [waiting.eq(reach.tested), tested.eq(Mux(starts, 0, tested + waiting))]
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += header_address.eq(self.address + (LINE_BYTES + self._changed[0] * config.word_bytes))
                m.d.comb += fetch.start.eq(self.start)
                with m.If(self.start):
                    m.d.sync += self.busy.eq(1)
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += sides.start.eq(fetch.idle)
                with m.If(fetch.idle):
                    m.next = "SIDES"
                    with m.If(fetch.view.listed[0]):
                        m.d.sync += self.busy.eq(0)
                        m.next = "IDLE"
            with m.State("SIDES"):
                with m.If(~sides.busy):
                    m.d.comb += [fetch.scan.eq(1), writer.start.eq(1)]
                    m.d.sync += scanning.eq(1)
                    m.next = "SCAN"
            with m.State("SCAN"):
                with m.If((tested == fetch.view.voxel_count[:NUMBER_WIDTH]) & ~reach.o.valid & order.taking):
                    m.d.comb += order.end.eq(1)
                    m.d.sync += scanning.eq(0)
                    m.next = "LISTS"
            with m.State("LISTS"):
                with m.If(order.taking & ~writer.busy):
                    m.d.sync += part.eq(self._changed[0])
                    m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.comb += closing.eq(1)
                with m.If(transfer(self.write.request)):
                    m.d.sync += [part.eq(part + 1), header_address.eq(header_address + config.word_bytes)]
                    with m.If(part == self._changed[-1]):
                        m.d.sync += self.busy.eq(0)
                        m.next = "IDLE"
        m.d.comb += [
            self.visited.eq(transfer(reach.o)),
            self.lost_voxel.eq(order.lost),
            self.listed.eq(writer.listed),
            self.lost_entries.eq(writer.lost),
        ]
        return m

    @property
    def _header_words(self) -> int:
        return LINE_BYTES // self.config.word_bytes

    @property
    def _changed(self) -> range:
        """Words of the header's second line that are written: all, or, if `lean`, those that the unit changes."""
        if not self.config.lean:
            return range(self._header_words)
        places = [
            (header_layout()[name].offset - 8 * LINE_BYTES) // self.config.memory_width
            for name in ("near", "group_count")
        ]
        return range(min(places), max(places) + 1)

    def _word(self, line: Value, part: Value) -> Value:
        """The word at hand, one of `_changed`."""
        width, words = self.config.memory_width, self._changed
        if not self.config.lean:
            return line.word_select(part, width)
        return Array(line.word_select(k if k in words else words[0], width) for k in range(words[-1] + 1))[part]

    def _nearest(self, m: Module, placed: stream.Interface, plane: Value, near: Signal, *, clear: Value) -> None:
        """near = max(near plane, least near bound - 1), as far as voxels have passed."""
        some = Signal()
        nearest = Signal.like(near)
        bound = placed.payload.bound
        with m.If(clear):
            m.d.sync += some.eq(0)
        with m.Elif(transfer(placed)):
            m.d.sync += [some.eq(1), nearest.eq(Mux(some & (nearest < bound), nearest, bound))]
        plane_bits = plane[: len(near)].as_signed()
        m.d.sync += near.eq(Mux(some & (nearest > plane_bits), nearest - 1, plane_bits))

    def _close(
        self, m: Module, frame: Value, near: Value, groups: Value, address: Value, part: Value, lists: stream.Interface
    ) -> Signal:
        """The port's words: lists and group table, or what the header now holds. Returns: the latter, to be driven."""
        closing = Signal()
        header = Signal(header_layout())
        request = self.write.request
        second = Value.cast(header)[8 * LINE_BYTES :]
        m.d.comb += [
            header.eq(frame),
            header.near.eq(near),
            header.group_count.eq(groups),
            Value.cast(request.payload).eq(Value.cast(lists.payload)),
            request.valid.eq(lists.valid | closing),
            lists.ready.eq(request.ready & ~closing),
        ]
        with m.If(closing):
            m.d.comb += [
                request.payload.address.eq(address),
                request.payload.data.eq(self._word(second, part)),
                request.payload.last.eq(part == self._changed[-1]),
            ]
        return closing
