"""The cluster's programs of a step with retrieval: one that projects all heads, and one a head that attends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from golden.chips.decode.layer import SharedLayer
from golden.cluster.command import Command, check
from golden.cluster.decode_steps import Steps
from golden.cluster.places import Places, places_of
from golden.cluster.spec import INDEPENDENT, Move, Op, Schedule, Turned


@dataclass(frozen=True)
class Programs:
    """Commands of both, checked. What the first leaves in the nodes' memories, the others find there.

    `address` has, in external memory, `hidden` and `codes`, and of every head `projections.H`, `factors.H`,
    `constants.H`, `keys.H`, `values.H`, `outputs.H` and `result.H`.
    """

    layer: SharedLayer
    address: Mapping[str, int]

    def project(self) -> list[Command]:
        """Projections of all heads, and their queries as the scan's codes."""
        commands: list[Command] = []
        for number in range(len(self.layer.heads)):
            steps = self._steps(number)
            if number == 0:
                commands.append(steps.hidden())
            commands += [self._load_factors(number), *steps.projected(), *self._query_codes(number)]
        return self._checked(commands)

    def attend(self, number: int) -> list[Command]:
        """The new token's entry, attention to it and to the selected ones, and each query's contribution."""
        steps = self._steps(number)
        at = steps.at
        result = Command(
            op=Op.STORE, source=at.result, flits=self.layer.group * at.result_flits,
            external=self.address[f"result.{number}"],
        )  # fmt: skip
        return self._checked([steps.constants(), *steps.last_rows(), *steps.attended(), result])

    def _steps(self, number: int) -> Steps:
        own = {
            name: self.address[f"{name}.{number}"] for name in ("projections", "constants", "keys", "values", "outputs")
        }
        address = {**own, "hidden": self.address["hidden"], "exchange": 0}
        return Steps(self.layer.heads[number], self._places(number), address, Schedule.XOR, unfused=False)

    def _places(self, number: int) -> Places:
        """The heads' vectors side by side, and behind them what only the head at hand needs."""
        heads = self.layer.heads
        plain = places_of(heads[number])
        size = plain.vectors * plain.vector
        return places_of(heads[number], first=number * size, behind=len(heads) * size)

    def _load_factors(self, number: int) -> Command:
        return Command(
            op=Op.LOAD, kind=Move.CONSTANTS, flits=2 * self._places(number).vector,
            external=self.address[f"factors.{number}"], flags=INDEPENDENT,
        )  # fmt: skip

    def _query_codes(self, number: int) -> list[Command]:
        """Each query's codes come to all nodes, and node b stores every N-th flit: a word in the codes' order."""
        at, spec = self._places(number), self.layer.spec
        commands: list[Command] = []
        for row in range(self.layer.group):
            turn = Command(
                op=Op.TURN, kind=Turned.CACHE_ALL, flits=at.vector, source=at.first + row * at.piece,
                record=at.piece, rank_stride=at.vectors * at.piece, target=at.entries,
            )  # fmt: skip
            place = self.address["codes"] + (number * self.layer.group + row) * spec.key_words * spec.word_bytes
            stores = [
                Command(
                    op=Op.STORE, source=at.entries + word * spec.nodes, rank_stride=1,
                    external=place + word * spec.word_bytes,
                )
                for word in range(spec.key_words)
            ]  # fmt: skip
            commands += [turn, *stores]
        return commands

    def _checked(self, commands: list[Command]) -> list[Command]:
        for command in commands:
            check(command, self.layer.spec.cluster)
        return commands
