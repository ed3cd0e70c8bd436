"""What collectives and decode steps give by their definitions, in float."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from golden.cluster.spec import ElementType, Kind, Op
from sim.cluster.decode_workload import DecodeWorkload
from sim.cluster.workload import ELEMENTS, CollectiveWorkload

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

WRAP = 1 << 31  # sums of integers wrap here


def by_definition(workload: CollectiveWorkload) -> dict[str, npt.NDArray[np.float64]]:
    """`values`: every node's numbers after the collective, [N, elements] float64."""
    import torch

    command, nodes = workload.collective, workload.config.spec.nodes
    elements = workload.messages.view(ELEMENTS[command.format])
    messages = torch.from_numpy(elements.astype(np.float64))
    if command.op == Op.GATHER:
        messages = messages.reshape(1, -1).repeat(nodes, 1)
    elif command.op == Op.BROADCAST:
        messages = messages[command.root].repeat(nodes, 1)
    elif command.reduces:
        reduced = _reduced(workload, messages)
        messages = reduced.reshape(nodes, -1) if command.op == Op.REDUCE_SCATTER else reduced.repeat(nodes, 1)
    return {"values": messages.numpy()}


def _reduced(workload: CollectiveWorkload, messages: Tensor) -> Tensor:
    import torch

    from golden.cluster.reference import reduce_sum, softmax_merge

    command = workload.collective
    if command.kind == Kind.MERGE:
        records = messages.unflatten(1, (-1, command.record * workload.config.spec.lanes)).unbind(1)
        merged = [softmax_merge(r[:, 0], r[:, 1], r[:, 2:]) for r in records]
        return torch.cat([torch.cat([m[None], total[None], output]) for m, total, output in merged])
    if command.kind == Kind.SUM:
        total = reduce_sum(messages)
        return (total + WRAP) % (2 * WRAP) - WRAP if command.format == ElementType.INTEGER else total
    return messages.amax(0) if command.kind == Kind.MAX else messages.amin(0)


def attended(workload: DecodeWorkload) -> dict[str, npt.NDArray[np.float32]]:
    """`output`: the head's contribution [D] in float32."""
    from golden.cluster.dataflows import attend

    return {"output": attend(workload.hidden, workload.head).numpy()}
