"""`tessera reduce` and `tessera gather`: a collective on the cluster network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from golden.cluster.spec import ElementType, Kind, Op, Schedule
from hw.cluster.config import CONFIGS
from sim.cluster.player import LinkedMemory
from sim.cluster.run import run, values
from sim.cluster.workload import load_messages, prepare, random_messages
from sim.commands.link_options import names_of, pauses_option
from sim.commands.options import OutputFile
from sim.commands.run_options import RunOptions, run_options
from sim.kernel.console import out, step, warn
from sim.kernel.files import write_array


def collective_options(command: Any) -> Any:
    """What reduce and gather have in common."""
    for option in (
        click.option("--out", "target", type=OutputFile(), help="Write the results to FILE (NumPy)."),
        pauses_option,
        click.option("--input", "source", type=click.Path(path_type=Path, dir_okay=False),
                     help="NumPy file with the messages, [nodes, elements]. [default: random numbers]"),
        click.option("--size", default=1024, show_default=True, help="Bytes of each node's random message."),
        click.option("--format", "form", default="half", show_default=True, type=names_of(ElementType),
                     help="Number format of the elements."),
        click.option("--schedule", default="xor", show_default=True, type=names_of(Schedule),
                     help="Which nodes talk to each other, and in which order."),
    ):  # fmt: skip
        command = option(command)
    return run_options(CONFIGS, memory=LinkedMemory)(command)


def run_collective(
    op: Op, kind: Kind, *, schedule: str, form: str, size: int, source: Path | None, target: Path | None,
    options: RunOptions,
) -> None:  # fmt: skip
    """Runs the collective and prints what it cost."""
    config, number = options.config, ElementType[form.upper()]
    messages = load_messages(source, number) if source else random_messages(config, size, number, options.memory.seed)
    workload = prepare(config, messages, op=op, schedule=Schedule[schedule.upper()], form=number, kind=kind)
    with step(f"running the collective by {options.backend}"):
        done = run(workload, **options.keywords())
    numbers = values(done)
    if op == Op.REDUCE:
        _warn_of_differences(numbers, schedule)
    if target:
        write_array(target, numbers, dtype=numbers.dtype)
    title = f"{op.name.lower()} {schedule}, {config.spec.nodes} nodes, {messages.shape[1]} B each"
    sent = f": {done.counters['flits']} flits of {config.spec.flit_bytes} B on the links" if done.job else ""
    out.print(f"{title}{sent}")
    options.finish(done)


def _warn_of_differences(numbers: npt.NDArray, schedule: str) -> None:
    """Where a schedule adds in another order on every node, rounding may give every node another sum."""
    differ = ~((numbers == numbers[0]) | (np.isnan(numbers) & np.isnan(numbers[0]))).all(0)
    if not differ.any():
        return
    column = numbers[:, differ].astype(np.float64)
    with np.errstate(invalid="ignore"):  # of two infinities
        spread = column.max(0) - column.min(0)
    element = int(np.flatnonzero(differ)[spread.argmax()])
    warn(
        f"nodes differ in {int(differ.sum())} of {numbers.shape[1]} elements, by {spread.max():g} at most "
        f"(element {element}): {schedule} adds in another order on every node, xor and ring do not"
    )


@click.command()
@collective_options
@click.option(
    "--op", "kind", default="sum", show_default=True, type=click.Choice(["sum", "max", "min"]),
    help="How two elements are combined.",
)  # fmt: skip
def reduce(kind: str, **options: Any) -> None:
    """Reduce the nodes' messages; every node gets the result.

    The collective is ClusterFusion's ClusterReduce.
    """
    run_collective(Op.REDUCE, Kind[kind.upper()], **options)


@click.command()
@collective_options
def gather(**options: Any) -> None:
    """Gather the nodes' messages; every node gets all of them.

    They lie in the order of their nodes. The collective is ClusterFusion's ClusterGather.
    """
    run_collective(Op.GATHER, Kind.SUM, **options)
