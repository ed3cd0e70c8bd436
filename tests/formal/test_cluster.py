"""Four nodes on the exchange network under arbitrary back-pressure: nothing lost, overwritten, or stuck."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Const, Elaboratable, Module, Mux, ResetSignal, Signal

from golden.cluster.spec import Schedule
from hw.cluster.config import Config, tiny
from hw.cluster.exchange import Exchange, source_of
from hw.cluster.receive_port import ReceivePort
from hw.cluster.send_port import SendPort
from hw.lib.stream import transfer
from tests.formal.prove import RefutedError, prove
from tests.formal.spec import Scoreboard

SMALL = replace(tiny(), receive_depth=2)
QUIET = 8  # cycles in which everything under way arrives


class Ports(Elaboratable):
    """Send and receive ports of four nodes on the exchange network; pauses of each node are free inputs."""

    def __init__(self, config: Config = SMALL) -> None:
        self.config, spec = config, config.spec
        self.pause = Signal(spec.nodes)
        self.ports = [self.pause]
        self.sends = [SendPort(config=config) for _ in range(spec.nodes)]
        self.receives = [ReceivePort(config=config) for _ in range(spec.nodes)]
        self.exchange = Exchange(config=config)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.config.spec
        m.submodules.exchange = exchange = self.exchange
        m.d.comb += Assume(~ResetSignal())
        for k, (send, receive) in enumerate(zip(self.sends, self.receives, strict=True)):
            m.submodules[f"send_{k}"], m.submodules[f"receive_{k}"] = send, receive
            m.d.comb += [
                exchange.sent_link[k].eq(send.link),
                send.credit.eq(exchange.credit_in[k]),
                exchange.credit_out[k].eq(receive.credit),
                receive.valid.eq(exchange.valid[k]),
                *(receive.data[n].eq(exchange.data[source_of(spec, k, n)]) for n in range(spec.links)),
                send.pause.eq(self.pause[k]),
                receive.pause.eq(self.pause[k]),
                receive.read_turn.eq(send.read_turn),
                receive.read.eq(send.read),
            ]
            m.d.sync += Assert(~receive.lost, "a flit arrived without room")
            self._drive(m, k, send, receive)
        return m

    def _drive(self, m: Module, k: int, send: SendPort, receive: ReceivePort) -> None:
        """What the ports have to send and to take."""
        m.d.comb += [send.i.valid.eq(0), receive.i.valid.eq(0)]


class AnyTraffic(Ports):
    """Every node sends on any link and takes from any link at any time; flits carry two free bits."""

    def __init__(self) -> None:
        super().__init__()
        nodes, links = self.config.spec.nodes, self.config.spec.links
        self.choices = [
            tuple(Signal(width, name=f"{name}_{k}") for name, width in (("to", 2), ("from", 2), ("bits", 2), ("on", 2)))
            for k in range(nodes)
        ]
        self.ports += [signal for choice in self.choices for signal in choice]
        self.boards = [Scoreboard(shape=2, capacity=self.config.receive_depth) for _ in range(links)]

    def _drive(self, m: Module, k: int, send: SendPort, receive: ReceivePort) -> None:
        to, source, bits, on = self.choices[k]
        links = self.config.spec.links
        m.d.comb += [
            send.i.valid.eq(on[0] & (to < links)),
            send.i.payload.active.eq(1),
            send.i.payload.link.eq(to),
            self.exchange.sent[k].eq(bits),
            receive.i.valid.eq(on[1] & (source < links)),
            receive.i.payload.active.eq(1),
            receive.i.payload.link.eq(source),
            receive.i.payload.turn.eq(-1),
        ]
        if k == 1:
            for link, board in enumerate(self.boards):
                self._watch(m, link, board, receive)

    def _watch(self, m: Module, link: int, board: Scoreboard, receive: ReceivePort) -> None:
        """Node 1 takes from each link what was sent to it on that link, once and in order."""
        source = source_of(self.config.spec, 1, link)
        m.submodules[f"board_{link}"] = board
        taken = Signal(name=f"taken_{link}")
        m.d.sync += taken.eq(transfer(receive.i) & (receive.i.payload.link == link))
        m.d.comb += [
            board.push.eq(self.sends[source].link[link]),
            board.pushed.eq(self.choices[source][2]),
            board.offer.eq(taken),
            board.offered.eq(receive.o.received[:2]),
            board.pop.eq(taken),
        ]


class Collective(Ports):
    """All nodes go through `turns` turns of `flits` flits of a schedule.

    The first turn waits for nothing, the second follows it flit by flit. In place of sequencer, walkers,
    memory and ALU stand counters; a result is written when its flit is taken.
    """

    def __init__(self, schedule: Schedule, *, turns: int = 2, flits: int = 2, probe: bool = False) -> None:
        super().__init__()
        self.schedule, self.turns, self.flits, self.probe = schedule, turns, flits, probe
        self.taken: list[Signal] = []  # by node: turns of which all flits are taken

    def _link(self, turn: Signal) -> Const | Mux:
        spec = self.config.spec
        if self.schedule == Schedule.RING:
            return Const(spec.link(Schedule.ROTATE, 0), 2)
        return Mux(turn[0], spec.link(self.schedule, 1), spec.link(self.schedule, 0))

    def _drive(self, m: Module, k: int, send: SendPort, receive: ReceivePort) -> None:
        positions = []
        for port, name in ((send, "send"), (receive, "receive")):
            turn, index = Signal(2, name=f"{name}_turn_{k}"), Signal(2, name=f"{name}_index_{k}")
            item = port.i.payload
            m.d.comb += [
                port.i.valid.eq(turn != self.turns),
                item.active.eq(1),
                item.turn.eq(turn),
                item.index.eq(index),
                item.last.eq(index == self.flits - 1),
                item.link.eq(self._link(turn)),
                item.need.eq(index + 1),
                item.stream.eq(turn[0]),
                item.wait.eq(1),
            ]
            with m.If(transfer(port.i)):
                m.d.sync += [index.eq(Mux(item.last, 0, index + 1)), turn.eq(turn + item.last)]
            positions.append((turn, index))
        turn, index = positions[1]
        m.d.comb += [send.written_turn.eq(turn), send.written.eq(index)]
        self.taken.append(turn)

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        quiet = Signal(range(QUIET + 2))
        done = Cat(turn == self.turns for turn in self.taken).all()
        moves = Cat(transfer(port.i) for port in [*self.sends, *self.receives]).any()
        m.d.sync += quiet.eq(Mux(moves | self.pause.any() | done, 0, quiet + 1))
        m.d.sync += Assert(quiet <= QUIET, "the nodes wait for each other")
        if self.probe:
            m.d.sync += Assert(~done, "the goal is reached")
        return m


def test_nothing_is_lost_or_overwritten(tmp_path: Path) -> None:
    """For runs of any length and any traffic, not only a schedule's."""
    prove(AnyTraffic(), tmp_path)


@pytest.mark.parametrize(
    ("schedule", "turns", "flits"),
    [
        pytest.param(Schedule.XOR, 2, 2, marks=pytest.mark.slow),
        pytest.param(Schedule.ROTATE, 2, 2, marks=pytest.mark.slow),
        (Schedule.RING, 1, 3),
        pytest.param(Schedule.RING, 2, 2, marks=pytest.mark.slow),
    ],
)
def test_nobody_waits_for_ever(schedule: Schedule, turns: int, flits: int, tmp_path: Path) -> None:
    """Whatever the pauses before: after `QUIET` cycles without one something has moved, or all is done.

    Two flits fill a receive buffer of two places, three need a credit that has come back.
    """
    prove(Collective(schedule, turns=turns, flits=flits), tmp_path)


def test_a_collective_ends(tmp_path: Path) -> None:
    with pytest.raises(RefutedError, match="the goal is reached"):
        prove(Collective(Schedule.XOR, probe=True), tmp_path)
