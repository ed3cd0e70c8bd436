"""What a suite shows when it has run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SuiteTable:
    title: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]
