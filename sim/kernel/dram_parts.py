"""Counts of a DRAM by part of the memory: what a job's tables cost it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hw.lib.fields import unpack
from sim.kernel.dram import Dram
from sim.kernel.memory import MOST_PARTS, PART_COUNTERS, PARTS_LAYOUT

Parts = Mapping[str, int]  # of each part the first byte address; it ends where the next begins


def parts_of(job: Any) -> Parts:
    """The job's `parts` in the order of their addresses; none if it has no such field, or an empty one.

    Of parts that begin at one address all but the last are empty.

    Raises:
        ValueError: more than `MOST_PARTS`.
    """
    parts: Parts = getattr(job, "parts", {})
    if len(parts) > MOST_PARTS:
        raise ValueError(f"a job has at most {MOST_PARTS} parts, there are {len(parts)}: {', '.join(parts)}")
    return dict(sorted(parts.items(), key=lambda part: part[1]))


def part_plusargs(parts: Parts) -> dict[str, int]:
    """What `dram_timing.v` reads of them. What lies before the first belongs to it."""
    addresses = list(parts.values())
    own = {f"dram_part_{k}": address for k, address in enumerate(addresses[1:], 2)}
    return {"dram_parts": len(parts), **own} if parts else {}


def counted_parts(parts: Parts, counters: int, dram: Dram) -> dict[str, dict[str, int]]:
    """Of every part `PART_COUNTERS` out of the memory's port, and the bytes that crossed the pins."""
    all_counters = unpack(counters, PARTS_LAYOUT)
    found: dict[str, dict[str, int]] = {}
    for k, part in enumerate(parts):
        own = {name: all_counters[f"{k}_{name}"] for name in PART_COUNTERS}
        found[part] = {**own, "bytes": own["bursts"] * dram.burst_bytes}
    return found


def part_lines(parts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A table for people: the parts that were accessed, most bytes first."""
    used = {name: c for name, c in parts.items() if c["bursts"]}
    width = max(map(len, used), default=0)
    return [
        f"  {name:{width}}  {c['bytes']:>11} B  {c['row_hits'] / c['bursts']:6.1%} row hits  "
        f"{c['row_conflicts']:>8} conflicts  {c['activations']:>8} activations  "
        f"{c['queued'] / c['bursts']:6.0f} clocks queued"
        for name, c in sorted(used.items(), key=lambda part: -part[1]["bursts"])
    ]
