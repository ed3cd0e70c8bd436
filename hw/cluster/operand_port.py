"""Reads a node's own flits ahead of the received ones."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.config import Config
from hw.cluster.layouts import INDEX, TURN, ItemLayout
from hw.cluster.send_port import written_enough
from hw.cluster.widen_flit import WidenFlit
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

READ_LATENCY = 2  # of the node's memory


class OperandPort(wiring.Component):
    """Operands in order, as many ahead as its queue has places.

    A word is asked for when what it holds is written and a place is free. From a request to its operand
    at the output 5 cycles; throughput one a cycle with `operand_depth` of 8.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        width = config.spec.link_width
        super().__init__(
            {
                "i": In(stream.Signature(ItemLayout(config.spec))),  #: flits of the operand side
                "o": Out(stream.Signature(width)),  #: their words, widened where the item says so
                "written_turn": In(TURN),  #: number of the turn that is being written
                "written": In(INDEX),  #: how many of its flits are
                "enable": Out(1),  #: asks the memory for the word at `i.payload.address`
                "granted": In(1),  #: the memory serves it in this cycle
                "data": In(width),  #: the word that was granted 2 cycles ago
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        depth, item = self.config.operand_depth, self.i.payload
        m.submodules.widen = widen = WidenFlit(config=self.config)
        m.submodules.queue = queue = StreamQueue(shape=self.config.spec.link_width, depth=depth)
        free = Signal(range(depth + 1), init=depth)
        m.d.comb += [
            self.enable.eq(
                self.i.valid & item.active & (free != 0) & written_enough(item, self.written_turn, self.written)
            ),
            self.i.ready.eq(~item.active | self.granted),
            widen.i.word.eq(self.data),
            queue.i.payload.eq(widen.o),
        ]
        asked, mode = self.granted, [item.widen, item.half]
        for k in range(READ_LATENCY + WidenFlit.latency):
            later = Signal(name=f"asked_{k}")
            m.d.sync += later.eq(asked)
            asked = later
            if k < READ_LATENCY:
                delayed = [Signal(name=f"widen_{k}"), Signal(name=f"half_{k}")]
                m.d.sync += [new.eq(old) for new, old in zip(delayed, mode, strict=True)]
                mode = delayed
        m.d.comb += [widen.i.widen.eq(mode[0]), widen.i.half.eq(mode[1]), queue.i.valid.eq(asked)]
        m.d.sync += free.eq(free - self.granted + transfer(self.o))
        connect(m, queue.o, self.o)
        return m
