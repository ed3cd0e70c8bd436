"""Workloads run one by one: what a suite shows of them, and the small ones that the comparison stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class SuiteTable:
    """A title, column heads and a row for each workload."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a case of the comparison left: the report of a checked run, and pictures of it by title."""

    report: dict[str, Any]
    pictures: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)  #: [H, W, 3]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workload that stands on the page of comparisons, runs in a minute, and needs no data beside the checkout."""

    name: str  #: of its files, after the engine's
    run: Callable[[], Compared]  #: in RTL of config `default`, every word compared with the model's
