"""The order of a frame's regions: each restored, asked, filled and saved."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import job_layout, size_layout
from hw.lib.memory_port import ADDRESS_WIDTH


class RegionFlow(wiring.Component):
    """Region by region, row by row: its cache is restored, its pixels ask, and go in when all of them are there.

    The next region's cache is restored while this one's is saved. Look-ups of a region wait for that; drawing does not.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        tiles = config.spec.splat.columns**2
        super().__init__(
            {
                "start": In(1),  #: begin a job; not while `busy`
                "loading": In(1),  #: it is on its way
                "job": In(job_layout()),  #: stable once it is loaded
                "draw": Out(1),  #: begin to draw the frame
                "restore": Out(1),  #: bring a cache back
                "read_address": Out(ADDRESS_WIDTH),  #: where it lies
                "restoring": In(1),  #: not all sets are loaded
                "open": Out(1),  #: pixels of the region may ask and be handed out …
                "odd": Out(1),  #: … whose number is odd, or even
                "size": Out(size_layout(config)),  #: what of it lies on the image
                "taken": In(1),  #: a sub-tile of it has been handed out
                "fill": Out(1),  #: let its pixels go into the cache
                "filling": In(1),  #: not all of them are in
                "save": Out(1),  #: save the cache
                "write_address": Out(ADDRESS_WIDTH),  #: where to
                "saving": In(1),  #: words are missing
                "region": Out(1),  #: a region is complete, in this cycle
                "busy": Out(1),  #: a region is not saved
            }
        )
        self.tiles = tiles

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        side, job = self.config.spec.radiance.region, self.job
        column, row = Signal(16), Signal(16)
        last_column, last_row = Signal(), Signal()
        tiles = Signal(range(self.tiles + 1))  # of the region, that have been handed out
        m.d.sync += [
            last_column.eq(column + 1 == job.columns),
            last_row.eq(row + 1 == job.rows),
            self.size.width.eq(Mux(last_column, job.last_width, side)),
            self.size.height.eq(Mux(last_row, job.last_height, side)),
        ]
        m.d.comb += self.busy.eq(1)
        with m.If(self.taken):
            m.d.sync += tiles.eq(tiles + 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [column.eq(0), row.eq(0), self.odd.eq(0)]
                with m.If(self.start):
                    m.next = "JOB"
            with m.State("JOB"):
                m.d.sync += [self.read_address.eq(job.read_address), self.write_address.eq(job.write_address)]
                with m.If(~self.loading):
                    m.d.comb += self.draw.eq(1)
                    m.next = "RESTORE"
            with m.State("RESTORE"):
                m.d.comb += self.restore.eq(1)
                m.next = "RESTORING"
            with m.State("RESTORING"):
                m.d.sync += tiles.eq(0)
                with m.If(~self.restoring):
                    m.next = "OPEN"
            with m.State("OPEN"):
                m.d.comb += self.open.eq(1)
                with m.If(tiles == self.tiles):
                    m.next = "FILL"
            with m.State("FILL"):
                m.d.comb += self.fill.eq(1)
                m.next = "FILLING"
            with m.State("FILLING"):
                with m.If(~self.filling & ~self.saving):
                    m.next = "SAVE"
            with m.State("SAVE"):
                m.d.comb += [self.save.eq(1), self.region.eq(1)]
                m.d.sync += [
                    self.odd.eq(~self.odd),
                    self.read_address.eq(self.read_address + job.room_bytes),
                    self.write_address.eq(self.write_address + job.room_bytes),
                    column.eq(Mux(last_column, 0, column + 1)),
                    row.eq(row + last_column),
                ]
                with m.If(last_column & last_row):
                    m.next = "LAST"
                with m.Else():
                    m.next = "RESTORE"
            with m.State("LAST"):
                with m.If(~self.saving):
                    m.next = "IDLE"
        return m
