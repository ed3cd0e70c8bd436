"""Squares whose survivors are too many for the depth sort: in which depth slabs they are drawn."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import VOXEL_BYTES
from hw.lib.fixed import saturate, shape_of
from hw.splat.config import Config
from hw.splat.depth_key import DEPTH_BITS, least_depth, shifted_key
from hw.splat.frame_fetch import SlabLayout


class SlabControl(wiring.Component):
    """Parts a square where the depth sort is `crowded`; `golden.splat.depth_sort.depth_sort`.

    What has left the sort by then is drawn, and nearer than anything to come. The rest is given up, as are the groups
    behind that are under way already, and the square is read again from there to the middle of what had been in the
    sort: a `narrow` slab, which stands alone in the pipeline. When it has passed, the square is read from its end on.
    Either may be parted in turn. So the order is exact, at the price of voxels that are streamed again.

    A slab begins some 10 cycles behind the end of what was before.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        key, depth = spec.depth_bits, shape_of(spec.camera_format)
        super().__init__(
            {
                "begins": In(1),  #: the next entry is a frame's first
                "near": In(depth),  #: of the frame
                "crowded": In(1),  #: a survivor finds no room in the depth sort …
                "bound": In(key),  #: … which has sent on all that is nearer than this; …
                "lowest": In(key),  #: … the nearest key that it holds, …
                "middle": In(key),  #: … and, at the end of `purge`, that in the middle of what it held
                "ended": In(1),  #: the end of an entry comes into the sort
                "passed": In(32),  #: so many first voxels of that entry have nothing behind its slab
                "empty": In(1),  #: no group is anywhere in the engine, and none comes
                "high": Out(key + 1),  #: to the sort: the slab's end
                "purge": Out(1),  #: to all stages: what comes is given up
                "busy": Out(1),  #: there is more to come of the square at hand
                "again": Out(1),  #: read it from `slab` on
                "slab": Out(SlabLayout(spec)),  #: stable from `again` until the next one
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, slab = self.config.spec, self.slab
        everything = 1 << spec.depth_bits
        low = Signal(spec.depth_bits)  # the slab at hand has keys from here …
        high = Signal(spec.depth_bits + 1, init=everything)  # … to below this
        skip = Signal(32)  # voxels of the list that it needs none of
        per_word = (self.config.word_bytes // VOXEL_BYTES - 1).bit_length()
        wide = Signal(DEPTH_BITS + spec.depth_bits)  # a key's depth, before it is rounded up
        depth = saturate(self.near + least_depth(wide, spec), spec.camera_format)
        m.d.comb += [
            self.high.eq(high),
            self.busy.eq(1),
            slab.skip.eq(skip >> per_word << per_word),
            slab.nearest.eq(low == 0),
        ]
        with m.FSM():
            with m.State("WHOLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.ended):
                    m.d.sync += [slab.row.eq(slab.row + 1), low.eq(0), skip.eq(0)]
                with m.If(self.begins):
                    m.d.sync += [slab.row.eq(0), low.eq(0), skip.eq(0)]
                with m.If(self.crowded):
                    m.next = "PURGE"
            with m.State("PURGE"):
                m.d.comb += self.purge.eq(1)
                m.d.sync += [
                    high.eq(Mux(self.middle == self.lowest, self.lowest + 1, self.middle)),
                    slab.narrow.eq(1),
                ]
                with m.If(self.empty):
                    m.next = "LOW"
            with m.State("LOW"):
                m.d.sync += wide.eq(shifted_key(low, spec))
                m.next = "HIGH"
            with m.State("HIGH"):
                m.d.sync += [slab.low.eq(depth), wide.eq(shifted_key(high[:-1], spec))]
                m.next = "CUT"
            with m.State("CUT"):
                m.d.sync += slab.high.eq(depth)
                m.next = "AGAIN"
            with m.State("AGAIN"):
                m.d.comb += self.again.eq(1)
                m.next = "WHOLE"
                with m.If(slab.narrow):
                    m.next = "NARROW"
            with m.State("NARROW"):
                with m.If(self.crowded):
                    m.next = "PURGE"
                with m.Elif(self.ended):
                    m.d.sync += [
                        low.eq(high),
                        high.eq(everything),
                        skip.eq(slab.skip + self.passed),
                        slab.narrow.eq(0),
                    ]
                    m.next = "LOW"
        with m.If(self.crowded & (self.bound > low)):
            m.d.sync += low.eq(self.bound)
        return m
