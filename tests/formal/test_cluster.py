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

FLITS = 2  # of a turn
ALU = 1  # cycles of the stand-in for the vector ALU
QUIET = 8  # cycles in which everything under way arrives
TURNS = 4  # two collectives
SMALL = replace(tiny(), receive_depth=2)


class Nodes(Elaboratable):
    """Send and receive ports of four nodes on the real exchange network.

    In place of sequencer, walkers, memory and ALU stand counters: every node goes through `TURNS`
    turns of `FLITS` flits, by turns a collective's first (which waits for all before it) and its second
    (which follows flit by flit), and results are written `ALU` cycles after a flit was taken.
    Pauses of each node are free inputs. A flit carries its sender's turn and number.
    """

    def __init__(self, schedule: Schedule, config: Config = SMALL, *, probe: bool = False) -> None:
        self.schedule, self.config, self.probe = schedule, config, probe
        self.pause = Signal(config.spec.nodes)
        self.ports = [self.pause]

    def _link(self, turn: Signal) -> Mux:
        spec = self.config.spec
        if self.schedule == Schedule.RING:
            return Const(spec.link(Schedule.ROTATE, 0), 2)
        return Mux(turn[0], spec.link(self.schedule, 1), spec.link(self.schedule, 0))

    def _drive(self, m: Module, port: SendPort | ReceivePort, name: str) -> Signal:
        """Feeds a port with the flits of all turns."""
        turn, index = Signal(range(TURNS + 1), name=f"{name}_turn"), Signal(2, name=f"{name}_index")
        item = port.i.payload
        m.d.comb += [
            port.i.valid.eq(turn != TURNS),
            item.active.eq(1),
            item.turn.eq(turn),
            item.index.eq(index),
            item.last.eq(index == FLITS - 1),
            item.link.eq(self._link(turn)),
            item.need.eq(index + 1),
            item.stream.eq(turn[0]),
            item.wait.eq(1),
        ]
        with m.If(transfer(port.i)):
            m.d.sync += [index.eq(Mux(item.last, 0, index + 1)), turn.eq(turn + item.last)]
        return turn

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        m.d.comb += Assume(~ResetSignal())
        m.submodules.exchange = exchange = Exchange(config=self.config)
        sends, receives, turns = [], [], []
        for k in range(spec.nodes):
            m.submodules[f"send_{k}"] = send = SendPort(config=self.config)
            m.submodules[f"receive_{k}"] = receive = ReceivePort(config=self.config)
            sends.append(send)
            receives.append(receive)
            turns.append(self._drive(m, receive, f"receive{k}"))
            self._drive(m, send, f"send{k}")
            flit = send.i.payload
            m.d.comb += [
                exchange.sent[k].eq(Cat(flit.turn[:2], flit.index[:1])),
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
            written, turn = Signal(2, name=f"written_{k}"), Signal(6, name=f"written_turn_{k}")
            stages = [Cat(receive.o_valid, receive.o.tag.last)]
            for stage in range(ALU):
                stages.append(Signal(2, name=f"alu_{k}_{stage}"))
                m.d.sync += stages[-1].eq(stages[-2])
            with m.If(stages[-1][0]):
                m.d.sync += [
                    written.eq(Mux(stages[-1][1], 0, written + 1)),
                    turn.eq(turn + stages[-1][1]),
                ]
            m.d.comb += [send.written.eq(written), send.written_turn.eq(turn)]
            self._claims(m, k, receive)
        self._progress(m, sends, receives, turns)
        return m

    def _claims(self, m: Module, k: int, receive: ReceivePort) -> None:
        """No buffer overflows; what a node takes is the flit that its turn is about."""
        item = receive.i.payload
        expected = Signal(3, name=f"expected_{k}")
        taken = Signal(name=f"taken_{k}")
        m.d.sync += [expected.eq(Cat(item.turn[:2], item.index[:1])), taken.eq(transfer(receive.i))]
        m.d.sync += Assert(~receive.lost, "a flit arrived without room")
        with m.If(taken):
            m.d.sync += Assert(receive.o.received[:3] == expected, "a node takes another flit than its turn's")

    def _progress(self, m: Module, sends: list[SendPort], receives: list[ReceivePort], turns: list[Signal]) -> None:
        """Without pauses something moves within `QUIET` cycles, whatever the pauses before."""
        quiet = Signal(range(QUIET + 2))
        done = Cat(turn == TURNS for turn in turns).all()
        moves = Cat(transfer(port.i) for port in [*sends, *receives]).any()
        m.d.sync += quiet.eq(Mux(moves | self.pause.any() | done, 0, quiet + 1))
        m.d.sync += Assert(quiet <= QUIET, "the nodes wait for each other")
        if self.probe:
            m.d.sync += Assert(~done, "the goal is reached")


@pytest.mark.parametrize("schedule", list(Schedule), ids=lambda s: s.name.lower())
def test_nothing_is_lost_and_nobody_waits_for_ever(schedule: Schedule, tmp_path: Path) -> None:
    prove(Nodes(schedule), tmp_path, depth=24)


def test_runs_reach_later_turns(tmp_path: Path) -> None:
    with pytest.raises(RefutedError, match="the goal is reached"):
        prove(Nodes(Schedule.XOR, probe=True), tmp_path, depth=40)
