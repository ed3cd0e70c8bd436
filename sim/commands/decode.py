"""`tessera decode`: a decode step of attention heads on the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from golden.cluster.spec import Dataflow, Schedule
from golden.errors import InputError
from hw.cluster.config import CONFIGS
from sim.cluster.decode import decode as run
from sim.cluster.player import LinkedMemory
from sim.cluster.step_source import StepSource
from sim.commands.decode_selected import decode_selected
from sim.commands.link_options import names_of, pauses_option
from sim.commands.options import OutputFile
from sim.commands.run_options import RunOptions, run_options
from sim.commands.scan_settings import ScanSettings, scan_settings
from sim.kernel.console import out, step
from sim.kernel.files import write_array
from sim.kernel.quality import shown

if TYPE_CHECKING:  # torch is slow to import
    from golden.cluster.dataflows import Head

LIMITS = {"head-size": 1024, "hidden": 65536, "tokens": 65536}


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--layer", default=0, show_default=True, help="Layer of the cache, counted from 0.")
@click.option("--head", default=0, show_default=True, help="Head of the cache; of a model's layer its key-value head.")
@click.option(
    "--query",
    type=int,
    help="Query row of a cache, or hidden vector of a model's layer. [default: the first; the last]",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keys and values (.npz with K, V) of the tokens before the hidden vectors of a model's layer.",
)
@click.option(
    "--calibrate/--nearest",
    default=True,
    show_default=True,
    help="Fit the codes of a model's weights to the hidden vectors before, or round each to the nearest.",
)
@click.option(
    "--head-size", "size", type=int, help="Elements H of a head. [default: 128 of a random one, 64 of a model's layer]"
)
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
@click.option(
    "--select", "rule", default="all", show_default=True, type=click.Choice(("all", "scan")),
    help="Which tokens to attend to: all, or those that a scan selects for each key-value head of a layer.",
)  # fmt: skip
@click.option("--budget", type=float, help="scan: the share of the tokens to select. [default: 0.1]")
@scan_settings("1 to 7. [default: 4]")
@click.option(
    "--full/--no-full", default=True, show_default=True, help="scan: also decode with all tokens, for comparison."
)
@run_options(CONFIGS, memory=LinkedMemory)
@click.option("--out", "target", type=OutputFile(), help="Write the output to FILE (NumPy, float32 [D]).")
def decode(
    source: Path | None, layer: int, head: int, query: int | None, cache: Path | None, calibrate: bool,
    size: int | None, hidden: int, tokens: int, dataflow: str, schedule: str, unfused: bool, rule: str,
    budget: float | None, scan: ScanSettings, full: bool, options: RunOptions, target: Path | None,
) -> None:  # fmt: skip
    """Decode one token with one attention head on the cluster.

    That is: projections, rotary embedding, attention, output projection. SOURCE is a .npz with a head's weights and
    cache, with a model's layer (attn_q, attn_k, attn_v, attn_output, hidden), of which all query heads of one key-value
    head are decoded, or with keys, values and queries (K, V, Q) around which random weights are put. Without it
    everything is random. With `--select scan` all heads of a layer are decoded, each with the tokens that the retrieval
    engine selects for it.
    """
    for name, value in (("head-size", 64 if size is None else size), ("hidden", hidden), ("tokens", tokens)):
        if not 1 <= value <= LIMITS[name]:
            raise InputError(f"--{name} must lie in 1..{LIMITS[name]}, it is {value}")
    found = StepSource(
        file=source, cache=cache, calibrate=calibrate, layer=layer, head=head, query=query,
        size=size or (64 if source else 128), hidden=hidden, tokens=tokens, seed=options.memory.seed,
    )  # fmt: skip
    if rule == "scan":
        pauses = isinstance(options.memory, LinkedMemory) and options.memory.link_pauses
        for name, other in (
            ("head", head), ("pauses", pauses), ("dataflow", dataflow != "token"),
            ("schedule", schedule != "xor"),
        ):  # fmt: skip
            if other:
                raise InputError(f"--{name} is an option of --select all, not of scan")
        decode_selected(found, scan, budget, options, full=full, target=target)
        return
    scan.refuse(rule)
    if budget is not None:
        raise InputError(f"--budget is an option of --select scan, not of {rule}")
    with step("loading the head"):
        vector, weights, known = found.load()
    with step(f"decoding by {options.backend}"):
        done = run(
            options.config, vector, weights, dataflow=Dataflow[dataflow.upper()], schedule=Schedule[schedule.upper()],
            unfused=unfused, calibration=known, **options.keywords(),
        )  # fmt: skip
    if target:
        write_array(target, done.output)
    report = done.report()
    out.print(
        f"decode by {dataflow}, {options.config.spec.nodes} nodes, {_heads(weights)} of {len(vector)}, "
        f"{len(weights.keys)} tokens: error {shown(report['quality']['max_error'], '.1e')} of float32"
    )
    if done.unfused:
        other, cycles = report["unfused"], report["cycles"]
        out.print(
            f"through external memory: {other['cycles']} cycles, {other['cycles'] / cycles:.3f} times as many, "
            f"{other['bytes'] - report['bytes']['total']} B more, in {done.unfused.took}"
        )
    options.finish(done.run, report)


def _heads(head: Head) -> str:
    """Size, and how many query heads share it."""
    size = head.keys.shape[1]
    return f"head {size}" if head.group == 1 else f"{head.group} query heads of {size}"
