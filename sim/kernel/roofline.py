"""Lower bounds of a run, stage by stage, and the measured ratio to the highest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """`stages`: the cycles that each stage needs at least, had it nothing to wait for.

    `useful`: work that changed a result over work done, where the engine counts both.
    """

    cycles: int
    stages: dict[str, float]
    useful: float | None = None

    @property
    def limit(self) -> str:
        return max(self.stages, key=lambda name: self.stages[name])

    @property
    def bound(self) -> float:
        return self.stages[self.limit]

    @property
    def ratio(self) -> float:
        return self.cycles / self.bound


#: A ratio this many times the highest recorded one is far above it. Records are of runs of so many cycles or more:
#: in shorter ones the start and the end weigh more.
FAR_ABOVE, SHORTEST = 1.25, 7000


def above_record(roofline: Roofline, recorded: float | None) -> str | None:
    """What to say of a run whose ratio is far above the highest one recorded for its config; None if it is not."""
    if recorded is None or roofline.bound < SHORTEST or roofline.ratio <= FAR_ABOVE * recorded:
        return None
    return (
        f"{roofline.cycles} cycles are {roofline.ratio:.2f} × the bound ({roofline.limit}), and {recorded:g} × is "
        "the most that docs/ records for this config: the results may be right, but something waits that did not"
    )


def dram_bytes(counters: Mapping[str, int], word_bytes: int) -> dict[str, int]:
    """Bytes moved by kind, and in all."""
    kinds = {name.removesuffix("_words"): n * word_bytes for name, n in counters.items() if name.endswith("_words")}
    return {**kinds, "total": sum(kinds.values())}
