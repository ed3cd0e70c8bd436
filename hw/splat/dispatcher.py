"""Chooses one splat and one of its sub-tiles in every cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.one_hot import encode, lowest, selected
from hw.lib.payloads import SplatLayout
from hw.lib.tree import or_all
from hw.splat.config import Config
from hw.splat.lane_array import OperationLayout
from hw.splat.layouts import TileSplatLayout
from hw.splat.pixel_lane import HAZARD
from hw.splat.watch import WATCHED_APART, id_bits


class Dispatcher(wiring.Component):
    """Issues a lane group's operations so that every sub-tile sees its splats in order and no hazard occurs.

    A window holds the oldest `issue_window` splats with the sub-tiles they still have to visit. The
    oldest splat goes first, unless its sub-tiles had an operation in the cycle before (of a watched
    one in the 2 before); then a younger one may go, on a sub-tile that no older splat of the window
    waits for. Opaque sub-tiles are struck out. When a square's last splat has gone, its sub-tiles are
    flushed, the first that rests before others and at the pace of `flush_room`, while the next square
    is drawn on those that are flushed already.

    After reset all sub-tiles are flushed once, `silent`, to bring the pixel memories to their
    initial state.
    """

    def __init__(self, *, config: Config, watched: bool = False) -> None:
        self.config, self.watched = config, watched
        spec, count = config.spec, config.places
        place = range(count)
        self.splats = SplatLayout(spec, id_bits(watched))
        watcher = {
            "hold": In(count),  #: sub-tiles that may not be flushed yet; those after reset may
            "finished": In(data.StructLayout({"valid": 1, "place": place})),  #: a sub-tile that no splat need change
        }
        super().__init__(
            {
                "i": In(
                    stream.Signature(TileSplatLayout(spec, count, id_bits(watched)))
                ),  #: splats in drawing order, each square's end
                "operation": Out(OperationLayout(count)),  #: for the lanes, from a register; at most one a cycle
                "splat": Out(self.splats),  #: what `operation` draws; meaningless for a flush
                "silent": Out(1, init=1),  #: flushes are those after reset, whose pixels nobody wants
                "room": In(1),  #: the lanes take one more operation
                "flush_room": In(1),  #: the writer takes one more sub-tile
                #: a drawing operation has passed the lanes; `done`: its sub-tile is opaque
                "drawn": In(data.StructLayout({"valid": 1, "place": place, "done": 1})),
                "flushed": In(data.StructLayout({"valid": 1, "place": place})),  #: a flush has passed the lanes
                **(watcher if watched else {}),
                "opaque": Out(count),  #: sub-tiles all of whose pixels are done
                "closed": Out(1),  #: some sub-tiles still belong to the square before …
                "to_flush": Out(1),  #: … and some of those are not yet on their way out
                "square_end": Out(1),  #: a square's last splat has gone, in this cycle
                "busy": Out(1),  #: there are operations still to come
                "starved": Out(1),  #: nothing is issued, because the window is empty
                "blocked": Out(1),  #: nothing is issued, because of hazards or for want of room
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = self.config.places
        size = self.config.issue_window
        apart = WATCHED_APART if self.watched else HAZARD
        window = [Signal(self.splats, name=f"window_{k}") for k in range(size)]
        left = [Signal(count, name=f"left_{k}") for k in range(size)]  # sub-tiles still to visit
        recent = [Signal(count, name=f"recent_{k}") for k in range(apart - 1)]  # operations of the last cycles
        to_flush = Signal(count, init=(1 << count) - 1)
        flushing = Signal(count)  # issued, not yet through the lanes

        hazards = Signal(count)
        closed = Signal(count)  # sub-tiles that still belong to the square before
        m.d.comb += [hazards.eq(or_all(recent)), closed.eq(to_flush | flushing)]
        rested = Signal(count)  # sub-tiles that may be flushed now
        flushes = Signal()
        flush = Signal(count)
        m.d.comb += [
            rested.eq(to_flush & ~hazards & self._released()),
            flushes.eq(rested.any() & self.room & (self.flush_room | self.silent)),
            flush.eq(lowest(rested) & flushes.replicate(count)),
        ]
        chosen, first = self._choose_draw(m, left, hazards | closed)
        self._issue(m, window, chosen, first, flush, flushes, recent)
        self._advance(m, window, left, chosen & (~flushes).replicate(size), first, self.opaque & ~closed)
        self._flush_state(m, to_flush, flushing, flush, closed, Cat(left).any())
        m.d.comb += [
            self.starved.eq(~Cat(left).any() & ~flushes),
            self.blocked.eq(Cat(left).any() & ~chosen.any() & ~flushes),
            self.closed.eq(closed.any()),
            self.to_flush.eq(to_flush.any()),
            self.busy.eq(Cat(*left, closed).any()),
        ]
        return m

    def _choose_draw(self, m: Module, left: list[Signal], blocked: Value) -> tuple[Signal, list[Signal]]:
        """Which splat of the window draws, one-hot, if any; of each, the first sub-tile that it could draw on.

        Every splat looks for its sub-tile while the splat itself is still being chosen. Whether there is room is asked
        last, of the choice alone.
        """
        some = Signal(len(left))
        chosen = Signal(len(left))
        options = [Signal(len(left[0]), name=f"option_{k}") for k in range(len(left))]
        first = [Signal(len(left[0]), name=f"first_{k}") for k in range(len(left))]
        # The oldest splat with an option is chosen: what is left of the splats before it is blocked for all.
        m.d.comb += [
            *(option.eq(mask & ~blocked) for option, mask in zip(options, left, strict=True)),
            some.eq(Cat(option.any() for option in options)),
            chosen.eq(lowest(some) & self.room.replicate(len(some))),
            *(one.eq(lowest(option)) for one, option in zip(first, options, strict=True)),
        ]
        return chosen, first

    def _issue(
        self, m: Module, window: list[Signal], chosen: Signal, first: list[Signal], flush: Signal,
        flushes: Signal, recent: list[Signal],
    ) -> None:  # fmt: skip
        """Registers the operation, its splat, and its sub-tile among the recent ones."""
        m.d.sync += [
            self.operation.flush.eq(flushes),
            self.operation.draw.eq(chosen.any() & ~flushes),
            self.operation.place.eq(Mux(flushes, encode(flush), selected(chosen, [encode(one) for one in first]))),
            Value.cast(self.splat).eq(selected(chosen, window)),
            recent[0].eq(Mux(flushes, flush, selected(chosen, first))),
            *(recent[k].eq(recent[k - 1]) for k in range(1, len(recent))),
        ]

    def _advance(
        self, m: Module, window: list[Signal], left: list[Signal], draws: Value, first: list[Signal], opaque: Value
    ) -> None:
        """Strikes sub-tiles out; a place whose splat is finished is filled from behind, the last one from `i`."""
        size, count = len(window), len(left[0])
        head = self.i.payload
        moves = [Signal(name=f"moves_{k}") for k in range(size)]  # place k takes its successor
        for k in range(size):
            m.d.comb += moves[k].eq(or_all([left[j] == 0 for j in range(k + 1)]))
        m.d.comb += self.i.ready.eq(Mux(head.end, self.square_end, moves[-1]))
        incoming = head.mask & (self.i.valid & ~head.end).replicate(count)
        for k in range(size):
            last = k == size - 1
            # What is drawn is known last, so it is joined last.
            drawn = first[k] & (draws[k] & ~moves[k]).replicate(count)
            if not last:
                drawn |= first[k + 1] & (draws[k + 1] & moves[k]).replicate(count)
            m.d.sync += left[k].eq(Mux(moves[k], incoming if last else left[k + 1], left[k]) & ~opaque & ~drawn)
            with m.If(moves[k]):
                m.d.sync += window[k].eq(head.splat if last else window[k + 1])

    def _flush_state(
        self, m: Module, to_flush: Signal, flushing: Signal, flush: Signal, closed: Value, drawing: Value
    ) -> None:
        """Ends squares, and keeps track of opaque sub-tiles and of flushes."""
        count = len(flush)
        through = Signal(count)  # a flush has passed the lanes
        done = Signal(count)
        m.d.comb += [
            through.eq((self.flushed.valid << self.flushed.place)[:count]),
            done.eq(((self.drawn.valid & self.drawn.done) << self.drawn.place)[:count] | self._finished()),
            self.square_end.eq(self.i.valid & self.i.payload.end & ~drawing & ~closed.any()),
        ]
        m.d.sync += [
            flushing.eq((flushing | flush) & ~through),
            self.opaque.eq((self.opaque | done) & ~through),
            to_flush.eq(to_flush & ~flush),
        ]
        with m.If(self.square_end):
            m.d.sync += to_flush.eq((1 << count) - 1)
        with m.If(~closed.any()):
            m.d.sync += self.silent.eq(0)

    def _released(self) -> Value:
        """A bit for each sub-tile: nobody holds its flush up."""
        places = (1 << self.config.places) - 1
        return ~self.hold | self.silent.replicate(self.config.places) if self.watched else Const(places)

    def _finished(self) -> Value:
        """A bit for the sub-tile that the watcher ends in this cycle, if there is a watcher and it ends one."""
        if not self.watched:
            return Const(0)
        return (self.finished.valid << self.finished.place)[: self.config.places]
