"""`tessera decode`: attention of decode queries, merged over the nodes by the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from golden.cluster.spec import Schedule
from golden.errors import InputError
from hw.cluster.config import CONFIGS
from sim.commands.options import config_option, memory_options, memory_settings, set_option
from sim.console import out, step
from sim.files import write_array, write_json
from sim.settings import choose_config


def load_cache(source: Path | None, layer: int, head: int, size: int, tokens: int, queries: int, seed: int) -> Any:
    """Queries [Q, d], keys and values [T, d], and the scale: of an .npz with K, V, Q, or random.

    Raises:
        InputError: the file has no such arrays, layer, head, or not as many tokens or queries.
    """
    import torch

    if source is None:
        generator = torch.Generator().manual_seed(seed)
        q, k, v = (torch.randn((n, size), generator=generator) for n in (queries, tokens, tokens))
        return q, k, v, size**-0.5
    try:
        with np.load(source, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("Q", "K", "V")}
            scale = float(arrays["scale"]) if "scale" in arrays else found["K"].shape[-1] ** -0.5
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{source}: no .npz file with arrays Q, K and V: {str(error).splitlines()[0]}") from error
    if any(array.ndim != 4 for array in found.values()):
        raise InputError(f"{source}: Q, K and V must be [layers, heads, tokens, d]")
    for name, value, axis in (("--layer", layer, 0), ("--head", head, 1)):
        if not 0 <= value < found["K"].shape[axis]:
            raise InputError(f"{name} must lie in 0..{found['K'].shape[axis] - 1} for {source.name}, it is {value}")
    for name, value, array in (("--tokens", tokens, found["K"]), ("--queries", queries, found["Q"])):
        if value > array.shape[2]:
            raise InputError(f"{name} must be at most {array.shape[2]} for {source.name}, it is {value}")
    q, k, v = (torch.from_numpy(found[name][layer, head].astype(np.float32)) for name in ("Q", "K", "V"))
    return q[:queries], k[:tokens], v[:tokens], scale


@click.command()
@click.argument("cache", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--layer", default=0, show_default=True, help="Layer in CACHE.")
@click.option("--head", default=0, show_default=True, help="Head in CACHE.")
@click.option("--head-size", "size", default=64, show_default=True, help="d of random queries, keys and values.")
@click.option("--tokens", default=1024, show_default=True, help="Tokens of the cache.")
@click.option("--queries", default=1, show_default=True, help="Queries, merged as one message.")
@click.option("--schedule", default="xor", show_default=True, type=click.Choice([s.name.lower() for s in Schedule]),
              help="Who talks to whom.")  # fmt: skip
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Output [Q, d] as .npy.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="JSON report.")
@config_option
@set_option
@memory_options
def decode(
    cache: Path | None, layer: int, head: int, size: int, tokens: int, queries: int, schedule: str,
    target: Path | None, report: Path | None, config_name: str, changes: tuple[str, ...], latency: int,
    bandwidth: int, stalls: int, seed: int,
) -> None:  # fmt: skip
    """Attend to CACHE (.npz with Q, K, V), split by tokens; partial softmaxes on the host, their merge in RTL."""
    memory = memory_settings(latency, bandwidth, stalls, seed)
    for name, value, high in (("--head-size", size, 1024), ("--tokens", tokens, 1 << 20), ("--queries", queries, 4096)):
        if not 1 <= value <= high:
            raise InputError(f"{name} must lie in 1..{high}, it is {value}")
    config = choose_config(CONFIGS, config_name, changes)
    q, k, v, scale = load_cache(cache, layer, head, size, tokens, queries, seed)
    from sim.suites.decode import decode as run

    with step("building the network and merging"):
        done = run(config, q, k, v, scale, schedule=Schedule[schedule.upper()], memory=memory)
    if target is not None:
        write_array(target, done.output.numpy())
    if report is not None:
        write_json(report, done.report)
    cycles, other = done.report["counters"]["collective_cycles"], done.report["unfused"]
    out.print(
        f"decode, {config.spec.nodes} nodes, {len(k)} tokens of {q.shape[1]}, {len(q)} queries: merge in "
        f"{cycles} cycles and {other['fused_link_bytes']} B on the links; through external memory "
        f"{other['cycles']} cycles and {other['bytes']} B; error {done.report['quality']['max_error']:.1e} of float64"
    )
