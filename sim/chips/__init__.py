"""Compositions of several engines; the one place that may import more than one."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

#: Compositions with a figure in docs/: module `sim.chips.<name>` with `record(docs, progress, size=) -> paths`.
RECORDED = ("level", "reuse")


def recorder(name: str) -> ModuleType:
    """The module that records a composition's figures. May import torch."""
    return import_module(f"sim.chips.{name}")
