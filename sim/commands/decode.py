"""`tessera decode`: a decode step of one attention head on the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.cluster.spec import Dataflow, Schedule
from golden.errors import InputError
from hw.cluster.config import CONFIGS
from sim.commands.link_options import link_settings, names_of, pauses_option
from sim.commands.options import config_option, memory_options, memory_settings, set_option
from sim.kernel.console import out, step
from sim.kernel.files import write_array, write_json
from sim.kernel.settings import choose_config

LIMITS = {"head-size": 1024, "hidden": 65536, "tokens": 65536}


def load(
    source: Path | None, *, layer: int, head: int, query: int, size: int, hidden: int, tokens: int, seed: int
) -> Any:
    """Hidden vector and head: random, of a head's file, or around a cache with K, V and Q.

    Raises:
        InputError: the file holds neither, or no such layer, head, query, or not as many tokens.
    """
    import torch

    from golden.cluster.heads import around_cache, load_head, random_head

    if source is None:
        return random_head(size, hidden, tokens, seed)
    try:
        with np.load(source, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("Q", "K", "V") if name in arrays}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{source}: no .npz file: {str(error).splitlines()[0]}") from error
    if not found:
        return load_head(source)
    if len(found) < 3 or any(array.ndim != 4 for array in found.values()):
        raise InputError(f"{source}: Q, K and V must be [layers, heads, tokens, d]")
    for name, value, array, axis in (
        ("--layer", layer, found["K"], 0),
        ("--head", head, found["K"], 1),
        ("--query", query, found["Q"], 2),
    ):
        if not 0 <= value < array.shape[axis]:
            raise InputError(f"{name} must lie in 0..{array.shape[axis] - 1} for {source.name}, it is {value}")
    if tokens > found["K"].shape[2]:
        raise InputError(f"--tokens must be at most {found['K'].shape[2]} for {source.name}, it is {tokens}")
    q, k, v = (torch.from_numpy(found[name][layer, head].astype(np.float32)) for name in ("Q", "K", "V"))
    return around_cache(q[query], k[:tokens], v[:tokens], hidden, seed)


@click.command()
@click.argument("source", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--layer", default=0, show_default=True, help="Layer, of a cache in SOURCE.")
@click.option("--head", default=0, show_default=True, help="Head, of a cache in SOURCE.")
@click.option("--query", default=0, show_default=True, help="Query row, of a cache in SOURCE.")
@click.option("--head-size", "size", default=128, show_default=True, help="H of a random head.")
@click.option("--hidden", default=4096, show_default=True, help="D, if SOURCE has no weights.")
@click.option("--tokens", default=1024, show_default=True, help="Tokens of the cache, the decoded one not counted.")
@click.option("--dataflow", default="token", show_default=True, type=names_of(Dataflow), help="What nodes share out.")
@click.option("--schedule", default="xor", show_default=True, type=names_of(Schedule), help="Who talks to whom.")
@pauses_option
@click.option("--unfused/--no-unfused", default=True, show_default=True, help="Compare with external memory.")
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Output [D] as .npy.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="JSON report.")
@config_option
@set_option
@memory_options
def decode(
    source: Path | None, layer: int, head: int, query: int, size: int, hidden: int, tokens: int, dataflow: str,
    schedule: str, pauses: int, unfused: bool, target: Path | None, report: Path | None, config_name: str,
    changes: tuple[str, ...], latency: int, bandwidth: int, stalls: int, seed: int,
) -> None:  # fmt: skip
    """Decode one token with one head in RTL: projections, rotary embedding, attention, output projection.

    SOURCE is a .npz with a head's weights and cache, or with keys, values and queries (K, V, Q) around which
    random weights are put. Without it everything is random.
    """
    memory = memory_settings(latency=latency, bandwidth=bandwidth, stalls=stalls, seed=seed)
    for name, value in (("head-size", size), ("hidden", hidden), ("tokens", tokens)):
        if not 1 <= value <= LIMITS[name]:
            raise InputError(f"--{name} must lie in 1..{LIMITS[name]}, it is {value}")
    links = link_settings(pauses)
    config = choose_config(CONFIGS, config_name, changes)
    x, weights = load(source, layer=layer, head=head, query=query, size=size, hidden=hidden, tokens=tokens, seed=seed)
    from sim.cluster.decode import decode as run

    with step("building the cluster and decoding"):
        done = run(
            config, x, weights, dataflow=Dataflow[dataflow.upper()], schedule=Schedule[schedule.upper()],
            memory=memory, links=links, unfused=unfused,
        )  # fmt: skip
    if target is not None:
        write_array(target, done.output.numpy())
    if report is not None:
        write_json(report, done.report)
    quality, cycles, other = done.report["quality"], done.report["cycles"], done.report.get("unfused")
    out.print(
        f"decode by {dataflow}, {config.spec.nodes} nodes, head {weights.keys.shape[1]} of {len(x)}, "
        f"{len(weights.keys)} tokens: {cycles} cycles, {done.report['ratio']:.3f} of the bound; every byte equals "
        f"the model; error {quality['max_error']:.1e} of float32"
    )
    if other:
        out.print(
            f"through external memory: {other['cycles']} cycles, {other['cycles'] / cycles:.3f} times as many, "
            f"{other['bytes'] - done.report['bytes']['total']} B more"
        )
