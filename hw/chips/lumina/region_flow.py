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

    A cache is restored twice. What look-ups see is restored while the pixels of the region before go in, what becomes
    of it while the cache of the region before is saved. Look-ups wait for the first; drawing waits for neither.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        tiles = config.spec.splat.columns**2
        super().__init__(
            {
                "start": In(1),  #: begin a job; not while `busy`
                "loading": In(1),  #: it is on its way, or there is still something to do for the one before
                "job": In(job_layout()),  #: stable once it is loaded
                "draw": Out(1),  #: begin to draw the frame
                "restore": Out(1),  #: bring a cache back …
                "looks": Out(1),  #: … with it and until it is done: to look up in; else to change it
                "read_address": Out(ADDRESS_WIDTH),  #: where it lies
                "restoring": In(1),  #: not all sets are loaded
                "open": Out(1),  #: pixels of the region may ask …
                "odd": Out(1),  #: … whose number since reset is odd, or even
                "takes": Out(1),  #: its sub-tiles may be handed out
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
        last_column, last_row, last = Signal(), Signal(), Signal()  # last: there is no region behind this one
        begins, looks = Signal(), Signal()  # what look-ups see is being restored, from this cycle on, or still
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
                m.d.sync += [column.eq(0), row.eq(0), last.eq(0), tiles.eq(0), self.open.eq(0)]
                with m.If(self.start):
                    m.next = "JOB"
            with m.State("JOB"):
                m.d.sync += [self.read_address.eq(job.read_address), self.write_address.eq(job.write_address)]
                with m.If(~self.loading):
                    m.d.comb += self.draw.eq(1)
                    m.next = "FIRST"
            with m.State("FIRST"):
                m.d.comb += begins.eq(1)
                m.next = "LOOKING"
            with m.State("LOOKING"):
                m.d.comb += self.takes.eq(self.open)
                with m.If(last):
                    m.next = "LAST"
                with m.Elif(self.open):
                    m.next = "RESTORE"
            with m.State("RESTORE"):
                m.d.comb += [self.takes.eq(1), self.restore.eq(1)]
                m.next = "RESTORING"
            with m.State("RESTORING"):
                m.d.comb += self.takes.eq(1)
                with m.If(~self.restoring):
                    m.next = "OPEN"
            with m.State("OPEN"):
                m.d.comb += self.takes.eq(1)
                with m.If(tiles == self.tiles):
                    m.next = "FILL"
            with m.State("FILL"):
                m.d.comb += self.fill.eq(1)
                m.d.sync += [
                    self.open.eq(0),
                    self.odd.eq(~self.odd),
                    tiles.eq(0),
                    last.eq(last_column & last_row),
                    self.read_address.eq(self.read_address + job.room_bytes),
                    column.eq(Mux(last_column, 0, column + 1)),
                    row.eq(row + last_column),
                ]
                m.next = "NEXT"
            with m.State("NEXT"):
                m.d.comb += begins.eq(~last)
                m.next = "FILLING"
            with m.State("FILLING"):
                with m.If(~self.filling & ~self.saving):
                    m.next = "SAVE"
            with m.State("SAVE"):
                m.d.comb += [self.save.eq(1), self.region.eq(1)]
                m.d.sync += self.write_address.eq(self.write_address + job.room_bytes)
                m.next = "LOOKING"
            with m.State("LAST"):
                with m.If(~self.saving):
                    m.next = "IDLE"
        m.d.comb += self.looks.eq(looks | begins)
        with m.If(begins):
            m.d.comb += self.restore.eq(1)
            m.d.sync += looks.eq(1)
        with m.Elif(looks & ~self.restoring):
            m.d.sync += [self.open.eq(1), looks.eq(0)]
        return m
