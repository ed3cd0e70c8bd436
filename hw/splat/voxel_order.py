"""Orders a frame's voxels by their near bounds, and hands them out group by group."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import WritePort
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect
from hw.splat.config import Config
from hw.splat.layouts import ListedLayout, ReachedLayout

DIGIT_BITS = 4
DIGITS = 1 << DIGIT_BITS
OUT_WAITING = 8  # entries behind the memory …
ON_THE_WAY = 3  # … of which so many may still come when reading is held


class VoxelOrder(wiring.Component):
    """`golden.splat.vsu.voxel_order` and `voxel_lists` of the voxels that come before `end`.

    A radix sort between two memories, four bits a pass, each pass counting the digits of the next, so
    that equal bounds stay in the order in which they came. Then, for every row of groups, the voxels
    that reach it are copied to the second memory, and for every group of the row those copies that
    reach its column are sent on.

    With V voxels, R rows of groups with V_r voxels each and C columns: V cycles to take them, 8·(V + 20)
    to sort and R·(V + 4) + C·Σ(V_r + 5) to hand them out. More than `order_voxels` voxels are dropped.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.bits = config.sides_bits
        self.reached = ReachedLayout(config.spec, self.bits)
        self.passes = config.spec.camera_format.width // DIGIT_BITS  # even: what is sorted ends where it began
        super().__init__(
            {
                "i": In(stream.Signature(self.reached)),  #: a frame's voxels, by number
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
        m.submodules.queue = queue = StreamQueue(shape=self.o.payload.shape(), depth=OUT_WAITING)
        connect(m, queue.o, self.o)
        held, copied = Signal(range(capacity + 1)), Signal(range(capacity + 1))
        turn = Signal(range(self.passes))
        row, column = Signal(self.bits), Signal(self.bits)
        reading, second, hold, length = Signal(), Signal(), Signal(), Signal.like(held)
        word, there, done, writes = self._memories(m, platform, reading, second, hold, length)

        taken, sorting, prefixing, copying = Signal(), Signal(), Signal(), Signal()
        first, later = word.bound[:DIGIT_BITS], word.bound[DIGIT_BITS : 2 * DIGIT_BITS]
        counted = Mux(taken, self.i.payload.bound[:DIGIT_BITS], later)
        counts = taken | (sorting & (turn != self.passes - 1))
        offset, prefixed = self._offsets(m, counted, counts, first, sorting, prefixing, length=held)
        new, turned = Signal(self.reached), Signal(self.reached)
        m.d.comb += [
            new.eq(self.i.payload),
            new.bound.eq(self._key(self.i.payload.bound)),
            turned.eq(word),
            turned.bound.eq(Cat(word.bound[DIGIT_BITS:], first)),
            length.eq(held),
            queue.i.payload.number.eq(word.number),
            queue.i.payload.bound.eq(self._key(word.bound)),
        ]
        self._write(m, writes[0], taken, held, new, sorting & second, offset, turned)
        self._write(m, writes[1], sorting & ~second, offset, turned, copying, copied, word)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += [
                    self.taking.eq(1),
                    self.i.ready.eq(1),
                    taken.eq(self.i.valid & (held != capacity)),
                    self.lost.eq(self.i.valid & (held == capacity)),
                ]
                m.d.sync += [held.eq(held + taken), turn.eq(0)]
                with m.If(self.end):
                    m.next = "PREFIX"
            with m.State("PREFIX"):
                m.d.comb += prefixing.eq(1)
                with m.If(prefixed):
                    m.next = "SORT"
            with m.State("SORT"):
                m.d.comb += [reading.eq(1), second.eq(turn[0]), sorting.eq(there)]
                m.d.sync += [row.eq(0), copied.eq(0)]
                with m.If(done):
                    m.d.sync += turn.eq(turn + 1)
                    with m.If(turn != self.passes - 1):
                        m.next = "PREFIX"
                    with m.Elif((self.rows == 0) | (self.columns == 0)):
                        m.d.sync += held.eq(0)
                        m.next = "TAKE"
                    with m.Else():
                        m.next = "ROW"
            with m.State("ROW"):
                m.d.comb += [reading.eq(1), copying.eq(there & (word.first[1] <= row) & (row <= word.last[1]))]
                m.d.sync += [copied.eq(copied + copying), column.eq(0)]
                with m.If(done):
                    m.next = "COLUMN"
            with m.State("COLUMN"):
                m.d.comb += [
                    reading.eq(1),
                    second.eq(1),
                    length.eq(copied),
                    hold.eq(queue.level > OUT_WAITING - ON_THE_WAY),
                    queue.i.valid.eq(there & (word.first[0] <= column) & (column <= word.last[0])),
                ]
                with m.If(done):
                    m.next = "END"
            with m.State("END"):
                m.d.comb += [queue.i.payload.end.eq(1), queue.i.valid.eq(1)]
                with m.If(queue.i.ready):
                    m.d.sync += column.eq(column + 1)
                    m.next = "COLUMN"
                    with m.If(column + 1 == self.columns):
                        m.d.sync += [row.eq(row + 1), copied.eq(0)]
                        m.next = "ROW"
                        with m.If(row + 1 == self.rows):
                            m.d.sync += held.eq(0)
                            m.next = "TAKE"
        return m

    def _memories(
        self, m: Module, platform: object, reading: Value, second: Value, hold: Value, length: Value
    ) -> tuple[data.View, Value, Value, list[WritePort]]:
        """Two memories, one of which is read from its first row on while `reading`, and their write ports.

        Returns: the row at hand, that there is one, that all `length` rows have been at hand, the ports.
        """
        width, depth = self.reached.size, self.config.order_voxels
        ports = [two_port_memory(m, platform, name, width=width, depth=depth) for name in ("front", "back")]
        reads = [read for _, read in ports]
        index = Signal(range(depth + 1))
        asks, asked, there, done = Signal(), Signal(), Signal(), Signal()
        word = Signal(self.reached)
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

    def _offsets(
        self, m: Module, counted: Value, counts: Value, digit: Value, moves: Value, prefixing: Value, *, length: Value
    ) -> tuple[Value, Value]:
        """Where the next voxel with `digit` goes in this pass; and that `prefixing` is done.

        Counts `counted` if `counts`; `prefixing` turns the counts into this pass's first places.
        """
        numbers = Array(Signal.like(length, name=f"count_{k}") for k in range(DIGITS))
        places = Array(Signal.like(length, name=f"place_{k}") for k in range(DIGITS))
        k, below = Signal(DIGIT_BITS), Signal.like(length)
        with m.If(counts):
            m.d.sync += numbers[counted].eq(numbers[counted] + 1)
        with m.If(moves):
            m.d.sync += places[digit].eq(places[digit] + 1)
        with m.If(prefixing):
            m.d.sync += [k.eq(k + 1), places[k].eq(below), below.eq(below + numbers[k]), numbers[k].eq(0)]
        with m.Else():
            m.d.sync += below.eq(0)
        return places[digit], prefixing & (k == DIGITS - 1)

    @staticmethod
    def _key(bound: Value) -> Value:
        """A bound as an unsigned key of the same order; and back."""
        return Cat(bound[:-1], ~bound[-1])

    @staticmethod
    def _write(
        m: Module, port: WritePort, a: Value, address_a: Value, data_a: Value, b: Value, address_b: Value, data_b: Value
    ) -> None:
        """One of two sources, never both at once."""
        m.d.comb += [
            port.en.eq(a | b),
            port.addr.eq(Mux(a, address_a, address_b)[: len(port.addr)]),
            port.data.eq(Mux(a, Value.cast(data_a), Value.cast(data_b))),
        ]
