"""Programs for the cluster network: commands and messages to a memory image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.arrays import UNREADABLE, convert, numbers, reason
from golden.cluster.command import Command, check, flits_of
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes, to_lanes
from golden.cluster.spec import ElementType, Kind, Op, Schedule
from golden.errors import InputError
from golden.rows import Bytes
from hw.cluster.config import Config
from sim.kernel.console import warn

WATCHDOG = 20_000  # cycles
#: NumPy's type of a message's elements.
ELEMENTS = {ElementType.HALF: "<f2", ElementType.SINGLE: "<f4", ElementType.INTEGER: "<i4", ElementType.MIXED: "<f2"}
MAX_RANDOM = 1 << 20  # bytes of a random message


@dataclass(frozen=True, kw_only=True)
class ClusterWorkload:
    """Commands on messages; `memory` holds the program, and in lanes the messages; the result is in lanes too."""

    config: Config
    commands: tuple[Command, ...]
    memory: MemoryImage
    names: dict[str, object] = field(default_factory=dict)

    def info(self) -> dict[str, Any]:
        """What identifies it in baselines and reports."""
        return dict(self.names)


@dataclass(frozen=True, kw_only=True)
class CollectiveWorkload(ClusterWorkload):
    """One collective on the nodes' messages."""

    messages: Bytes  # [N, bytes]
    collective: Command

    @property
    def result_type(self) -> str:
        """NumPy's type of the result's elements."""
        return "<f4" if self.collective.widens else ELEMENTS[self.collective.format]


def prepare(
    config: Config, messages: Bytes, *, op: Op, schedule: Schedule = Schedule.XOR,
    form: ElementType = ElementType.SINGLE, kind: Kind = Kind.SUM, record: int = 1, root: int = 0,
    watchdog: int = WATCHDOG,
) -> CollectiveWorkload:  # fmt: skip
    """One collective on the nodes' messages, uint8 [N, bytes]: load, collective from an idle network, store.

    Raises:
        InputError: the network would refuse it.
    """
    spec = config.spec
    if len(messages) != spec.nodes:
        raise InputError(f"cluster: there must be a message for each of {spec.nodes} nodes, there are {len(messages)}")
    stored = flits_of(messages.shape[1], spec)
    wide = op in (Op.REDUCE, Op.REDUCE_SCATTER) and form == ElementType.MIXED
    flits = 2 * stored if wide else stored
    target = stored if wide else 0
    in_place = Command(
        op=op, schedule=schedule, format=form, kind=kind, record=record, root=root, flits=flits, target=target, flags=1
    )
    gathers, scatters = op == Op.GATHER, op == Op.REDUCE_SCATTER
    out = flits * spec.nodes if gathers else flits // spec.nodes if scatters else flits
    commands = [
        Command(op=Op.LOAD, flits=stored, rank_stride=stored if gathers else 0),
        in_place,
        Command(op=Op.STORE, flits=out, source=target, rank_stride=out if scatters else 0),
    ]
    first = aligned(len(program_bytes(commands, spec)), spec)
    result = first + messages.size
    commands[0] = replace(commands[0], external=first)
    commands[2] = replace(commands[2], external=result)
    for command in commands:
        check(command, spec)
    data = np.zeros(result, np.uint8)
    program = program_bytes(commands, spec, watchdog=watchdog)
    data[: len(program)] = program
    data[first:] = to_lanes(messages, spec)
    parts = {"program": 0, "messages": first, "results": result}
    names = {
        "scene": f"{op.name.lower()} of {spec.nodes}",
        "size": int(messages.shape[1]),
        "op": op.name.lower(),
        "schedule": schedule.name.lower(),
        "format": form.name.lower(),
        "kind": kind.name.lower(),
        "nodes": spec.nodes,
    }
    return CollectiveWorkload(
        config=config, commands=tuple(commands), names=names, messages=messages, collective=in_place,
        memory=MemoryImage(data=data, result_address=result, result_bytes=out * spec.external_bytes, parts=parts),
    )  # fmt: skip


def random_messages(config: Config, size: int, form: ElementType, seed: int) -> Bytes:
    """Numbers of moderate size in the format; [N, size] bytes.

    Raises:
        InputError: a size out of range, or no whole number of elements.
    """
    if not 1 <= size <= MAX_RANDOM:
        raise InputError(f"--size must lie in 1..{MAX_RANDOM}, it is {size}")
    element = np.dtype(ELEMENTS[form])
    if size % element.itemsize:
        raise InputError(f"--size must be a multiple of the element of {element.itemsize} B, it is {size}")
    rng = np.random.default_rng(seed)
    shape = config.spec.nodes, size // element.itemsize
    if form == ElementType.INTEGER:
        return rng.integers(-(1 << 31), 1 << 31, shape).astype(element).view(np.uint8)
    return rng.standard_normal(shape).astype(element).view(np.uint8)


def load_messages(source: Path, form: ElementType) -> Bytes:
    """The nodes' messages of a .npy file [N, elements], [N, bytes].

    Floats are rounded to the format; where a number other than 0 becomes 0, a warning says how many do.

    Raises:
        InputError: the file cannot be read, is no array [nodes, elements] of numbers, or has one that the format
            does not hold.
    """
    try:
        values = np.load(source, allow_pickle=False)
    except UNREADABLE as error:
        raise InputError(f"{source}: no .npy array: {reason(error)}") from error
    if not isinstance(values, np.ndarray) or values.ndim != 2:
        raise InputError(f"{source}: messages must be an array of numbers [nodes, elements]")
    name = f"{source}: messages"
    elements = convert(name, values, ELEMENTS[form])
    vanished = int(((elements == 0) & (numbers(name, values) != 0)).sum())
    if vanished:
        warn(f"{name}: {vanished} of {values.size} are too small for {elements.dtype.name} and become 0")
    return np.ascontiguousarray(elements).view(np.uint8)
