"""Nodes and exchange network together."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.config import Config
from hw.cluster.exchange import Exchange, source_of
from hw.cluster.layouts import TURN, BeatLayout, HostLayout, SettingsLayout, command_layout
from hw.cluster.node import EventLayout, Node
from hw.cluster.phase import phase_port
from hw.lib.shared import repeat


class Network(wiring.Component):
    """N nodes, which take every command at once and execute it each at its own pace."""

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        super().__init__(
            {
                **phase_port(config.interval),
                "i": In(stream.Signature(command_layout())),  #: collective commands
                "pause": In(spec.nodes),  #: by node: its links carry nothing in this cycle
                "host": In(HostLayout(spec, nodes=spec.nodes)),  #: access to the memories while all nodes are idle
                "host_data": Out(spec.nodes * spec.link_width),  #: the flits read 3 cycles ago, node 0's lowest
                "beat": In(BeatLayout(spec)),  #: of all decode units, while all nodes are idle
                "settings": In(SettingsLayout(spec)),  #: of the decode units' command
                "word": In(spec.nodes * spec.link_width),  #: the beat's word; node b takes lane b
                "idle": Out(spec.nodes),  #: by node: it has no command left
                "waits": Out(spec.nodes),  #: by node: it lacks a flit or a credit
                "waits_for": Out(range(spec.nodes)).array(spec.nodes),  #: by node: the node that it lacks it from
                "events": Out(EventLayout()).array(spec.nodes),  #: by node: what happens, for the counters
                "turn": Out(TURN),  #: of node 0: number of the turn that is being written
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        m.submodules.exchange = exchange = Exchange(config=self.config)
        nodes = repeat(m, platform, "node", spec.nodes, lambda: Node(config=self.config))
        ready = Signal()
        m.d.comb += [ready.eq(Cat(node.i.ready for node in nodes).all()), self.i.ready.eq(ready)]
        for k, node in enumerate(nodes):
            m.d.comb += [
                node.rank.eq(k),
                *([node.phase.eq(self.phase)] if self.config.interval > 1 else []),
                node.i.payload.eq(self.i.payload),
                node.i.valid.eq(self.i.valid & ready),
                node.pause.eq(self.pause[k]),
                node.host.read.eq(self.host.read),
                node.host.write.eq(self.host.write[k]),
                node.host.address.eq(self.host.address),
                node.host.stride.eq(self.host.stride),
                node.host.data.eq(self.host.data.word_select(k, spec.link_width)),
                node.beat.eq(self.beat),
                node.settings.eq(self.settings),
                node.flit.eq(self.word.word_select(k, spec.link_width)),
                exchange.sent[k].eq(node.sent),
                exchange.sent_link[k].eq(node.sent_link),
                exchange.credit_out[k].eq(node.credit_out),
                node.credit_in.eq(exchange.credit_in[k]),
                node.valid.eq(exchange.valid[k]),
                *(node.data[link].eq(exchange.data[source_of(spec, k, link)]) for link in range(spec.links)),
                self.idle[k].eq(node.idle),
                self.waits[k].eq(node.waits),
                self.waits_for[k].eq(node.waits_for),
                self.events[k].eq(node.events),
            ]
        m.d.comb += [self.host_data.eq(Cat(node.host_data for node in nodes)), self.turn.eq(nodes[0].turn)]
        return m
