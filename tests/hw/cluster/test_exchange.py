"""The exchange network: every flit and every credit at the other end of its link."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from golden.cluster.spec import Schedule, Spec
from hw.cluster.config import Config
from hw.cluster.exchange import Exchange, source_of
from tests.hw.cluster.cycles import play


def senders(spec: Spec, node: int) -> dict[int, int]:
    """Incoming link to the node that sends on it, by the partners of the schedules."""
    links = {}
    for k in range(spec.rounds):
        links[spec.link(Schedule.ROTATE, k)] = (node - (1 << k)) % spec.nodes
        links[spec.link(Schedule.XOR, k)] = node ^ 1 << k
    return links


@pytest.mark.parametrize(("nodes", "stages"), [(2, 1), (4, 1), (8, 3)])
def test_permutations(nodes: int, stages: int, rng: random.Random) -> None:
    """Random flits, links and credits of all nodes in every cycle arrive `link_stages` cycles later."""
    spec = Spec(nodes=nodes, link_width=64, memory_kib=4)
    dut = Exchange(config=replace(Config(spec=spec), link_stages=stages))
    widths = {"sent": 64, "sent_link": spec.links, "credit_out": spec.links}
    cycles = [{name: [rng.getrandbits(w) for _ in range(nodes)] for name, w in widths.items()} for _ in range(60)]
    got = play(dut, cycles, ["data", "valid", "credit_in"])
    for before, after in zip(cycles, got[stages:], strict=False):
        assert after["data"] == before["sent"]
        for node in range(nodes):
            assert sorted(senders(spec, node)) == list(range(spec.links))
            for link, sender in senders(spec, node).items():
                assert source_of(spec, node, link) == sender
                assert after["valid"][node] >> link & 1 == before["sent_link"][sender] >> link & 1
                assert after["credit_in"][sender] >> link & 1 == before["credit_out"][node] >> link & 1
