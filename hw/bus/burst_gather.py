"""Single words to write, gathered into bursts."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import PAGE_BYTES
from hw.bus.config import index_bits
from hw.lib.memory_port import WriteLayout
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

PATIENCE = 16  # cycles that an open burst waits for its next word
SLACK = 8  # words that may come while a closed burst of full length begins to leave


class BurstLayout(data.StructLayout):
    """A burst of whole memory words, none beyond the page of the first."""

    def __init__(self, memory_width: int, most: int) -> None:
        super().__init__(
            {
                "first": index_bits(memory_width),  #: number of its first word
                "words": range(most + 1),  #: how many
            }
        )


class BurstGather(wiring.Component):
    """Keeps words and says, once a burst of them is closed, where it lies and how long it is.

    A burst is closed in the cycle in which a word comes that does not follow; when it has `most` words
    or ends a page of 4 KiB; when its last word ended a run and none follows at once; after `PATIENCE`
    cycles without a word; and on `flush`. Words pass with latency 2, one a cycle, and `most` of them have
    room before one leaves. None is taken, and no burst is closed, without `room`.

    Raises:
        ValueError: `most` words are more than a page.
    """

    def __init__(self, *, width: int, most: int) -> None:
        if not 1 <= most * width <= 8 * PAGE_BYTES:
            raise ValueError(f"BurstGather: a burst must be 1 to {8 * PAGE_BYTES // width} words, it is {most}")
        self.width, self.most = width, most
        bits = index_bits(width)
        super().__init__(
            {
                "i": In(stream.Signature(WriteLayout(width))),  #: words to write
                "o": Out(stream.Signature(width)),  #: the same words' data, of a burst that may not be closed yet
                "room": In(1),  #: a burst can be closed in this cycle
                "flush": In(1),  #: the open burst is to be closed
                "closes": Out(1),  #: `burst` is whole
                "burst": Out(BurstLayout(width, most)),  #: with `closes`; before it, as far as it has come
                "open": Out(1),  #: words wait for their burst to close
                "last": Out(bits),  #: number of the newest word of the open burst
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.queue = queue = StreamQueue(shape=self.width, depth=self.most + SLACK)
        connect(m, queue.o, self.o)
        burst, word = self.burst, self.i.payload
        low = (self.width // 8 - 1).bit_length()
        index = word.address[low:]
        following = Signal.like(self.last)
        follows, full, ended, late = Signal(), Signal(), Signal(), Signal()
        waited = Signal(range(PATIENCE))
        m.d.comb += [
            queue.i.payload.eq(word.data),
            queue.i.valid.eq(transfer(self.i)),
            self.i.ready.eq(queue.i.ready & self.room),
            follows.eq(transfer(self.i) & (index == following) & ~full),
            self.closes.eq(
                self.open & self.room & ~follows & (full | self.flush | ended | late | transfer(self.i))
            ),
        ]  # fmt: skip
        joins = self.open & ~self.closes
        words = Mux(joins, burst.words, 0) + 1
        with m.If(transfer(self.i)):
            m.d.sync += [
                self.open.eq(1),
                burst.first.eq(Mux(joins, burst.first, index)),
                burst.words.eq(words),
                self.last.eq(index),
                following.eq(index + 1),
                full.eq((words == self.most) | index[: (8 * PAGE_BYTES // self.width - 1).bit_length()].all()),
                ended.eq(word.last),
                late.eq(0),
                waited.eq(0),
            ]
        with m.Elif(self.closes):
            m.d.sync += self.open.eq(0)
        with m.Else():
            m.d.sync += [waited.eq(waited + 1), late.eq(late | (waited == PATIENCE - 1))]
        return m
