"""The smallest honest job: what a bench that anybody can run reduces."""

from __future__ import annotations

from golden.cluster.spec import ElementType, Op
from hw.cluster.config import Config
from sim.cluster.run import COLLECTIVE
from sim.cluster.workload import CollectiveWorkload, prepare, random_messages
from sim.kernel.run import Operation

BYTES = 128


def sample(config: Config) -> tuple[Operation[CollectiveWorkload], CollectiveWorkload]:
    """The sum of a short message of halves from every node."""
    messages = random_messages(config, BYTES, ElementType.HALF, 1)
    return COLLECTIVE, prepare(config, messages, op=Op.REDUCE, form=ElementType.HALF)
