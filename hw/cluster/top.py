"""The cluster network: a program of collectives from memory to memory."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from golden.cluster.spec import Status
from hw.cluster.command_issuer import CommandIssuer
from hw.cluster.config import Config
from hw.cluster.feeder import Feeder
from hw.cluster.layouts import TURN
from hw.cluster.mover import Mover
from hw.cluster.network import Network
from hw.cluster.watchdog import Watchdog
from hw.lib.counters import CounterLayout, count, only_while
from hw.lib.engine_ports import engine_ports
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import transfer
from hw.lib.tree import add_all

ROUNDS = 8  # turns of a collective that have a counter of their own; the last takes all later ones

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the program",
        "commands": "commands that were handed out",
        "collective_cycles": "cycles in which a node had a collective to do",
        "flits": "flits sent, all nodes",
        "taken": "flits taken and idle sides passed, all nodes",
        "credit_stalls": "cycles, summed over nodes, in which a flit to send waited for a place at its peer",
        "order_stalls": "cycles, summed over nodes, in which it waited for a result",
        "receive_waits": "cycles, summed over nodes, in which a node waited for a flit",
        **{f"round_{k}": f"cycles of node 0 in turn {k} of a collective" for k in range(ROUNDS)},
        "lost": "flits that arrived without room; always 0",
        "program_words": "words read: header and commands",
        "load_words": "words read: messages",
        "store_words": "words written",
        "stream_words": "words read: weights, cache, activations and constants",
        "feed_cycles": "cycles in which the decode units had a command",
        "clipped": "cache codes that were clipped, all nodes",
        "write_stall": "cycles in which a word waited to be written",
        "status": "golden.cluster.spec.Status: 0 done, 1 refused, 2 time-out",
        "status_node": "time-out: the node that stopped, or N for the external memory",
        "status_command": "number of the command that was refused or stood",
    }
)


class ClusterEngine(wiring.Component):
    """Runs the program whose header lies at `address` (golden/cluster/memory_map.py); equals `golden.cluster.model`.

    A refused command or a time-out ends the program with a status; after a time-out only a reset
    brings the engine back. All words are written when `busy` falls.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                **engine_ports(8 * config.word_bytes, COUNTERS),
                "pause": In(
                    config.spec.nodes
                ),  #: by node: its links carry nothing in this cycle (the physical layer's hold)
            }
        )

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """None: the stages' order depends on time; only memories are compared."""
        return {}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        m.submodules.dispatcher = issuer = CommandIssuer(config=config)  # its name in the Verilog stays
        m.submodules.mover = mover = Mover(config=config)
        m.submodules.network = network = Network(config=config)
        m.submodules.watchdog = watchdog = Watchdog(spec=spec)
        readers = [issuer.memory, mover.memory]
        fed, feeds, feed_words = Signal(), Signal(), Signal()  # a beat, a command, a word of the decode units
        if spec.compute:
            m.submodules.feeder = feeder = Feeder(config=config)
            readers.append(feeder.memory)
            wiring.connect(m, issuer.feed, feeder.i)
            wiring.connect(m, issuer.ahead, feeder.ahead)
            m.d.comb += [
                network.beat.eq(feeder.beat),
                network.settings.eq(feeder.settings),
                network.word.eq(feeder.word),
                fed.eq(feeder.moved),
                feeds.eq(feeder.busy),
                feed_words.eq(transfer(feeder.memory.response)),
            ]
        m.submodules.arbiter = arbiter = ReadArbiter(width=8 * config.word_bytes, count=len(readers), outstanding=8)
        for client, reader in zip(arbiter.clients, readers, strict=True):
            wiring.connect(m, client, reader)
        wiring.connect(m, wiring.flipped(self.read), arbiter.memory)
        wiring.connect(m, wiring.flipped(self.write), mover.out)
        wiring.connect(m, issuer.collective, network.i)
        wiring.connect(m, issuer.move, mover.i)

        if config.interval > 1:
            phase = Signal(range(config.interval))
            m.d.sync += phase.eq(phase + 1)
            m.d.comb += network.phase.eq(phase)
            if spec.compute:
                m.d.comb += feeder.phase.eq(phase)
        starts = Signal()
        idle = network.idle.all()
        m.d.comb += [
            starts.eq(self.start & ~self.busy),
            issuer.start.eq(starts),
            issuer.address.eq(self.address),
            issuer.idle.eq(idle),
            network.pause.eq(self.pause),
            network.host.eq(mover.host),
            mover.word.eq(network.host_data),
        ]
        ends, over = self._progress(
            m, starts, issuer, network, watchdog, moved=mover.moved | fed, busy=mover.busy | feeds
        )
        events = self._events(m, issuer, mover, network)
        events |= {"stream_words": feed_words, "feed_cycles": feeds}
        events |= {
            "status": Mux(ends, Mux(over, Status.TIMEOUT, Mux(issuer.refused, Status.REFUSED, Status.DONE)), 0),
            "status_node": Mux(ends & over, watchdog.node, 0),
            "status_command": Mux(ends & (over | issuer.refused), issuer.number, 0),
        }
        count(m, self.counters, {name: only_while(self.busy, event) for name, event in events.items()}, clear=starts)
        return m

    def _progress(
        self, m: Module, starts: Signal, issuer: CommandIssuer, network: Network, watchdog: Watchdog, *, moved: Value,
        busy: Value,
    ) -> tuple[Signal, Signal]:  # fmt: skip
        """Starts and ends the program. Returns: it ends in this cycle; by time-out."""
        ends, over, begun = Signal(), Signal(), Signal()
        moves = Signal()
        m.d.sync += [
            begun.eq(~starts & (begun | issuer.busy)),
            moves.eq(
                transfer(self.read.request)
                | transfer(self.read.response)
                | transfer(self.write.request)
                | transfer(issuer.collective)
                | moved
                | add_all([event.sent | event.taken for event in network.events]).any()
            ),
        ]
        m.d.comb += [
            watchdog.enable.eq(self.busy),
            watchdog.moves.eq(moves),
            watchdog.limit.eq(issuer.watchdog),
            watchdog.idle.eq(network.idle),
            watchdog.waits.eq(network.waits),
            *(a.eq(b) for a, b in zip(watchdog.waits_for, network.waits_for, strict=True)),
            over.eq(watchdog.expired),
            ends.eq(self.busy & (over | (begun & ~issuer.busy & ~busy & network.idle.all()))),
        ]
        with m.If(starts & ~over):
            m.d.sync += self.busy.eq(1)
        with m.Elif(ends):
            m.d.sync += self.busy.eq(0)
        return ends, over

    def _events(self, m: Module, issuer: CommandIssuer, mover: Mover, network: Network) -> dict[str, Value]:
        def total(name: str) -> Value:
            """The sum over all nodes, a cycle later."""
            number = add_all([event[name] for event in network.events])
            register = Signal(len(number), name=name)
            m.d.sync += register.eq(number)
            return register

        begin, turn = Signal(TURN), Signal(TURN)
        idle = Signal()
        m.d.sync += idle.eq(network.idle.all())
        with m.If(transfer(issuer.collective)):
            m.d.sync += begin.eq(network.turn)
        m.d.comb += turn.eq(network.turn - begin)
        rounds = {f"round_{k}": ~idle & (turn == k if k < ROUNDS - 1 else turn >= ROUNDS - 1) for k in range(ROUNDS)}
        return {
            "cycles": Value.cast(1),
            "commands": transfer(issuer.collective) | transfer(issuer.move) | transfer(issuer.feed),
            "collective_cycles": ~network.idle.all(),
            "flits": total("sent"),
            "taken": total("taken"),
            "credit_stalls": total("credit_stall"),
            "order_stalls": total("order_stall"),
            "receive_waits": total("receive_wait"),
            **rounds,
            "lost": total("lost"),
            "program_words": transfer(issuer.memory.response),
            "load_words": transfer(mover.memory.response),
            "store_words": transfer(self.write.request),
            "clipped": total("clipped"),
            "write_stall": self.write.request.valid & ~self.write.request.ready,
        }
