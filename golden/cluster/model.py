"""The cluster network, bit-true: commands on the nodes' memories and on external memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden.cluster.combine import combine, widen_flits
from golden.cluster.command import Command, check
from golden.cluster.spec import MOVES, Kind, Move, Op, Schedule, Spec
from golden.cluster.turns import Turn, turns
from golden.cluster.units import Units

Bytes = npt.NDArray[np.uint8]


@dataclass
class Cluster:
    """N nodes' memories, [N, flits, 32-bit words of a flit] as int64; `sent` counts flits on all links."""

    spec: Spec
    memory: Tensor = field(init=False)
    units: Units = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        self.memory = torch.zeros((self.spec.nodes, self.spec.words, self.spec.lanes), dtype=torch.int64)
        self.units = Units(self.spec, self.memory)

    def run(self, commands: Sequence[Command], external: Bytes) -> None:
        """Executes the commands in order; LOAD and STORE read and write `external`.

        Raises:
            InputError: a command is refused.
        """
        for command in commands:
            check(command, self.spec)
            if command.feeds:
                self.units.run(command, external)
            elif command.op in MOVES:
                self._move(command, external)
            else:
                self._collective(command)

    def _move(self, command: Command, external: Bytes) -> None:
        spec, memory = self.spec, self.memory.numpy()
        words = external[command.external :][: command.flits * spec.external_bytes].view("<u4")
        flits = words.reshape(command.flits, spec.nodes, -1)  # [words, lanes, 32-bit words of a flit]
        ranks = np.arange(spec.nodes)
        start = command.target if command.op == Op.LOAD else command.source
        places = start + np.arange(command.flits)[:, None] + ranks * command.rank_stride
        if command.op == Op.STORE:
            flits[:] = memory[ranks, places]
        elif command.kind == Move.BROADCAST:
            for own in memory:
                own[places] = flits  # numpy leaves the last of the flits that share a place
        else:
            memory[ranks, places] = flits

    def _collective(self, command: Command) -> None:
        lists = [turns(command, rank, self.spec) for rank in range(self.spec.nodes)]
        for step in zip(*lists, strict=True):
            messages = [self._read(r, t, t.send_base, t.send_rank, t.send_widen, command) for r, t in enumerate(step)]
            self.sent += sum(len(m) for m, turn in zip(messages, step, strict=True) if turn.send)
            results = [self._receive(r, t, messages[t.receive_from], command) for r, t in enumerate(step)]
            for rank, (turn, result) in enumerate(zip(step, results, strict=True)):
                if turn.receive and not turn.discard:
                    places = self._places(turn, turn.receive_base, turn.receive_rank, command)
                    self.memory[rank, places] = result

    def _receive(self, rank: int, turn: Turn, message: Tensor, command: Command) -> Tensor:
        if not turn.reduce:
            return message
        own = self._read(rank, turn, turn.operand_base, turn.receive_rank, turn.operand_widen, command)
        return combine(own, message, command.format, Kind(command.kind), command.record)

    def _places(self, turn: Turn, base: int, rank: int, command: Command) -> Tensor:
        """Addresses of the turn's flits, in order."""
        pieces = torch.arange(turn.segments)
        number = rank ^ pieces if command.schedule == Schedule.XOR else (rank - pieces) % self.spec.nodes
        return (base + number[:, None] * turn.flits + torch.arange(turn.flits)).flatten()

    def _read(self, rank: int, turn: Turn, base: int, first: int, widen: bool, command: Command) -> Tensor:
        places = self._places(turn, 0, first, command)
        if not widen:
            return self.memory[rank, base + places]
        halves = self.memory[rank, base + places // 2]
        return widen_flits(halves).unflatten(0, (-1, 2))[torch.arange(len(places)), places % 2]
