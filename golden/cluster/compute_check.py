"""Checks of commands for the decode units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from golden.cluster.spec import GROUP, MAX_HEAD, QUARTERS, Move, Op, Spec, Turned
from golden.errors import InputError

if TYPE_CHECKING:
    from golden.cluster.command import Command


def _most(what: str, value: int, limit: int, hint: str = "") -> None:
    if value > limit:
        raise InputError(f"cluster: {what} must be at most {limit}, it is {value}{hint}")


def _whole(what: str, value: int, unit: int) -> None:
    if value % unit or value <= 0:
        raise InputError(f"cluster: {what} must be a positive multiple of {unit}, it is {value}")


def check_compute(command: Command, spec: Spec) -> None:
    """Refuses a command of the decode units that leaves a memory, or that their datapaths do not have.

    Raises:
        InputError: with the rule and the value.
    """
    if not spec.compute:
        op = Op(command.op).name.lower()
        raise InputError(f"cluster: {op} of this kind needs decode units, this network has none (set compute=1)")
    checks = {Op.LOAD: _fill, Op.GEMV: _gemv, Op.SCORE: _score, Op.WEIGH: _weigh, Op.TURN: _turn}
    checks[command.op](command, spec)


def _memory(end: int, spec: Spec) -> None:
    _most("a node's flit", end, spec.words, f" ({spec.memory_kib} KiB; set memory_kib)")


def _fill(c: Command, spec: Spec) -> None:
    if c.kind == Move.CONSTANTS:
        _most("rows of constants", -(-(c.target + c.flits) // 2), spec.constant_rows)
        return
    per_flit = spec.flit_bytes if spec.activation_bits == 8 else spec.flit_bytes // 2
    _whole("activations of a load", c.flits * per_flit, spec.flit_bytes)
    _most("activations", (c.target + c.flits) * per_flit, spec.inputs, " (set inputs)")


def _gemv(c: Command, spec: Spec) -> None:
    inputs = c.record * spec.products
    _whole("inputs of a projection", inputs, GROUP if spec.weight_bits == 4 else spec.products)
    _most("inputs of a projection", inputs, spec.inputs, " (set inputs)")
    _memory(c.target + (spec.nodes - 1) * c.rank_stride + c.flits, spec)


def _head(c: Command, spec: Spec) -> None:
    _whole("a row of the cache", c.record, 1)
    _most("a row of the cache", c.record * spec.flit_bytes, MAX_HEAD)


def _score(c: Command, spec: Spec) -> None:
    _head(c, spec)
    _memory(c.target + -(-c.flits // spec.lanes), spec)


def _weigh(c: Command, spec: Spec) -> None:
    _head(c, spec)
    scores = c.source + -(-c.flits // spec.lanes)
    record = c.target + 1 + QUARTERS * c.record
    _memory(max(scores, record), spec)


def _turn(c: Command, spec: Spec) -> None:
    _whole("flits of a vector", c.flits, QUARTERS)
    _whole("flits of a vector's pieces", c.record, 1)
    _whole("flits of a vector", c.flits, c.record)
    _most("elements of a vector", c.flits * spec.lanes, MAX_HEAD)
    _most("rows of constants", c.scale + c.flits, spec.constant_rows)
    if c.kind == Turned.NORMALISE and c.source == 0:
        raise InputError("cluster: a vector to normalise must have its record's header before it, it starts at flit 0")
    source = c.source + (c.flits // c.record - 1) * c.rank_stride + c.record
    _memory(max(source, c.target + c.flits // QUARTERS if c.kind >= Turned.CACHE else 0), spec)
