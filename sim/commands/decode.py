"""`tessera decode`: a decode step of one attention head on the cluster."""

from __future__ import annotations

from pathlib import Path

import click

from golden.cluster.spec import Dataflow, Schedule
from golden.errors import InputError
from hw.cluster.config import CONFIGS
from sim.cluster.decode import decode as run
from sim.cluster.decode_workload import StepSource
from sim.cluster.player import LinkedMemory
from sim.commands.link_options import names_of, pauses_option
from sim.commands.options import OutputFile, RunOptions, run_options
from sim.kernel.console import out, step
from sim.kernel.files import write_array
from sim.kernel.quality import shown

LIMITS = {"head-size": 1024, "hidden": 65536, "tokens": 65536}


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--layer", default=0, show_default=True, help="Layer of the cache in SOURCE.")
@click.option("--head", default=0, show_default=True, help="Head of the cache in SOURCE.")
@click.option("--query", default=0, show_default=True, help="Query row of the cache in SOURCE.")
@click.option("--head-size", "size", default=128, show_default=True, help="Elements H of a random head.")
@click.option("--hidden", default=4096, show_default=True, help="Elements D of a random hidden vector.")
@click.option("--tokens", default=1024, show_default=True, help="Tokens in the cache, not counting the one decoded.")
@click.option(
    "--dataflow", default="token", show_default=True, type=names_of(Dataflow), help="What is divided among the nodes."
)
@click.option(
    "--schedule", default="xor", show_default=True, type=names_of(Schedule),
    help="Which nodes talk to each other, and in which order.",
)  # fmt: skip
@pauses_option
@click.option(
    "--unfused/--no-unfused", default=True, show_default=True,
    help="Also measure the same step through external memory (RTL only).",
)  # fmt: skip
@run_options(CONFIGS, memory=LinkedMemory)
@click.option("--out", "target", type=OutputFile(), help="Write the output to FILE (NumPy, float32 [D]).")
def decode(
    source: Path | None, layer: int, head: int, query: int, size: int, hidden: int, tokens: int, dataflow: str,
    schedule: str, unfused: bool, options: RunOptions, target: Path | None,
) -> None:  # fmt: skip
    """Decode one token with one attention head on the cluster.

    That is: projections, rotary embedding, attention, output projection. SOURCE is a .npz with a head's weights and
    cache, or with keys, values and queries (K, V, Q) around which random weights are put. Without it everything is
    random.
    """
    for name, value in (("head-size", size), ("hidden", hidden), ("tokens", tokens)):
        if not 1 <= value <= LIMITS[name]:
            raise InputError(f"--{name} must lie in 1..{LIMITS[name]}, it is {value}")
    found = StepSource(
        file=source, layer=layer, head=head, query=query, size=size, hidden=hidden, tokens=tokens,
        seed=options.memory.seed,
    )  # fmt: skip
    with step("loading the head"):
        vector, weights = found.load()
    with step(f"decoding by {options.backend}"):
        done = run(
            options.config, vector, weights, dataflow=Dataflow[dataflow.upper()], schedule=Schedule[schedule.upper()],
            unfused=unfused, **options.keywords(),
        )  # fmt: skip
    if target:
        write_array(target, done.output)
    report = done.report()
    out.print(
        f"decode by {dataflow}, {options.config.spec.nodes} nodes, head {weights.keys.shape[1]} of {len(vector)}, "
        f"{len(weights.keys)} tokens: error {shown(report['quality']['max_error'], '.1e')} of float32"
    )
    if done.unfused:
        other, cycles = report["unfused"], report["cycles"]
        out.print(
            f"through external memory: {other['cycles']} cycles, {other['cycles'] / cycles:.3f} times as many, "
            f"{other['bytes'] - report['bytes']['total']} B more, in {done.unfused.took}"
        )
    options.finish(done.run, report)
