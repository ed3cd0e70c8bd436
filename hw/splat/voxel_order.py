"""Orders a frame's voxels by their near bounds, and hands them out group by group."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import WritePort
from amaranth.lib.wiring import In, Out

from hw.lib.fixed import shape_of
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect
from hw.splat.config import Config
from hw.splat.digit_places import DigitPlaces
from hw.splat.voxel_layouts import EntryLayout, ListedLayout, ReachedLayout

WIDE_FROM = 1024  # voxels: for fewer, the places of wide digits take longer to make than more passes
OUT_WAITING = 16  # visits behind the memories …
LEAN_WAITING = 64  # so many are block RAM on ECP5
ON_THE_WAY = 4  # … of which so many may still come when reading is held


class VoxelOrder(wiring.Component):
    """`golden.splat.vsu.voxel_order` and `voxel_lists` of the voxels that come before `end`.

    A stable radix sort between two memories, eight bits a pass (four below `WIDE_FROM` voxels), so that
    equal bounds stay in the order in which they came; a digit that all bounds share has no pass. Then,
    for every row of groups, the voxels that reach it are read from what is sorted and copied to the
    other memory: those of column 0 are sent on at once, and for every later column the copies are read
    again. What no later row or column reaches is not kept for the next reading. Only bounds and ranges
    are moved; what else a visit needs to know lies in a third memory where it came.

    With V voxels, one of which is taken in four cycles: 4·258 cycles, and V + 4 for every pass, to sort
    them; then R_r + 4 for every row of groups and C_rc + 5 for every later column of it, with R_r voxels
    that end in the row or beyond it, and C_rc that reach it and end in the column or beyond it. More
    than `order_voxels` voxels are dropped.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.bits = config.sides_bits
        ends = data.ArrayLayout(self.bits, 2)
        bound = shape_of(config.spec.camera_format)
        self.sorted = data.StructLayout(
            {"slot": range(config.order_voxels), "bound": bound, "first": ends, "last": ends}
        )
        self.digit_bits = 8 if config.order_voxels >= WIDE_FROM else 4
        self.passes = config.spec.camera_format.width // self.digit_bits
        super().__init__(
            {
                "i": In(stream.Signature(ReachedLayout(config.spec, self.bits))),  #: a frame's voxels, by number
                "end": In(1),  #: they have all been taken; ignored unless `taking`
                "taking": Out(1),  #: no frame is being ordered or handed out
                "columns": In(self.bits),  #: of groups, constant from `end` until `taking`
                "rows": In(self.bits),  #: of groups, constant from `end` until `taking`
                "o": Out(stream.Signature(ListedLayout(config.spec))),  #: each group's voxels, then an end mark
                "lost": Out(1),  #: a voxel is dropped in this cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        capacity = self.config.order_voxels
        m.submodules.digits = digits = DigitPlaces(bits=self.digit_bits, turns=self.passes, capacity=capacity)
        held, copied, kept = (Signal(range(capacity + 1)) for _ in range(3))
        turn = Signal(range(self.passes))
        row, column = Signal(self.bits), Signal(self.bits)
        reading, second, hold, length = Signal(), Signal(), Signal(), Signal.like(held)
        word, there, done, writes = self._memories(m, platform, reading, second, hold, length)
        other = Signal()  # what is sorted lies in the second memory
        sorting, copying, keeping = Signal(), Signal(), Signal()  # the word at hand goes to the other memory, or stays
        sends, ends = Signal(), Signal()  # … it is sent on, or an end mark is
        stores = self._hand_out(m, platform, word, sends, ends, hold)

        new = Signal(self.sorted)
        m.d.comb += [
            length.eq(held),
            new.slot.eq(held),
            new.bound.eq(self._key(self.i.payload.bound)),
            new.first.eq(self.i.payload.first),
            new.last.eq(self.i.payload.last),
            stores.addr.eq(held),
            stores.data.eq(Value.cast(self.i.payload.entry)),
            digits.key.eq(new.bound),
            digits.moving.eq(word.bound),
            digits.turn.eq(turn),
            digits.moves.eq(sorting),
            digits.total.eq(held),
        ]
        for k, write in enumerate(writes):
            there_to = sorting & (second != k)
            copies_to = copying & (second != k)
            keeps_in = keeping & (second == k)
            takes = stores.en if k == 0 else 0
            m.d.comb += [
                write.en.eq(takes | there_to | copies_to | keeps_in),
                write.addr.eq(Mux(there_to, digits.place, Mux(copies_to, copied, Mux(keeps_in, kept, held)))),
                write.data.eq(Mux(takes, Value.cast(new), Value.cast(word))),
            ]
        m.d.sync += kept.eq(Mux(reading & ~done, kept + keeping, 0))
        with m.FSM():
            with m.State("CLEAR"):
                with m.If(digits.cleared):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += [
                    self.taking.eq(1),
                    digits.counts.eq(self.i.valid & (held != capacity)),
                    stores.en.eq(digits.counted),
                    self.lost.eq(self.i.valid & (held == capacity)),
                    self.i.ready.eq(digits.counted | self.lost),
                ]
                m.d.sync += [held.eq(held + stores.en), turn.eq(0), other.eq(0)]
                with m.If(self.end):
                    m.next = "PLACES"
            with m.State("PLACES"):
                m.d.comb += digits.begin.eq(1)
                m.d.sync += [row.eq(0), column.eq(0), copied.eq(0)]
                with m.If(digits.begun):
                    m.next = "SORT"
                    with m.If(digits.shared):
                        m.next = "TURN"
            with m.State("SORT"):
                m.d.comb += [reading.eq(1), second.eq(other), sorting.eq(there)]
                with m.If(done):
                    m.d.sync += other.eq(~other)
                    m.next = "TURN"
            with m.State("TURN"):
                m.d.sync += turn.eq(turn + 1)
                m.next = "PLACES"
                with m.If(turn == self.passes - 1):
                    m.next = "ROW"
                    with m.If((self.rows == 0) | (self.columns == 0)):
                        m.d.sync += held.eq(0)
                        m.next = "TAKE"
            with m.State("ROW"):
                here = there & (word.first[1] <= row)
                m.d.comb += [
                    reading.eq(1),
                    second.eq(other),
                    keeping.eq(there & (word.last[1] > row)),
                    copying.eq(here & (word.last[0] > 0)),
                    sends.eq(here & (word.first[0] == 0)),
                ]
                m.d.sync += copied.eq(copied + copying)
                with m.If(done):
                    m.d.sync += held.eq(kept)
                    m.next = "END"
            with m.State("COLUMN"):
                m.d.comb += [
                    reading.eq(1),
                    second.eq(~other),
                    length.eq(copied),
                    keeping.eq(there & (word.last[0] > column)),
                    sends.eq(there & (word.first[0] <= column)),
                ]
                with m.If(done):
                    m.d.sync += copied.eq(kept)
                    m.next = "END"
            with m.State("END"):
                m.d.comb += ends.eq(~hold)
                with m.If(ends):
                    m.d.sync += column.eq(column + 1)
                    m.next = "COLUMN"
                    with m.If(column + 1 == self.columns):
                        m.d.sync += [row.eq(row + 1), column.eq(0), copied.eq(0)]
                        m.next = "ROW"
                        with m.If(row + 1 == self.rows):
                            m.d.sync += held.eq(0)
                            m.next = "TAKE"
        return m

    def _memories(
        self, m: Module, platform: object, reading: Value, second: Value, hold: Value, length: Value
    ) -> tuple[data.View, Value, Value, list[WritePort]]:
        """Two memories, one of which is read from its first row on while `reading`, and their write ports.

        A word may be written back to its own memory at a lower place, which has been read then.

        Returns: the row at hand, that there is one, that all `length` rows have been at hand, the ports.
        """
        width, depth = self.sorted.size, self.config.order_voxels
        ports = [two_port_memory(m, platform, name, width=width, depth=depth) for name in ("front", "back")]
        reads = [read for _, read in ports]
        index = Signal(range(depth + 1))
        asks, asked, there, done = Signal(), Signal(), Signal(), Signal()
        word = Signal(self.sorted)
        m.d.comb += [
            asks.eq(reading & ~hold & (index != length)),
            done.eq(reading & (index == length) & ~asked & ~there),
            *(read.addr.eq(index) for read in reads),
            *(read.en.eq(asks & (second == k)) for k, read in enumerate(reads)),
        ]
        m.d.sync += [
            index.eq(Mux(reading & ~done, index + asks, 0)),
            asked.eq(asks),
            there.eq(asked),
            Value.cast(word).eq(Mux(second, reads[1].data, reads[0].data)),
        ]
        return word, there, done, [write for write, _ in ports]

    def _hand_out(
        self, m: Module, platform: object, word: data.View, sends: Value, ends: Value, hold: Value
    ) -> WritePort:
        """Sends the word at hand with its entry, or an end mark, a cycle later; `hold`: neither may come from now on.

        Returns: the write port of the entries.
        """
        waiting = LEAN_WAITING if self.config.lean else OUT_WAITING
        m.submodules.queue = queue = StreamQueue(shape=self.o.payload.shape(), depth=waiting)
        connect(m, queue.o, self.o)
        write, read = two_port_memory(m, platform, "entries", width=EntryLayout().size, depth=self.config.order_voxels)
        bound, end = Signal.like(word.bound), Signal()
        m.d.comb += [
            read.addr.eq(word.slot),
            read.en.eq(sends),
            Value.cast(queue.i.payload.entry).eq(read.data),
            queue.i.payload.bound.eq(bound),
            queue.i.payload.end.eq(end),
            hold.eq(queue.level > waiting - ON_THE_WAY),
        ]
        m.d.sync += [queue.i.valid.eq(sends | ends), bound.eq(self._key(word.bound)), end.eq(ends)]
        return write

    @staticmethod
    def _key(bound: Value) -> Value:
        """A bound as an unsigned key of the same order; and back."""
        return Cat(bound[:-1], ~bound[-1])
