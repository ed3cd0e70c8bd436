"""Chooses one splat and one of its sub-tiles in every cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.payloads import SortedLayout, SplatLayout
from hw.lib.tree import or_all
from hw.splat.config import Config
from hw.splat.lane_array import OperationLayout
from hw.splat.pixel_lane import HAZARD


class Dispatcher(wiring.Component):
    """Issues operations so that every sub-tile sees its splats in order and no hazard occurs.

    A window holds the oldest `issue_window` splats with the sub-tiles they still have to visit. The
    oldest splat goes first, unless its sub-tiles had an operation in the last 2 cycles; then a
    younger one may go, on a sub-tile that no older splat of the window waits for. Opaque sub-tiles
    are struck out. When a group's last splat has gone, its sub-tiles are flushed, at the pace of
    `flush_room`, while the next group draws on those that are flushed already; a `continued` group
    leaves its sub-tiles to the next one as they are.

    After reset all sub-tiles are flushed once, `silent`, to bring the pixel memories to their
    initial state.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        place = range(spec.columns**2)
        super().__init__(
            {
                "i": In(stream.Signature(SortedLayout(spec))),  #: splats in drawing order, and each group's end
                "operation": Out(OperationLayout(spec)),  #: for the lanes, from a register; at most one a cycle
                "splat": Out(SplatLayout(spec)),  #: what `operation` draws; meaningless for a flush
                "silent": Out(1, init=1),  #: flushes are those after reset, whose pixels nobody wants
                "continued": In(1),  #: with a group's end: the next one draws on the same pixels, which are not flushed
                "flush_room": In(1),  #: the writer takes one more sub-tile
                #: a drawing operation has passed the lanes; `done`: its sub-tile is opaque
                "drawn": In(data.StructLayout({"valid": 1, "place": place, "done": 1})),
                "flushed": In(data.StructLayout({"valid": 1, "place": place})),  #: a flush has passed the lanes
                "opaque": Out(spec.columns**2),  #: sub-tiles all of whose pixels are done
                "closed": Out(1),  #: some sub-tiles still belong to the group before
                "group_end": Out(1),  #: a group's last splat has gone, in this cycle
                "busy": Out(1),  #: there are operations still to come
                "starved": Out(1),  #: nothing is issued, because the window is empty
                "blocked": Out(1),  #: nothing is issued, because of hazards
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = self.config.spec.columns**2
        size = self.config.issue_window
        window = [Signal(SplatLayout(self.config.spec), name=f"window_{k}") for k in range(size)]
        left = [Signal(count, name=f"left_{k}") for k in range(size)]  # sub-tiles still to visit
        recent = [Signal(count, name=f"recent_{k}") for k in range(HAZARD - 1)]  # operations of the last cycles
        to_flush = Signal(count, init=(1 << count) - 1)
        flushing = Signal(count)  # issued, not yet through the lanes

        hazards = Signal(count)
        closed = Signal(count)  # sub-tiles that still belong to the group before
        m.d.comb += [hazards.eq(or_all(recent)), closed.eq(to_flush | flushing)]
        draw, chosen = self._choose_draw(m, left, hazards | closed)
        flush = Signal(count)
        m.d.comb += flush.eq(lowest(to_flush) & ~hazards & (self.flush_room | self.silent).replicate(count))
        self._issue(m, window, draw & ~flush.any().replicate(count), chosen, flush, recent)
        strike = [(self.opaque & ~closed) | (draw & (chosen[k] & ~flush.any()).replicate(count)) for k in range(size)]
        self._advance(m, window, left, strike, self.opaque & ~closed)
        self._flush_state(m, to_flush, flushing, flush, closed, Cat(left).any())
        m.d.comb += [
            self.starved.eq(~Cat(left).any() & ~flush.any()),
            self.blocked.eq(Cat(left).any() & ~draw.any() & ~flush.any()),
            self.closed.eq(closed.any()),
            self.busy.eq(Cat(*left, closed).any()),
        ]
        return m

    def _choose_draw(self, m: Module, left: list[Signal], blocked: Value) -> tuple[Signal, Signal]:
        """One-hot sub-tile to draw on, and one-hot which splat of the window."""
        count = len(left[0])
        some = Signal(len(left))
        chosen = Signal(len(left))
        place = Signal(count)
        options = [Signal(count, name=f"option_{k}") for k in range(len(left))]
        # The oldest splat with an option is chosen: what is left of the splats before it is blocked for all.
        m.d.comb += [
            *(option.eq(mask & ~blocked) for option, mask in zip(options, left, strict=True)),
            some.eq(Cat(option.any() for option in options)),
            chosen.eq(lowest(some)),
            place.eq(or_all([lowest(o) & chosen[k].replicate(count) for k, o in enumerate(options)])),
        ]
        return place, chosen

    def _issue(
        self, m: Module, window: list[Signal], draw: Value, chosen: Signal, flush: Signal, recent: list[Signal]
    ) -> None:
        """Registers the operation, its splat, and its sub-tile among the recent ones."""
        place = Signal(len(flush))
        splat = or_all([Value.cast(s) & chosen[k].replicate(len(Value.cast(s))) for k, s in enumerate(window)])
        m.d.comb += place.eq(flush | draw)
        m.d.sync += [
            self.operation.flush.eq(flush.any()),
            self.operation.draw.eq(draw.any()),
            self.operation.place.eq(encode(place)),
            Value.cast(self.splat).eq(splat),
            recent[0].eq(place),
            *(recent[k].eq(recent[k - 1]) for k in range(1, len(recent))),
        ]

    def _advance(self, m: Module, window: list[Signal], left: list[Signal], strike: list[Value], opaque: Value) -> None:
        """Strikes sub-tiles out; a place whose splat is finished is filled from behind, the last one from `i`."""
        size = len(window)
        head = self.i.payload
        moves = [Signal(name=f"moves_{k}") for k in range(size)]  # place k takes its successor
        for k in range(size):
            m.d.comb += moves[k].eq(or_all([left[j] == 0 for j in range(k + 1)]))
        m.d.comb += self.i.ready.eq(Mux(head.end, self.group_end, moves[-1]))
        incoming = head.splat.mask & ~opaque & (self.i.valid & ~head.end).replicate(len(left[0]))
        for k in range(size):
            last = k == size - 1
            rest = left[k] & ~strike[k]
            successor = incoming if last else left[k + 1] & ~strike[k + 1]
            m.d.sync += left[k].eq(Mux(moves[k], successor, rest))
            with m.If(moves[k]):
                m.d.sync += window[k].eq(head.splat if last else window[k + 1])

    def _flush_state(
        self, m: Module, to_flush: Signal, flushing: Signal, flush: Signal, closed: Value, drawing: Value
    ) -> None:
        """Ends groups, and keeps track of opaque sub-tiles and of flushes."""
        count = len(flush)
        through = Signal(count)  # a flush has passed the lanes
        done = Signal(count)
        m.d.comb += [
            through.eq((self.flushed.valid << self.flushed.place)[:count]),
            done.eq(((self.drawn.valid & self.drawn.done) << self.drawn.place)[:count]),
            self.group_end.eq(self.i.valid & self.i.payload.end & ~drawing & ~closed.any()),
        ]
        m.d.sync += [
            flushing.eq((flushing | flush) & ~through),
            self.opaque.eq((self.opaque | done) & ~through),
            to_flush.eq(to_flush & ~flush),
        ]
        with m.If(self.group_end & ~self.continued):
            m.d.sync += to_flush.eq((1 << count) - 1)
        with m.If(~closed.any()):
            m.d.sync += self.silent.eq(0)


def lowest(bits: Value) -> Value:
    """The lowest set bit alone."""
    return (bits & (~bits + 1))[: len(bits)]


def encode(one_hot: Value) -> Value:
    """The number of the one set bit; 0 if there is none."""
    width = (len(one_hot) - 1).bit_length()
    return Cat(or_all([one_hot[k] for k in range(len(one_hot)) if k >> bit & 1]) for bit in range(width))
