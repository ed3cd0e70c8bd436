"""Which columns and rows of groups a voxel reaches."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.fixed import shape_of
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer, width_of
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.config import Config
from hw.splat.layouts import NUMBER_WIDTH, PlacedLayout, ReachedLayout, SidesLayout
from hw.splat.side_test import SideTest
from hw.splat.side_unit import FRONT

WAITING = 4  # voxels whose tests are under way


class VoxelReach(wiring.Component):
    """Tests every voxel against a table of sides, and sends on those that reach a column and a row.

    Row 0 of the table is the camera's plane, then come the columns, then the rows of groups. A voxel
    takes as many cycles as the table has rows. `write` fills the table while no voxel is under way;
    `read_row` reads it then, with the row's sides in `read_sides` two cycles later.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        self.bits = config.sides_bits
        table_row = data.StructLayout({"valid": 1, "row": self.bits, "sides": SidesLayout(spec)})
        super().__init__(
            {
                "write": In(table_row),  #: a row of the table
                "read_row": In(self.bits),  #: to read while `scan` is low
                "read_sides": Out(SidesLayout(spec)),  #: that row, two cycles later
                "scan": In(1),  #: voxels are tested; the table is complete
                "columns": In(self.bits),  #: of groups
                "rows": In(self.bits),  #: of groups
                "i": In(stream.Signature(PlacedLayout(spec))),  #: voxels in the view
                "o": Out(stream.Signature(ReachedLayout(spec, self.bits))),  #: those that are visited
                "tested": Out(
                    1
                ),  #: a voxel's tests end in this cycle; if it is visited, `o` has it from the next one on
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        tags = data.StructLayout({"number": NUMBER_WIDTH, "bound": shape_of(spec.camera_format)})
        m.submodules.pipeline = pipeline = StreamPipeline(SideTest(spec=spec, position_bits=self.bits))
        m.submodules.tested = tested = StreamQueue(shape=tags, depth=WAITING)
        sides = self._table(m, platform, row := Signal(self.bits), transfer(pipeline.i))
        self._ask(m, row, sides, pipeline.i, tested.i)
        self._gather(m, pipeline.o, tested.o)
        return m

    def _table(self, m: Module, platform: object, row: Signal, moves: Value) -> data.View:
        """The sides of `row`; it counts up with every test that `moves`."""
        layout = SidesLayout(self.config.spec)
        write, read = two_port_memory(m, platform, "table", width=width_of(layout), depth=self.config.order_sides)
        after = Signal(self.bits)
        last = self.columns + self.rows
        sides = Signal(layout)
        m.d.comb += [
            write.en.eq(self.write.valid & ~self.scan),
            write.addr.eq(self.write.row),
            write.data.eq(Value.cast(self.write.sides)),
            after.eq(Mux(moves, Mux(row == last, 0, row + 1), row)),
            read.addr.eq(Mux(self.scan, after, self.read_row)),
            read.en.eq(self.scan | ~self.write.valid),
            Value.cast(sides).eq(read.data),
        ]
        m.d.sync += [row.eq(Mux(self.scan, after, 0)), self.read_sides.eq(sides)]
        return sides

    def _ask(self, m: Module, row: Signal, sides: data.View, tests: stream.Interface, tested: stream.Interface) -> None:
        """A test a cycle; the voxel is let go with its last."""
        voxel, test = self.i.payload, tests.payload
        loaded = Signal()  # the table's first row has been read
        m.d.sync += loaded.eq(self.scan)
        in_rows = Signal()
        m.d.comb += [
            in_rows.eq(row > self.columns),
            *(test[name].eq(voxel[name]) for name in ("middle", "half", "exponent")),
            test.sides.eq(sides),
            test.axis.eq(Mux(row == 0, FRONT, in_rows)),
            test.position.eq(Mux(in_rows, row - self.columns, row) - 1),
            test.final.eq(row == self.columns + self.rows),
            tested.payload.number.eq(voxel.number),
            tested.payload.bound.eq(voxel.bound),
            tests.valid.eq(self.i.valid & loaded & (~test.final | tested.ready)),
            tested.valid.eq(self.i.valid & loaded & test.final & tests.ready),
            self.i.ready.eq(loaded & test.final & tests.ready & tested.ready),
        ]

    def _gather(self, m: Module, tests: stream.Interface, tested: stream.Interface) -> None:
        """First and last column and row that passed; a voxel without one, or behind the camera, is dropped."""
        test, out = tests.payload, self.o.payload
        seen = Signal(3)  # by axis: something passed
        now = Signal(3)
        m.d.comb += [
            tests.ready.eq(~self.o.valid),
            tested.ready.eq(transfer(tests) & test.final),
            now.eq(seen | (test.passed << test.axis)),
            self.tested.eq(tested.ready),
        ]
        with m.If(transfer(self.o)):
            m.d.sync += self.o.valid.eq(0)
        with m.If(transfer(tests)):
            m.d.sync += seen.eq(Mux(test.final, 0, now))
            for axis in range(2):
                with m.If(test.passed & (test.axis == axis)):
                    m.d.sync += out.last[axis].eq(test.position)
                    with m.If(~seen[axis]):
                        m.d.sync += out.first[axis].eq(test.position)
            with m.If(test.final):
                m.d.sync += [
                    out.number.eq(tested.payload.number),
                    out.bound.eq(tested.payload.bound),
                    self.o.valid.eq(now.all()),
                ]
