"""Brings subtrees from memory, or from the subtree cache, to the LT units."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.spec import SUBTREE_BITS
from hw.lib.burst_reader import BurstReader
from hw.lib.memory import two_port_memory
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lod.config import Config
from hw.lod.layouts import LoadLayout, WordLayout

AHEAD = 64  # loads whose words may be under way
STAYS = 16  # one in so many subtrees that find another in their line replaces it
TOP = 4  # one line in four is kept for the tree's first subtrees


class SubtreeFetch(wiring.Component):
    """A direct-mapped cache of whole subtrees in front of the memory; answers in order.

    A full search reads more subtrees than the cache holds and would replace them all, so a subtree
    that finds another one in its line replaces it only one time in 16. The tree's first subtrees
    stay: a view waits for them level by level, with nothing else to do.

    One load and one word a cycle, hit or miss; a load that hits behind one that misses waits for it. A word
    goes straight into the unit's buffer, which has room for it. The cache is empty after reset and
    after `forget`; loads wait the `cache_subtrees` cycles that this takes.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "forget": In(1),  #: empty the cache; no load is under way
                "i": In(stream.Signature(LoadLayout(config))),  #: subtrees to load
                "tree_address": In(ADDRESS_WIDTH),  #: of subtree 0
                #: words with their loads, in the order of the loads; always taken
                "o": Out(data.StructLayout({"valid": 1, **WordLayout(config).members})),
                "hit": Out(1),  #: a subtree was looked up and is in the cache
                "miss": Out(1),  #: a subtree was looked up and is read from memory
                "turn": Out(1),  #: of the view that `hit` or `miss` is for
                "memory": Out(ReadSignature(config.memory_width)),  #: subtrees
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        waiting = data.StructLayout({"load": LoadLayout(config), "hit": 1, "keep": 1})
        m.submodules.queue = queue = StreamQueue(shape=waiting, depth=AHEAD)
        m.submodules.reader = reader = BurstReader(width=config.memory_width, depth=config.fetch_words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        self._look_up(m, platform, queue.i, reader.i)
        self._answer(m, platform, queue.o, reader.o)
        return m

    def _look_up(self, m: Module, platform: object, waiting: stream.Interface, request: stream.Interface) -> None:
        """Reads the line's tag, then asks the memory if the line holds another subtree."""
        config = self.config
        lines = config.cache_subtrees
        line_bits = (lines - 1).bit_length()
        tag = data.StructLayout({"valid": 1, "tag": SUBTREE_BITS - line_bits})
        write, read = two_port_memory(m, platform, "tags", width=tag.size, depth=lines)
        found = Signal(tag)
        asked = Signal(data.StructLayout({"valid": 1, "load": LoadLayout(config)}))  # its tag is being read
        ready = Signal()  # `waiting.payload` and the request hold a load that has been looked up
        moves, goes = Signal(), Signal()
        fits, top = Signal(), Signal()
        turn = Signal(range(STAYS))
        clearing = Signal(init=1)
        cleared = Signal(line_bits)
        taken, subtree, leaving = (load.visit.subtree for load in (self.i.payload, asked.load, waiting.payload.load))
        # A load waits until earlier loads of its line have written their tag.
        clash = (asked.valid & (subtree[:line_bits] == taken[:line_bits])) | (
            ready & (leaving[:line_bits] == taken[:line_bits])
        )
        m.d.comb += [
            Value.cast(found).eq(read.data),
            fits.eq(found.valid & (found.tag == subtree[line_bits:])),
            top.eq((found.tag == 0) & (subtree[:line_bits] < lines // TOP)),
            moves.eq(asked.valid & (~ready | goes)),
            self.i.ready.eq(~clearing & ~clash & (~asked.valid | moves)),
            read.addr.eq(taken[:line_bits]),
            read.en.eq(transfer(self.i)),
            request.payload.length.eq(config.block_words),
            request.valid.eq(ready & ~waiting.payload.hit & waiting.ready),
            waiting.valid.eq(ready & (waiting.payload.hit | request.ready)),
            goes.eq(transfer(waiting)),
            self.hit.eq(goes & waiting.payload.hit),
            self.miss.eq(goes & ~waiting.payload.hit),
            self.turn.eq(waiting.payload.load.visit.turn),
        ]
        with m.If(goes):
            m.d.sync += ready.eq(0)
        with m.If(moves):
            m.d.sync += [
                asked.valid.eq(0),
                ready.eq(1),
                waiting.payload.load.eq(asked.load),
                waiting.payload.hit.eq(fits),
                waiting.payload.keep.eq(~found.valid | (~top & ((turn == 0) | (subtree < lines // TOP)))),
                request.payload.address.eq(self.tree_address + subtree * config.spec.block_bytes),
            ]
            with m.If(found.valid & ~fits):
                m.d.sync += turn.eq(turn + 1)
        with m.If(transfer(self.i)):
            m.d.sync += [asked.valid.eq(1), asked.load.eq(self.i.payload)]
        m.d.comb += [
            write.addr.eq(Mux(clearing, cleared, leaving[:line_bits])),
            write.data.eq(Mux(clearing, 0, Cat(Const(1, 1), leaving[line_bits:]))),
            write.en.eq(clearing | (self.miss & waiting.payload.keep)),
        ]
        with m.If(self.forget):
            m.d.sync += [clearing.eq(1), cleared.eq(0)]
        with m.Elif(clearing):
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == lines - 1):
                m.d.sync += clearing.eq(0)

    def _answer(self, m: Module, platform: object, waiting: stream.Interface, words: stream.Interface) -> None:
        """Words in the order of the loads; those from memory are kept."""
        config = self.config
        count = config.block_words
        row_bits = (count - 1).bit_length()
        line_bits = (config.cache_subtrees - 1).bit_length()
        write, read = two_port_memory(
            m, platform, "lines", width=config.memory_width, depth=config.cache_subtrees << row_bits
        )
        row = Signal(range(max(count, 2)))
        moves, last, from_cache = Signal(), Signal(), Signal()
        load, hit = waiting.payload.load, waiting.payload.hit
        place = Cat(row[:row_bits], load.visit.subtree[:line_bits])
        word = Signal(config.memory_width)
        m.d.comb += [
            moves.eq(waiting.valid & (hit | words.valid)),
            last.eq(row == count - 1),
            words.ready.eq(waiting.valid & ~hit),
            waiting.ready.eq(moves & last),
            read.addr.eq(place),
            read.en.eq(moves & hit),
            write.addr.eq(place),
            write.data.eq(words.payload),
            write.en.eq(moves & ~hit & waiting.payload.keep),
            self.o.data.eq(Mux(from_cache, read.data, word)),
        ]
        m.d.sync += [
            self.o.valid.eq(moves),
            self.o.load.eq(load),
            self.o.row.eq(row),
            self.o.last.eq(last),
            word.eq(words.payload),
            from_cache.eq(hit),
        ]
        with m.If(moves):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
