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
from hw.splat.cross_test import AXES, CrossTest
from hw.splat.side_test import SideTest
from hw.splat.side_unit import FRONT
from hw.splat.voxel_layouts import CrossLayout, EntryLayout, PlacedLayout, ReachedLayout, SidesLayout

WAITING = 4  # voxels whose tests are under way
NOTHING = 3  # the axis of a test that is none: a table has fewer rows than the other


class VoxelReach(wiring.Component):
    """Tests every voxel against two tables of sides at once, and sends on those that reach a column and a row.

    One table has the columns of groups, the other their rows, both behind the camera's plane. A voxel
    takes as many cycles as the longer table has rows. `write` fills the tables while no voxel is under
    way; `read_row` reads them then, with the rows' sides in `read_sides` two cycles later.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        self.bits = config.sides_bits
        row = {"row": self.bits, "sides": SidesLayout(spec)}
        super().__init__(
            {
                #: a row of the tables: of columns (`axis` 0), of rows (1), or the camera's plane in both (`FRONT`)
                "write": In(data.StructLayout({"valid": 1, "axis": 2, **row})),
                "read_row": In(CrossLayout(self.bits)),  #: of either table, to read while `scan` is low
                "read_sides": Out(CrossLayout(SidesLayout(spec))),  #: these rows, two cycles later
                "scan": In(1),  #: voxels are tested; the tables are complete
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
        tags = data.StructLayout({"entry": EntryLayout(), "bound": shape_of(self.config.spec.camera_format)})
        m.submodules.tested = tested = StreamQueue(shape=tags, depth=self.config.depth(WAITING))
        tests, results = self._tests_in_turn(m) if self.config.lean else self._tests(m)
        row, final = Signal(self.bits), Signal()
        moves = transfer(tests[0])
        m.d.comb += final.eq(row == Mux(self.columns > self.rows, self.columns, self.rows))
        after = Mux(moves, Mux(final, 0, row + 1), row)
        m.d.sync += row.eq(Mux(self.scan, after, 0))
        sides = [self._table(m, platform, axis, after[: self.bits]) for axis in range(2)]
        self._ask(m, row, final, sides, tests, tested.i)
        self._gather(m, results, tested.o)
        return m

    def _tests(self, m: Module) -> tuple[list[stream.Interface], list[stream.Interface]]:
        """A circuit for each table: where tests go, and where their answers come from."""
        pipelines = [StreamPipeline(SideTest(spec=self.config.spec, position_bits=self.bits)) for _ in range(2)]
        m.submodules.column_test, m.submodules.row_test = pipelines
        return [p.i for p in pipelines], [p.o for p in pipelines]

    def _tests_in_turn(self, m: Module) -> tuple[list[stream.Interface], list[stream.Interface]]:
        """The same of one circuit for both tables, which always get and give something together."""
        interval = self.config.order_interval
        unit = CrossTest(spec=self.config.spec, position_bits=self.bits, interval=interval)
        m.submodules.tests = pipeline = StreamPipeline(unit, depth=1, interval=interval)
        tests = [stream.Signature(unit.i.shape()[name].shape).create(path=("test", name)) for name in AXES]
        answers = [stream.Signature(unit.o.shape()[name].shape).create(path=("answer", name)) for name in AXES]
        m.d.comb += [pipeline.i.valid.eq(tests[0].valid), pipeline.o.ready.eq(answers[0].ready)]
        for name, test, answer in zip(AXES, tests, answers, strict=True):
            m.d.comb += [
                pipeline.i.payload[name].eq(test.payload),
                test.ready.eq(pipeline.i.ready),
                answer.payload.eq(pipeline.o.payload[name]),
                answer.valid.eq(pipeline.o.valid),
            ]
        return tests, answers

    def _table(self, m: Module, platform: object, axis: int, after: Value) -> data.View:
        """The sides of the row that is tested; `after` is the one of the next cycle."""
        layout = SidesLayout(self.config.spec)
        name = ("column", "row")[axis]
        write, read = two_port_memory(m, platform, f"{name}s", width=width_of(layout), depth=self.config.order_sides)
        sides = Signal(layout, name=f"sides_{axis}")
        mine = (self.write.axis == axis) | (self.write.axis == FRONT)
        m.d.comb += [
            write.en.eq(self.write.valid & mine & ~self.scan),
            write.addr.eq(self.write.row),
            write.data.eq(Value.cast(self.write.sides)),
            read.addr.eq(Mux(self.scan, after, self.read_row[name])),
            read.en.eq(self.scan | ~self.write.valid),
            Value.cast(sides).eq(read.data),
        ]
        m.d.sync += self.read_sides[name].eq(sides)
        return sides

    def _ask(
        self, m: Module, row: Value, final: Value, sides: list[data.View], tests: list[stream.Interface],
        tested: stream.Interface,
    ) -> None:  # fmt: skip
        """A test of each table in a cycle; the voxel is let go with its last. Both pipelines are in step."""
        voxel = self.i.payload
        loaded, goes = Signal(), Signal()  # the tables' first rows have been read; a test is taken
        m.d.sync += loaded.eq(self.scan)
        room = tests[0].ready & tests[1].ready
        m.d.comb += [
            goes.eq(self.i.valid & loaded & room & (~final | tested.ready)),
            tested.payload.entry.eq(voxel.entry),
            tested.payload.bound.eq(voxel.bound),
            tested.valid.eq(self.i.valid & loaded & final & room),
            self.i.ready.eq(loaded & final & room & tested.ready),
        ]
        for axis, (test, count) in enumerate(zip(tests, (self.columns, self.rows), strict=True)):
            m.d.comb += [
                *(test.payload[name].eq(voxel[name]) for name in ("middle", "half", "exponent")),
                test.payload.sides.eq(sides[axis]),
                test.payload.axis.eq(Mux(row == 0, FRONT, Mux(row > count, NOTHING, axis))),
                test.payload.position.eq(row - 1),
                test.payload.final.eq(final),
                test.valid.eq(goes),
            ]

    def _gather(self, m: Module, tests: list[stream.Interface], tested: stream.Interface) -> None:
        """First and last column and row that passed; a voxel without one, or behind the camera, is dropped."""
        out = self.o.payload
        final = tests[0].payload.final
        seen, now = Signal(3), Signal(3)  # by axis: something passed, before and with the results at hand
        ends = Signal(data.StructLayout({name: data.ArrayLayout(self.bits, 2) for name in ("first", "last")}))
        takes = Signal()
        m.d.comb += [
            takes.eq(tests[0].valid & tests[1].valid & (~final | ~self.o.valid | self.o.ready)),
            tested.ready.eq(takes & final),
            self.tested.eq(tested.ready),
            *(test.ready.eq(takes) for test in tests),
            now.eq(seen),
        ]
        for axis, test in enumerate(tests):
            here = Signal(name=f"here_{axis}")
            first, last = Signal(self.bits, name=f"first_{axis}"), Signal(self.bits, name=f"last_{axis}")
            m.d.comb += [
                here.eq(test.payload.passed & (test.payload.axis == axis)),
                ends.first[axis].eq(Mux(here & ~seen[axis], test.payload.position, first)),
                ends.last[axis].eq(Mux(here, test.payload.position, last)),
            ]
            with m.If(here):
                m.d.comb += now[axis].eq(1)
            with m.If(takes):
                m.d.sync += [first.eq(ends.first[axis]), last.eq(ends.last[axis])]
        with m.If(tests[0].payload.passed & (tests[0].payload.axis == FRONT)):
            m.d.comb += now[FRONT].eq(1)
        with m.If(takes):
            m.d.sync += seen.eq(Mux(final, 0, now))
        with m.If(transfer(self.o)):
            m.d.sync += self.o.valid.eq(0)
        with m.If(takes & final):
            m.d.sync += [
                out.entry.eq(tested.payload.entry),
                out.bound.eq(tested.payload.bound),
                out.first.eq(ends.first),
                out.last.eq(ends.last),
                self.o.valid.eq(now.all()),
            ]
