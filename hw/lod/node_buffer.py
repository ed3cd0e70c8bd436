"""The nodes of the subtrees that an LT unit holds."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import MASK_BITS
from hw.lib.memory import two_port_memory
from hw.lod.config import Config
from hw.lod.layouts import INDEX_BITS, CandidateLayout, EntranceLayout, WordLayout, block_header_layout, node_layout


class NodeBuffer(wiring.Component):
    """Takes memory words of subtrees and gives a node a cycle, with its subtree's frame.

    Latency 3 cycles from `ask` to `o`; a subtree's nodes may be asked for from the cycle after its
    entrance on. Rows of a context that is being loaded are not asked for.
    """

    latency = 3

    def __init__(self, *, config: Config) -> None:
        self.config = config
        word = data.StructLayout({"valid": 1, **WordLayout(config).members})
        ask = data.StructLayout({"valid": 1, "context": range(config.contexts), "index": INDEX_BITS})
        super().__init__(
            {
                "word": In(word),  #: memory words of subtrees, a subtree's in order
                "begin": In(EntranceLayout(config)),  #: a subtree's entrance, behind its last word
                "ask": In(ask),  #: a node to be read, of a context that is complete
                "o": Out(CandidateLayout(config)),  #: the node that was asked for `latency` cycles ago
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        per_word, width = config.nodes_per_word, config.spec.node_bits
        row_bits = (config.block_words - 1).bit_length()
        lane_bits = (per_word - 1).bit_length()
        load = self.word.load
        write, read = two_port_memory(
            m, platform, "nodes", width=config.memory_width, depth=config.contexts << row_bits
        )
        frame = data.StructLayout({"header": block_header_layout(), "entered": 32, "before": 32, "turn": 1})
        frame_write, frame_read = two_port_memory(m, platform, "frames", width=frame.size, depth=config.contexts)
        todo_write, todo_read = two_port_memory(m, platform, "todo", width=MASK_BITS, depth=config.contexts)
        new = Signal(frame)
        m.d.comb += [
            write.addr.eq(Cat(self.word.row[:row_bits], load.context)),
            write.data.eq(self.word.data),
            write.en.eq(self.word.valid),
            Value.cast(new.header).eq(self.word.data[: block_header_layout().size]),
            new.entered.eq(load.visit.entered),
            new.before.eq(load.visit.before),
            new.turn.eq(load.visit.turn),
            frame_write.addr.eq(load.context),
            frame_write.data.eq(new),
            frame_write.en.eq(self.word.valid & (self.word.row == 0)),
            todo_write.addr.eq(self.begin.context),
            todo_write.data.eq(self.begin.todo),
            todo_write.en.eq(self.begin.valid),
        ]

        asked = Signal.like(self.ask)
        place = Signal(INDEX_BITS + 1)  # in node slots from the block's begin
        m.d.sync += asked.eq(self.ask)
        m.d.comb += [
            place.eq(asked.index + config.spec.header_slots),
            read.addr.eq(Cat(place[lane_bits:][:row_bits], asked.context)),
            read.en.eq(asked.valid),
            frame_read.addr.eq(asked.context),
            frame_read.en.eq(asked.valid),
            todo_read.addr.eq(asked.context),
            todo_read.en.eq(asked.valid),
        ]
        known = Signal.like(self.ask)  # beside the memories' output
        lane = Signal(max(lane_bits, 1))
        m.d.sync += [known.eq(asked), lane.eq(place[:lane_bits])]
        chosen = read.data.word_select(lane, width) if lane_bits else read.data
        old = Signal(frame)
        m.d.comb += Value.cast(old).eq(frame_read.data)
        m.d.sync += [
            self.o.context.eq(known.context),
            self.o.index.eq(known.index),
            Value.cast(self.o.node).eq(chosen[: node_layout(config.spec).size]),
            self.o.header.eq(old.header),
            self.o.entered.eq(old.entered),
            self.o.before.eq(old.before),
            self.o.todo.eq(todo_read.data),
            self.o.turn.eq(old.turn),
        ]
        return m
