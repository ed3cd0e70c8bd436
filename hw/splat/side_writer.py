"""Fills the tables of sides that voxels are tested against, once a frame."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.splat.row_layouts import header_layout, view_layout
from hw.splat.side_unit import FRONT, SideUnit
from hw.splat.voxel_layouts import SidesLayout


class SideWriter(wiring.Component):
    """`golden.splat.vsu.sides` of all columns and rows of groups: the camera's plane, then columns, then rows.

    A side takes 13 cycles, more if the unit takes one in `interval`: they are few, and its inputs hold still
    meanwhile. The camera's plane is row 0 of both tables; columns and rows begin at row 1 of their own.
    """

    def __init__(self, *, spec: Spec, sides_bits: int, interval: int = 1) -> None:
        self.spec, self.bits, self.interval = spec, sides_bits, interval
        table_row = data.StructLayout({"valid": 1, "axis": 2, "row": sides_bits, "sides": SidesLayout(spec)})
        super().__init__(
            {
                "start": In(1),  #: frame and view hold still from now on; ignored while `busy`
                "frame": In(header_layout()),  #: the frame's header
                "view": In(view_layout()),  #: the same of the view
                "columns": Out(sides_bits),  #: of groups, of this view; a cycle after it
                "rows": Out(sides_bits),  #: of groups, likewise
                "write": Out(table_row),  #: a row of the table of columns (`axis` 0), of rows (1), or of both (`FRONT`)
                "busy": Out(1),  #: sides are missing
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        m.submodules.unit = unit = SideUnit(spec=spec, interval=self.interval)
        size = spec.group_size
        step, margin = size << spec.screen_fraction, spec.screen_margin
        places = size.bit_length() - 1
        corner = Signal(unit.edge_shape)  # of the column or row on the screen
        high, axis = Signal(), Signal(2)
        row, left = Signal(self.bits), Signal(self.bits)  # of its table; columns or rows still to do
        wait = Signal(range(unit.latency + 2))
        if self.interval > 1:
            m.d.comb += unit.turn.eq(wait - 1)  # the edge is there when 1 cycle has been waited
        principal = Mux(axis[0], self.view.principal_y, self.view.principal_x)
        m.d.comb += [
            unit.frame.eq(self.frame),
            unit.view.eq(self.view),
            unit.i.high.eq(high),
            unit.i.axis.eq(axis),
            self.write.axis.eq(axis),
            self.write.row.eq(row),
            self.write.sides.high.eq(unit.o),
        ]
        m.d.sync += [
            self.columns.eq((self.view.width + size - 1) >> places),
            self.rows.eq((self.view.height + size - 1) >> places),
        ]
        m.d.sync += unit.i.edge.eq(corner + Mux(high, step + margin, -margin) - principal)
        with m.If(~self.busy):
            m.d.sync += [corner.eq(0), high.eq(0), axis.eq(FRONT), row.eq(0), left.eq(1), wait.eq(0)]
            m.d.sync += self.busy.eq(self.start)
        with m.Elif(left == 0):
            m.d.sync += [corner.eq(0), row.eq(1), axis.eq(Mux(axis == FRONT, 0, 1))]
            m.d.sync += left.eq(Mux(axis == FRONT, self.columns, self.rows))
            with m.If(axis == 1):
                m.d.sync += self.busy.eq(0)
        with m.Elif(wait != unit.latency + 1):
            m.d.sync += wait.eq(wait + 1)
        with m.Else():
            m.d.sync += [wait.eq(0), high.eq(~high)]
            with m.If(high):
                m.d.comb += self.write.valid.eq(1)
                m.d.sync += [corner.eq(corner + step), row.eq(row + 1), left.eq(left - 1)]
            with m.Else():
                m.d.sync += self.write.sides.low.eq(unit.o)
        return m
