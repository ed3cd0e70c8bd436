"""A decode step of one head as a program of the cluster: fused, and through external memory."""

from __future__ import annotations

from golden.cluster.fused_decode import fused_decode
from golden.cluster.head import SharedHead
from golden.cluster.spec import Schedule
from hw.cluster.config import Config
from sim.cluster.workload import WATCHDOG, ClusterWorkload


def prepare(
    config: Config, head: SharedHead, *, schedule: Schedule = Schedule.XOR, unfused: bool = False, trace: bool = False
) -> ClusterWorkload:
    """The program of `golden.cluster.fused_decode`.

    Raises:
        InputError: the head does not fit the nodes' memories.
    """
    commands, image = fused_decode(head, schedule=schedule, unfused=unfused, trace=trace, watchdog=WATCHDOG)
    names = {
        "scene": f"decode of {config.spec.nodes}",
        "size": head.tokens,
        "op": "unfused decode" if unfused else "fused decode",
        "schedule": schedule.name.lower(),
        "nodes": config.spec.nodes,
        "head": head.size,
        "hidden": len(head.hidden),
        "tokens": head.tokens,
        "weight_bits": config.spec.weight_bits,
        "activation_bits": config.spec.activation_bits,
    }
    return ClusterWorkload(config=config, commands=tuple(commands), image=image, names=names)
