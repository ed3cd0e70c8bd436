"""A node: local memory, vector ALU, and what moves flits between them and the links."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.compute import Compute
from hw.cluster.config import Config
from hw.cluster.layouts import (
    INDEX,
    TURN,
    BeatLayout,
    HostLayout,
    ItemLayout,
    SettingsLayout,
    WalkLayout,
    command_layout,
)
from hw.cluster.merge_lanes import MergeLanes
from hw.cluster.node_memory import NodeMemory
from hw.cluster.operand_port import READ_LATENCY, OperandPort
from hw.cluster.phase import phase_port
from hw.cluster.receive_port import ReceivePort
from hw.cluster.send_port import SendPort
from hw.cluster.sequencer import Sequencer
from hw.cluster.serial_alu import SerialAlu
from hw.cluster.serial_lanes import SerialLanes
from hw.cluster.vector_alu import VectorAlu
from hw.cluster.walker import Walker
from hw.cluster.widen_flit import WidenFlit
from hw.lib.bypass_buffer import BypassBuffer
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from hw.lib.tree import add_all

CLIPPED = 4  # bits of a number of codes
TURNS_AHEAD = 4  # turns that wait on each side


class EventLayout(data.StructLayout):
    """What happened in a node in the cycle before, for counters and watchdog."""

    def __init__(self) -> None:
        super().__init__(
            {
                "sent": 1,  #: a flit left
                "taken": 1,  #: a received flit was taken, or an idle side passed
                "credit_stall": 1,  #: a flit to send waited for a place at its peer
                "order_stall": 1,  #: it waited for a result
                "receive_wait": 1,  #: the next flit to take had not arrived
                "lost": 1,  #: a flit arrived without room; never
                "clipped": CLIPPED,  #: how many codes of the cache were clipped
            }
        )


class Node(wiring.Component):
    """Executes collective commands turn by turn; equals a node of `golden.cluster.model.Cluster`.

    Sending, reading operands and receiving walk through the turns independently; who may go on
    is decided flit by flit: a read waits until the turn before has written what it reads, a received
    flit until the node has sent its own of that number, a sent one until the peer has room. All of
    these wait for flits of lower (turn, number) only, so that nodes cannot wait in a circle.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        super().__init__(
            {
                **phase_port(config.interval),
                "rank": In(range(spec.nodes)),  #: of this node, constant
                "i": In(stream.Signature(command_layout())),  #: collective commands
                "sent": Out(spec.link_width),  #: a flit for one of the node's links
                "sent_link": Out(spec.links),  #: that link, one-hot; 0: no flit
                "credit_in": In(spec.links),  #: a place at the other end of these links is free again
                "data": In(spec.link_width).array(spec.links),  #: by link: the flit that arrives, if `valid`
                "valid": In(spec.links),  #: a flit arrives on these links; it is never held back
                "credit_out": Out(spec.links),  #: a place of these links' receive buffers is free again
                "pause": In(1),  #: the node's links carry nothing in this cycle
                "host": In(HostLayout(spec)),  #: access to the memory while the node is idle
                "host_data": Out(spec.link_width),  #: the word read 3 cycles ago
                "beat": In(BeatLayout(spec)),  #: of the decode unit, while the node is idle
                "flit": In(spec.link_width),  #: the node's lane of the beat's word
                "settings": In(SettingsLayout(spec)),  #: of the decode unit's command
                "idle": Out(1),  #: no command is left
                "waits": Out(1),  #: a flit has not arrived, or a credit has not come back
                "waits_for": Out(range(spec.nodes)),  #: the node that it should have come from
                "turn": Out(TURN),  #: number of the turn that is being written
                "events": Out(EventLayout()),  #: what happens, for the counters
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.commands = commands = StreamQueue(shape=command_layout(), depth=config.command_depth)
        m.submodules.sequencer = sequencer = Sequencer(config=config)
        m.submodules.memory = memory = NodeMemory(config=config)
        m.submodules.send = send = SendPort(config=config)
        m.submodules.operand = operand = OperandPort(config=config)
        m.submodules.receive = receive = ReceivePort(config=config)
        alu, lanes = self._arithmetic(m)
        connect(m, self.i, commands.i)
        connect(m, commands.o, sequencer.i)
        issued = self._walk(m, sequencer, {"send": send.i, "operand": operand.i, "receive": receive.i})
        m.d.comb += sequencer.rank.eq(self.rank)

        written = Signal(INDEX)
        tag = alu.o.tag
        with m.If(alu.o_valid):
            m.d.sync += written.eq(written + 1)
            with m.If(tag.last):
                m.d.sync += [written.eq(0), self.turn.eq(self.turn + 1)]
        for port in (send, operand):
            m.d.comb += [port.written_turn.eq(self.turn), port.written.eq(written)]
        m.d.comb += [
            receive.read_turn.eq(send.read_turn),
            receive.read.eq(send.read),
            receive.merge_busy.eq(alu.merge_busy),
            receive.combine_busy.eq(alu.combine_busy),
            alu.valid.eq(receive.o_valid),
            alu.i.eq(receive.o),
            lanes.merge.eq(alu.merge),
            lanes.merges.eq(alu.merges),
            lanes.add.eq(alu.add),
            send.pause.eq(self.pause),
            receive.pause.eq(self.pause),
        ]
        connect(m, operand.o, receive.own)
        self._links(m, send, receive)
        self._memory(m, memory, send, operand, alu)
        if config.spec.compute:
            self._compute(m, memory, lanes)
        m.d.comb += [
            self.idle.eq((commands.level == 0) & ~sequencer.valid & (issued == self.turn) & (issued == send.read_turn)),
            self.waits.eq(receive.waits | send.starved),
            self.waits_for.eq(Mux(receive.waits, receive.i.payload.peer, send.i.payload.peer)),
        ]
        m.d.sync += [
            self.events.sent.eq(send.go),
            self.events.taken.eq(transfer(receive.i)),
            self.events.credit_stall.eq(send.starved),
            self.events.order_stall.eq(send.blocked),
            self.events.receive_wait.eq(receive.waits),
            self.events.lost.eq(receive.lost),
        ]
        if config.interval > 1:
            m.d.comb += receive.phase.eq(self.phase)
        return m

    def _arithmetic(self, m: Module) -> tuple[VectorAlu, MergeLanes] | tuple[SerialAlu, SerialLanes]:
        spec, interval = self.config.spec, self.config.interval
        if interval == 1:
            m.submodules.alu = alu = VectorAlu(spec=spec)
            m.submodules.lanes = lanes = MergeLanes(spec=spec)
            m.d.comb += alu.lanes.eq(lanes.o)
            return alu, lanes
        m.submodules.alu = alu = SerialAlu(spec=spec, interval=interval)
        m.submodules.lanes = lanes = SerialLanes(spec=spec)
        m.d.comb += [
            alu.turn.eq(self.phase),
            alu.merged.eq(lanes.o),
            alu.sum.eq(lanes.sum),
            lanes.zero.eq(alu.zero),
            alu.exponential.eq(lanes.exponential),
        ]
        return alu, lanes

    def _walk(self, m: Module, sequencer: Sequencer, sides: dict[str, stream.Interface]) -> Signal:
        """A queue of turns and a walker for each side. Returns the number of turns that were issued."""
        queues = []
        issued = Signal(TURN)
        for name, side in sides.items():
            m.submodules[f"{name}_turns"] = queue = StreamQueue(shape=WalkLayout(self.config.spec), depth=TURNS_AHEAD)
            m.submodules[f"{name}_walker"] = walker = Walker(config=self.config)
            # Whether a flit may go is decided late in the cycle; that must not reach into the walker.
            m.submodules[f"{name}_items"] = items = BypassBuffer(shape=ItemLayout(self.config.spec))
            m.d.comb += queue.i.payload.eq(getattr(sequencer, name))
            connect(m, queue.o, walker.i)
            connect(m, walker.o, items.i)
            connect(m, items.o, side)
            queues.append(queue)
        m.d.comb += sequencer.ready.eq(Cat(queue.i.ready for queue in queues).all())
        moves = sequencer.valid & sequencer.ready
        m.d.comb += [queue.i.valid.eq(moves) for queue in queues]
        m.d.sync += issued.eq(issued + moves)
        return issued

    def _links(self, m: Module, send: SendPort, receive: ReceivePort) -> None:
        m.d.comb += [
            send.credit.eq(self.credit_in),
            self.credit_out.eq(receive.credit),
            receive.valid.eq(self.valid),
            *(inner.eq(outer) for inner, outer in zip(receive.data, self.data, strict=True)),
        ]

    def _compute(self, m: Module, memory: NodeMemory, lanes: MergeLanes | SerialLanes) -> None:
        """The decode unit, which has the memory for itself while it works."""
        m.submodules.compute = compute = Compute(spec=self.config.spec, interval=self.config.interval)
        if isinstance(lanes, SerialLanes):
            m.d.comb += [
                compute.phase.eq(self.phase),
                lanes.distance.eq(compute.distance),
                compute.exponential.eq(lanes.exponential),
                lanes.multiply.eq(compute.multiply),
                compute.product.eq(lanes.product),
            ]
        m.d.comb += [
            compute.rank.eq(self.rank),
            compute.beat.eq(self.beat),
            compute.flit.eq(self.flit),
            compute.settings.eq(self.settings),
            compute.word.eq(memory.first_data),
            lanes.turns.eq(compute.turns),
            lanes.turn.eq(compute.turn),
            compute.turned.eq(lanes.o),
        ]
        with m.If(compute.read.enable):
            m.d.comb += memory.first.eq(compute.read)
        with m.If(compute.write.enable):
            m.d.comb += memory.write.eq(compute.write)
        m.d.sync += self.events.clipped.eq(compute.clipped)

    def _memory(
        self, m: Module, memory: NodeMemory, send: SendPort, operand: OperandPort, alu: VectorAlu | SerialAlu
    ) -> None:
        """The send side reads first, operands second; results and the host write."""
        m.submodules.widen = widen = WidenFlit(config=self.config)
        item = send.i.payload
        host = Signal(self.host.shape())  # at this node's own address
        reach = Signal.like(self.host.address)
        m.d.sync += [
            reach.eq(add_all([Mux(bit, self.host.stride << k, 0) for k, bit in enumerate(self.rank)])),
            host.eq(self.host),
            host.address.eq(self.host.address + reach),
        ]
        m.d.comb += [
            memory.first.enable.eq(send.go | host.read),
            memory.first.address.eq(Mux(host.read, host.address, item.address)),
            memory.second.enable.eq(operand.enable),
            memory.second.address.eq(operand.i.payload.address),
            operand.granted.eq(memory.granted),
            operand.data.eq(memory.second_data),
            memory.write.enable.eq((alu.o_valid & alu.o.tag.write) | host.write),
            memory.write.address.eq(Mux(host.write, host.address, alu.o.tag.address)),
            memory.write.data.eq(Mux(host.write, host.data, alu.o.data)),
            widen.i.word.eq(memory.first_data),
            self.host_data.eq(memory.first_data),
            self.sent.eq(widen.o),
        ]
        modes: list[Value] = [Cat(item.widen, item.half)]
        leaving: list[Value] = [send.link]
        for k in range(READ_LATENCY + WidenFlit.latency):
            leaving.append(Signal(self.config.spec.links, name=f"leaving_{k}"))
            m.d.sync += leaving[-1].eq(leaving[-2])
            if k < READ_LATENCY:
                modes.append(Signal(2, name=f"mode_{k}"))
                m.d.sync += modes[-1].eq(modes[-2])
        m.d.comb += [Cat(widen.i.widen, widen.i.half).eq(modes[-1]), self.sent_link.eq(leaving[-1])]
