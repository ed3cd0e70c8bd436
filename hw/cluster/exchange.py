"""The exchange network: log2 N stages of permutations between the nodes."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from hw.cluster.config import Config


def source_of(spec: Spec, node: int, link: int) -> int:
    """The node at the other end of `node`'s incoming link: XOR partners first, then rotations."""
    if link < spec.rounds:
        return node ^ 1 << link
    return (node - (1 << (link - spec.rounds))) % spec.nodes


class Exchange(wiring.Component):
    """Stage k joins every node with its partner XOR 2**k, and every node with the one 2**k above it.

    No arbitration: a stage is a permutation, and every link has its own receive buffer. A node's flit
    goes to all its peers' links and is valid on one. Latency `link_stages` cycles, for flits and for
    credits. All arrays are by node.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        n, links, width = spec.nodes, spec.links, spec.link_width
        super().__init__(
            {
                "sent": In(width).array(n),  #: the node's flit
                "sent_link": In(links).array(n),  #: the link it is for, one-hot; 0: no flit
                "data": Out(width).array(n),  #: the flit that the node sent `link_stages` cycles ago
                #: a flit arrives on these links; it is the `data` of the node at the link's other end
                "valid": Out(links).array(n),
                "credit_out": In(links).array(n),  #: a place of these incoming links' buffers is free again
                "credit_in": Out(links).array(n),  #: a place at the other end of these outgoing links is
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec

        def delayed(value: Value, name: str) -> Value:
            for k in range(self.config.link_stages):
                register = Signal(len(value), name=f"{name}_{k}")
                m.d.sync += register.eq(value)
                value = register
            return value

        flags = [delayed(link, f"link_{n}") for n, link in enumerate(self.sent_link)]
        credits = [delayed(credit, f"credit_{n}") for n, credit in enumerate(self.credit_out)]
        for node in range(spec.nodes):
            m.d.comb += self.data[node].eq(delayed(self.sent[node], f"data_{node}"))
            for link in range(spec.links):
                source = source_of(spec, node, link)
                m.d.comb += [
                    self.valid[node][link].eq(flags[source][link]),
                    self.credit_in[source][link].eq(credits[node][link]),
                ]
        return m
