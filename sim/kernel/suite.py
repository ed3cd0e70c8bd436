"""A suite: workloads run one by one, each with a report, and what the terminal shows of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SuiteTable:
    """A title, column heads and a row for each workload."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]
