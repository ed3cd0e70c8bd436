"""Messages of 256 KB, 2 to 16 nodes, played from and to memory images."""

from __future__ import annotations

import pytest

from golden.cluster.spec import ElementType, Op, Schedule, Spec
from hw.cluster.config import Config
from sim.cluster.player import LinkedMemory
from sim.cluster.run import run
from sim.cluster.workload import prepare, random_messages


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("nodes", [2, 4, 8, 16])
@pytest.mark.parametrize("schedule", list(Schedule))
@pytest.mark.parametrize("pauses", [0, 64])
def test_reduce(nodes: int, schedule: Schedule, pauses: int) -> None:
    """Equal to the model in every byte; without pauses within 1 % of the links' bandwidth."""
    config = Config(spec=Spec(nodes=nodes, link_width=128, memory_kib=512, compute=0))
    messages = random_messages(config, 1 << 18, ElementType.HALF, 1)
    workload = prepare(config, messages, op=Op.REDUCE, schedule=schedule, form=ElementType.HALF)
    report = run(workload, memory=LinkedMemory(stalls=pauses, link_pauses=pauses), check=True).report()
    assert pauses or report["ratio"] < 1.01
