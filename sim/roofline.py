"""Lower bounds of a run, stage by stage, and the measured ratio to the highest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hw.splat.config import Config as SplatConfig
from sim.jobs import MemorySettings


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


def splat_roofline(counters: Mapping[str, int], config: SplatConfig, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters.

    Coarse filter: `coarse_lanes` Gaussians a cycle. Fine filter: one. Depth sort: one splat a
    cycle, and two operations of 2 cycles a splat shared by the banks. Rasteriser: one splat × one
    sub-tile, or one sub-tile handed out. Memory: words moved / words a cycle.
    """
    words = sum(counters[name] for name in ("frame_words", "list_words", "coarse_words", "record_words", "write_words"))
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "coarse filter": counters["streamed"] / config.coarse_lanes,
            "fine filter": counters["candidates"],
            "depth sort": counters["splats"] * max(1.0, 4 / config.spec.sort_banks),
            "rasteriser": counters["draws"] + counters["flushes"],
            "memory": words / (memory.bandwidth / 256),
        },
    )


def dram_bytes(counters: Mapping[str, int], word_bytes: int) -> dict[str, int]:
    """Bytes moved by kind, and in all."""
    kinds = {name.removesuffix("_words"): n * word_bytes for name, n in counters.items() if name.endswith("_words")}
    return {**kinds, "total": sum(kinds.values())}
