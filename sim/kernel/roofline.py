"""Lower bounds of a run, stage by stage, and the measured ratio to the highest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """`stages`: the cycles that each stage needs at least, had it nothing to wait for."""

    cycles: int
    stages: dict[str, float]

    @property
    def limit(self) -> str:
        return max(self.stages, key=lambda name: self.stages[name])

    @property
    def bound(self) -> float:
        return self.stages[self.limit]

    @property
    def ratio(self) -> float:
        return self.cycles / self.bound


def dram_bytes(counters: Mapping[str, int], word_bytes: int) -> dict[str, int]:
    """Bytes moved by kind, and in all."""
    kinds = {name.removesuffix("_words"): n * word_bytes for name, n in counters.items() if name.endswith("_words")}
    return {**kinds, "total": sum(kinds.values())}
