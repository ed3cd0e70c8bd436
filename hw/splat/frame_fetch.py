"""Reads a frame's header, then its group table."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import GROUP_BYTES, HEADER_BYTES, VOXEL_BYTES
from golden.splat.spec import Spec
from hw.lib.fixed import shape_of
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader
from hw.lib.stream import transfer
from hw.splat.row_layouts import group_layout, header_layout

ROWS_AHEAD = 4  # whose words may be under way


class SlabLayout(data.StructLayout):
    """A depth slab of a square whose survivors are too many for the depth sort: what its group's entry becomes."""

    def __init__(self, spec: Spec) -> None:
        depth = shape_of(spec.camera_format)
        super().__init__(
            {
                "row": 16,  #: number of the square's entry in the group table
                "skip": 32,  #: voxels at the list's beginning with nothing as deep as this, whole words of entries
                "nearest": 1,  #: it is the square's first slab: it begins where the entry does
                "low": depth,  #: else it begins here
                "narrow": 1,  #: it ends at `high`, and more slabs follow; else where the entry does
                "high": depth,
            }
        )


class FrameFetch(wiring.Component):
    """On `start`, loads the header at `address`, then streams the group table's entries in order.

    On `again` it hands out the entry of a slab's square anew, as the slab has it, and then the entries behind it,
    unless the slab is `narrow`. Variable latency (the memory's). A group takes 64 bytes of memory bandwidth.
    """

    def __init__(self, *, spec: Spec, memory_width: int, ahead: int = ROWS_AHEAD) -> None:
        self.memory_width, self.ahead = memory_width, ahead
        super().__init__(
            {
                "start": In(1),  #: begin a frame; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of its header, in bytes
                "frame": Out(header_layout()),  #: the header, stable from the first group on
                "groups": Out(stream.Signature(group_layout())),  #: entries of the group table
                "busy": Out(1),  #: the last entry has not left yet
                "drop": In(1),  #: entries that are not offered yet are read and go nowhere
                "again": In(1),  #: begin with `slab`; only while not `busy`, in the frame that was begun last
                "slab": In(SlabLayout(spec)),  #: stable until its entry has left
                "memory": Out(ReadSignature(memory_width)),  #: where header and table lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        # The header is read as rows of the table's size.
        header_rows, row_bits = HEADER_BYTES // GROUP_BYTES, 8 * GROUP_BYTES
        m.submodules.reader = reader = RowReader(width=self.memory_width, row_bytes=GROUP_BYTES, ahead=self.ahead)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)

        header = Signal(HEADER_BYTES * 8)
        longer = Signal.like(header)  # with the row at hand
        fields = header_layout()(longer)
        left = Signal(16)  # rows to ask for
        waiting = Signal(16)  # rows to deliver
        next_row = Signal(ADDRESS_WIDTH)
        first = Signal()  # the next entry is `slab`'s
        m.d.comb += [
            Value.cast(self.frame).eq(header),
            longer.eq(Cat(header, reader.o.payload)[row_bits:]),
            Value.cast(self.groups.payload).eq(self._entry(m, reader.o.payload, first)),
            reader.i.payload.eq(next_row),
            reader.i.valid.eq(left != 0),
            self.busy.eq(1),
        ]
        with m.If(transfer(reader.i)):
            m.d.sync += [next_row.eq(next_row + GROUP_BYTES), left.eq(left - 1)]
        with m.If(transfer(reader.o)):
            m.d.sync += waiting.eq(waiting - 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += [next_row.eq(self.address), left.eq(header_rows), waiting.eq(header_rows)]
                    m.next = "HEADER"
                with m.Elif(self.again):
                    rows = Mux(self.slab.narrow, 1, self.frame.group_count[:16] - self.slab.row)[:16]
                    place = (self.frame.group_address + self.slab.row * GROUP_BYTES)[:ADDRESS_WIDTH]
                    m.d.sync += [next_row.eq(place), left.eq(rows), waiting.eq(rows), first.eq(1)]
                    m.next = "GROUPS"
            with m.State("HEADER"):
                m.d.comb += reader.o.ready.eq(1)
                with m.If(transfer(reader.o)):
                    m.d.sync += header.eq(longer)
                    with m.If(waiting == 1):
                        count = fields.group_count[:16]
                        m.d.sync += [next_row.eq(fields.group_address), left.eq(count), waiting.eq(count)]
                        m.next = "GROUPS"
            with m.State("GROUPS"):
                m.d.comb += [
                    self.groups.valid.eq(reader.o.valid),
                    reader.o.ready.eq(self.groups.ready),
                ]
                with m.If(transfer(self.groups)):
                    m.d.sync += first.eq(0)
                # An entry that has been offered is not withdrawn.
                with m.If(self.drop & ~(self.groups.valid & ~self.groups.ready)):
                    m.next = "DROP"
                with m.Elif(waiting == 0):
                    m.next = "IDLE"
            with m.State("DROP"):
                m.d.comb += reader.o.ready.eq(1)
                with m.If(waiting == 0):
                    m.next = "IDLE"
        return m

    def _entry(self, m: Module, row: Value, first: Value) -> Value:
        """The row at hand, and of a slab's square what the slab makes of it."""
        slab = self.slab
        entry, changed = (Signal(group_layout(), name=name) for name in ("entry", "changed"))
        m.d.comb += [Value.cast(entry).eq(row), changed.eq(entry)]
        with m.If(first):
            m.d.comb += [
                changed.list_address.eq(entry.list_address + slab.skip * VOXEL_BYTES),
                changed.list_count.eq(entry.list_count - slab.skip),
            ]
            with m.If(~slab.nearest):
                m.d.comb += changed.low.eq(slab.low)
            with m.If(slab.narrow):
                m.d.comb += [changed.high.eq(slab.high), changed.continued.eq(1)]
        return Value.cast(changed)
