"""Whose turn it is: which frame of a job is listed, and which is drawn."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ADDRESS_WIDTH


class FrameSequencer(wiring.Component):
    """Lists a job's frames one after another, and draws each when it is listed and those before allow it.

    A frame's lists are begun when the one before begins to be drawn, and that one when all lists before its own have
    been read: then two rooms for lists and group tables, taken in turn, are enough for any number of frames.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),  #: begin a job; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of its first frame's header
                "busy": Out(1),  #: a frame is not walked yet
                "lists": Out(1),  #: begin to list, in this cycle, the frame …
                "list_address": Out(ADDRESS_WIDTH),  #: … whose header lies here
                "listing": In(1),  #: lists are being made, from the cycle after `lists` on
                "next_address": In(ADDRESS_WIDTH),  #: of the frame behind the one that was listed; 0: there is none
                "draws": Out(1),  #: begin to draw, in this cycle, the frame …
                "draw_address": Out(ADDRESS_WIDTH),  #: … whose header lies here
                "walked": In(1),  #: the frame's lists are read and all that they hold has passed, in this cycle
                "ready": In(1),  #: a frame that is listed may begin: its words are in memory
                "drawing": Out(1),  #: a frame is being walked
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        to_list, listing, listed = Signal(), Signal(), Signal()
        begins = Signal()
        m.d.comb += [
            self.busy.eq(to_list | listing | listed | self.drawing),
            begins.eq(self.start & ~self.busy),
            self.lists.eq(to_list & ~listing & ~listed),
            self.draws.eq(listed & ~self.drawing & self.ready),
        ]
        with m.If(begins):
            m.d.sync += [to_list.eq(1), self.list_address.eq(self.address)]
        with m.If(self.lists):
            m.d.sync += [to_list.eq(0), listing.eq(1)]
        with m.Elif(listing & ~self.listing):
            m.d.sync += [
                listing.eq(0),
                listed.eq(1),
                self.draw_address.eq(self.list_address),
                to_list.eq(self.next_address != 0),
                self.list_address.eq(self.next_address),
            ]
        with m.If(self.draws):
            m.d.sync += [listed.eq(0), self.drawing.eq(1)]
        with m.Elif(self.walked):
            m.d.sync += self.drawing.eq(0)
        return m
