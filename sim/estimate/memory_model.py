"""What a memory costs: by macros where some fit, by a fitted model elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, sqrt
from typing import Any

import numpy as np

from golden.errors import InputError
from sim.estimate.fit import errors, fit
from sim.estimate.macros import Macro
from sim.estimate.memory_cell import Memory

#: Area and leakage of a memory with a write and a read port over one whose port does either: cells of eight transistors
#: for six. Source: Chang et al., "Stable SRAM cell design for the 32 nm node and beyond", VLSI 2005: 30 % more.
SECOND_PORT = 1.3
#: Memories of fewer rows cost as much as one of these: compilers make none that are shallower.
LEAST_DEPTH = 16
#: Bits of the largest macro that a library at hand has (IHP, 8,192 × 32): a larger memory is several side by side.
LARGEST = 1 << 18
#: Macros fit a memory where it uses at least this share of their bits.
USED = 0.75


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one memory."""

    area_um2: float
    leakage_w: float
    access_s: float  #: clock to data
    setup_s: float
    how: str  #: macros, or the name of the model


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """area = a·bits + b·width + c·depth + d, leakage = a·bits + b, access = a·√bits + b."""

    name: str
    source: str
    area_um2: tuple[float, float, float, float]
    leakage_w: tuple[float, float]
    access_s: tuple[float, float]
    setup_s: float
    area_error: float | None  #: mean relative error on the samples that it was fitted to
    area_error_unseen: float | None  #: on each of them when it was fitted to the others

    def cost(self, memory: Memory) -> Cost:
        """Of a memory with a read and a write port; of columns of its words, if it is larger than `LARGEST`."""
        columns = ceil(memory.width / max(LARGEST // memory.depth, 1))
        one = self._one(replace(memory, width=ceil(memory.width / columns)))
        if columns == 1:
            return one
        how = f"{columns} × {one.how}"
        return replace(one, area_um2=columns * one.area_um2, leakage_w=columns * one.leakage_w, how=how)

    def _one(self, memory: Memory) -> Cost:
        bits = memory.bits
        return Cost(
            area_um2=float(np.dot(self.area_um2, (bits, memory.width, memory.depth, 1))),
            leakage_w=self.leakage_w[0] * bits + self.leakage_w[1],
            access_s=self.access_s[0] * sqrt(bits) + self.access_s[1],
            setup_s=self.setup_s,
            how=self.name,
        )

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        numbers = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return {
            **numbers,
            "formula": "area: bits, width, depth, 1; leakage: bits, 1; access: square root of bits, 1",
        }


def fitted(macros: Sequence[Macro], name: str, source: str) -> Fitted:
    """The model of macros, all with their second port counted."""
    bits = np.array([macro.bits for macro in macros], float)
    one = np.ones(len(macros))
    shape = np.array([(m.bits, m.width, m.depth, 1) for m in macros], float)
    area = np.array([_ported(m, m.area_um2) for m in macros])
    leakage = np.array([_ported(m, m.leakage_w) for m in macros])
    access = np.array([m.access_s for m in macros])
    own, unseen = errors(shape, area)
    a, b, c, d = map(float, fit(shape, area))
    e, f = map(float, fit(np.stack([bits, one], 1), leakage))
    g, h = map(float, fit(np.stack([np.sqrt(bits), one], 1), access))
    return Fitted(
        name=name, source=source, area_um2=(a, b, c, d), leakage_w=(e, f), access_s=(g, h),
        setup_s=max(m.setup_s for m in macros), area_error=own, area_error_unseen=unseen,
    )  # fmt: skip


def _ported(macro: Macro, value: float) -> float:
    return value * (SECOND_PORT if macro.read_write else 1.0)


@dataclass(frozen=True, kw_only=True)
class MemoryModel:
    """Of a technology."""

    fitted: Fitted
    macros: Sequence[Macro] = field(default=())

    def cost(self, memory: Memory) -> Cost:
        """Of a memory of any size with one write port; every further read port takes a copy.

        Raises:
            InputError: it has several write ports.
        """
        if memory.write_ports != 1:
            raise InputError(
                f"memory {memory.name}: there are models of memories with one write port, this one has "
                f"{memory.write_ports}"
            )
        deep = replace(memory, depth=max(memory.depth, LEAST_DEPTH))
        one = self._macros(deep) or self.fitted.cost(deep)
        copies = max(memory.read_ports, 1)
        return Cost(
            area_um2=one.area_um2 * copies, leakage_w=one.leakage_w * copies, access_s=one.access_s,
            setup_s=one.setup_s, how=one.how if copies == 1 else f"{copies} times {one.how}",
        )  # fmt: skip

    def _macros(self, memory: Memory) -> Cost | None:
        """The smallest array of equal macros that holds the memory and is used well, if there is one."""
        arrays = [(ceil(memory.width / macro.width) * ceil(memory.depth / macro.depth), macro) for macro in self.macros]
        fitting = [(count, macro) for count, macro in arrays if memory.bits >= USED * count * macro.bits]
        if not fitting:
            return None
        count, macro = min(fitting, key=lambda pair: pair[0] * pair[1].area_um2)
        return Cost(
            area_um2=count * _ported(macro, macro.area_um2),
            leakage_w=count * _ported(macro, macro.leakage_w),
            access_s=macro.access_s,
            setup_s=macro.setup_s,
            how=f"{count} × {macro.name}" if count > 1 else macro.name,
        )
