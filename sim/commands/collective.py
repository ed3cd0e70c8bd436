"""`tessera reduce` and `tessera gather`: a collective on the cluster network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.cluster.spec import ElementType, Kind, Op, Schedule
from golden.errors import InputError
from hw.cluster.config import CONFIGS, Config
from sim.cluster.workload import collective
from sim.commands.link_options import link_settings, names_of, pauses_option
from sim.commands.options import config_option, memory_options, memory_settings, set_option
from sim.kernel.console import out, step
from sim.kernel.files import whole_file, write_json
from sim.kernel.settings import choose_config

DTYPES = {ElementType.HALF: "<f2", ElementType.SINGLE: "<f4", ElementType.INTEGER: "<i4", ElementType.MIXED: "<f2"}


def shared_options(command: Any) -> Any:
    """What reduce and gather have in common."""
    for option in (
        click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="JSON report."),
        click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Results as .npy."),
        pauses_option,
        click.option("--input", "source", type=click.Path(path_type=Path, dir_okay=False),
                     help="Messages: .npy [nodes, elements]. [default: random numbers]"),
        click.option("--size", default=1024, show_default=True, help="Bytes of a node's message, if random."),
        click.option("--format", "form", default="half", show_default=True, type=names_of(ElementType),
                     help="Of the messages' elements."),
        click.option("--schedule", default="xor", show_default=True, type=names_of(Schedule),
                     help="Who talks to whom."),
        set_option,
        config_option,
    ):  # fmt: skip
        command = option(command)
    return memory_options(command)


def load_messages(source: Path | None, size: int, config: Config, form: ElementType, seed: int) -> np.ndarray:
    """The nodes' messages as uint8 [N, bytes].

    Raises:
        InputError: the file cannot be read, or is no array [nodes, elements] of numbers.
    """
    from sim.cluster.suite import random_messages

    if source is None:
        if not 1 <= size <= 1 << 20:
            raise InputError(f"--size must lie in 1..{1 << 20}, it is {size}")
        width = np.dtype(DTYPES[form]).itemsize
        if size % width:
            raise InputError(f"--size must be a multiple of the element of {width} B, it is {size}")
        return random_messages(config, size, form, seed)
    try:
        values = np.load(source, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{source}: no .npy array: {str(error).splitlines()[0]}") from error
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiu":
        raise InputError(f"{source}: messages must be an array of numbers [nodes, elements]")
    return np.ascontiguousarray(values.astype(DTYPES[form])).view(np.uint8)


def run(
    op: Op, kind: Kind, *, schedule: str, form: str, size: int, source: Path | None, pauses: int, target: Path | None,
    report: Path | None, config_name: str, changes: tuple[str, ...], latency: int, bandwidth: int, stalls: int,
    seed: int,
) -> None:  # fmt: skip
    """Runs the collective in RTL, compares it with the model, prints what it cost."""
    memory = memory_settings(latency=latency, bandwidth=bandwidth, stalls=stalls, seed=seed)
    links = link_settings(pauses)
    config = choose_config(CONFIGS, config_name, changes)
    number = ElementType[form.upper()]
    messages = load_messages(source, size, config, number, seed)
    workload = collective(config, messages, op=op, schedule=Schedule[schedule.upper()], form=number, kind=kind)
    from sim.cluster.suite import run_checked

    with step("building the network and running the collective"):
        done = run_checked(workload, memory=memory, links=links)
    counters, bound = done.report["counters"], done.report["bound"]["cycles"]
    if target is not None:
        single = number == ElementType.MIXED and op == Op.REDUCE
        values = done.results.view("<f4" if single else DTYPES[number])
        with whole_file(target) as temporary, temporary.open("wb") as stream:
            np.save(stream, values)
    if report is not None:
        write_json(report, done.report)
    out.print(
        f"{op.name.lower()} {schedule}, {config.spec.nodes} nodes, {messages.shape[1]} B each: "
        f"{counters['collective_cycles']} cycles (bound {bound:.0f}), "
        f"{counters['flits']} flits of {config.spec.flit_bytes} B "
        f"on the links; every byte equals the model"
    )


@click.command()
@shared_options
@click.option(
    "--op", "kind", default="sum", show_default=True, type=click.Choice(["sum", "max", "min"]), help="What is computed."
)
def reduce(kind: str, **options: Any) -> None:
    """Reduce messages over all nodes (ClusterReduce); every node gets the result."""
    run(Op.REDUCE, Kind[kind.upper()], **options)


@click.command()
@shared_options
def gather(**options: Any) -> None:
    """Gather the nodes' messages in rank order (ClusterGather); every node gets all of them."""
    run(Op.GATHER, Kind.SUM, **options)
