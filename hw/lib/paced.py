"""Datapaths that take data once in several cycles, and do with one circuit what is to be done several times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib.wiring import In

from hw.lib.pipe import Pipe, Staged

R = TypeVar("R", Staged, tuple[Staged, ...])


def turn_port(interval: int) -> dict[str, Any]:
    """The port of a datapath that takes data once in `interval` cycles, a power of two; none for 1.

    `turn` counts cycles modulo `interval`; data enters only in cycles where it is 0.
    """
    port = {
        "turn": In(range(interval)),  #: counts cycles modulo `interval`; data enters at 0
    }
    return port if interval > 1 else {}


def paced_pipe(m: Module, platform: object, unit: Any) -> Pipe:
    """The pipe of a component with the attribute `interval` and the port that `turn_port` says."""
    return Pipe(m, platform, interval=unit.interval, turn=unit.turn if unit.interval > 1 else None)


def still(p: Pipe, item: Staged, stage: int) -> Staged:
    """The value in cycle `stage`; of a paced pipe in the cycle after, from where on it holds still for an interval."""
    now = Staged(p.at(item, stage), stage, item.name)
    return now if p.interval == 1 else Staged(p.at(now, stage + 1), stage + 1, item.name)


def turns(count: int, interval: int) -> int:
    """Cycles that `in_turn` takes for `count` sets of operands, beside those of its function."""
    together = min(count, interval)
    return together if together > 1 else 0


def in_turn(
    p: Pipe, function: Callable[..., R], sets: Sequence[Sequence[Staged]], names: Sequence[str]
) -> list[R]:  # fmt: skip
    """function(*operands, name) of every set: by one circuit for each `p.interval` sets, in successive cycles.

    The circuit has the name of its first set. Operands of the same place must have the same shape. The results of a
    circuit are the same value in different cycles.
    """
    results: list[R] = []
    for start in range(0, len(sets), p.interval):
        group = sets[start : start + p.interval]
        name = names[start]
        if len(group) == 1:
            results.append(function(*group[0], name))
            continue
        when = max(item.stage for operands in group for item in operands)
        index = Signal(range(p.interval), name=f"{name}_turn")  # of the set whose operands enter
        p.m.d.sync += index.eq(p.turn - (when - 1) % p.interval)
        chosen: list[Staged] = []
        for k, column in enumerate(zip(*group, strict=True)):
            values = [p.at(item, when + j) for j, item in enumerate(column)]
            if len({Value.cast(value).shape() for value in values}) != 1:
                raise ValueError(f"{name}: operands {k} have different shapes")
            here = Staged(_by_index(index, values), when, f"{name}_operand_{k}")
            chosen.append(p.stage(lambda v: v, here, name=here.name))
        with p.every_cycle():
            made = function(*chosen, name)
        results += [_later(made, j) for j in range(len(group))]
    return results


def _later(made: Any, cycles: int) -> Any:
    """The same values so many cycles later."""
    if isinstance(made, tuple):
        return tuple(_later(item, cycles) for item in made)
    return Staged(made.value, made.stage + cycles, made.name)


def _by_index(index: Value, values: Sequence[Any]) -> Value:
    """values[index], by a tree of selections; any of them beyond the last."""
    if len(values) == 1:
        return Value.cast(values[0])
    bits = (len(values) - 1).bit_length()
    half = 1 << (bits - 1)
    low, high = _by_index(index, values[:half]), _by_index(index, values[half:])
    return Mux(index[bits - 1], high, low)
