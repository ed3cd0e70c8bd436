"""A decode step of one key-value head as a program of the cluster: fused, or through external memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from golden.cluster.spec import Dataflow, Schedule
from hw.cluster.config import Config
from sim.cluster.workload import WATCHDOG, ClusterWorkload

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.cluster.dataflows import Head
    from golden.cluster.head import Calibration


@dataclass(frozen=True, kw_only=True)
class DecodeWorkload(ClusterWorkload):
    """One step; the result is each query head's contribution [D], D/N singles a node, head after head."""

    hidden: Tensor  # [D]
    head: Head

    @property
    def output_bytes(self) -> int:
        """Of a query head's contribution in one node's part of the result."""
        return 4 * len(self.hidden) // self.config.spec.nodes


def prepare_step(
    config: Config, hidden: Tensor, head: Head, *, dataflow: Dataflow = Dataflow.TOKEN,
    schedule: Schedule = Schedule.XOR, unfused: bool = False, trace: bool = False,
    calibration: Calibration | None = None,
) -> DecodeWorkload:  # fmt: skip
    """Quantises the head, shares it out, and lays out the program of `golden.cluster.fused_decode`.

    Args:
        calibration: what the weights are calibrated on; rounded to the nearest without it.

    Raises:
        InputError: the head does not fit the nodes or their memories.
    """
    from golden.cluster.fused_decode import fused_decode
    from golden.cluster.head import share

    spec = config.spec
    shared = share(hidden, head, spec, dataflow, calibration)
    commands, image = fused_decode(shared, schedule=schedule, unfused=unfused, trace=trace, watchdog=WATCHDOG)
    names = {
        "scene": f"decode of {spec.nodes}",
        "size": shared.tokens,
        "op": "unfused decode" if unfused else "fused decode",
        "schedule": schedule.name.lower(),
        "nodes": spec.nodes,
        "head": shared.size,
        "query_heads": shared.group,
        "hidden": len(hidden),
        "tokens": shared.tokens,
        "weight_bits": spec.weight_bits,
        "activation_bits": spec.activation_bits,
        "weights": "calibrated" if calibration else "nearest",
    }
    return DecodeWorkload(
        config=config, commands=tuple(commands), memory=image, names=names, hidden=hidden, head=head
    )  # fmt: skip
