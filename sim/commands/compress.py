"""`tessera compress`: which tokens of a cache stay, by LiveVLM's vision-sink bucketing."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from golden.errors import InputError
from hw.kv.config import CONFIGS
from sim.commands.options import config_option, memory_options, memory_settings, set_option
from sim.kernel.console import out, show_table, step
from sim.kernel.files import whole_file, write_json
from sim.kernel.report import make_report
from sim.kernel.settings import choose_config


@click.command()
@click.argument("stream")
@click.option("--layer", default=0, show_default=True, help="Layer of the file, from 0.")
@click.option("--tokens", type=int, help="The first so many tokens. [default: all]")
@click.option("--window", default=16, show_default=True, help="Query rows whose attention scores the tokens.")
@click.option("--video", type=float, help="Build a video-like stream of this frame-to-frame correlation.")
@click.option("--budget", type=int, help="Tokens that stay. [default: 40 % of them]")
@click.option("--capacity", default=1, show_default=True, help="Tokens of a position bucket.")
@click.option("--unconditional", type=int, help="Best tokens that stay in any case. [default: a quarter of the budget]")
@click.option("--backend", default="rtl", show_default=True, help="rtl, model or reference.")
@config_option
@set_option
@memory_options
@click.option("--check", is_flag=True, help="Compare every bit of the RTL with the model.")
@click.option("--selection", "selection_file", type=click.Path(path_type=Path), help="NumPy .npz with the tokens kept.")
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="JSON file.")
def compress(
    stream: str, layer: int, tokens: int | None, window: int, video: float | None, budget: int | None, capacity: int,
    unconditional: int | None, backend: str, config_name: str, changes: tuple[str, ...], latency: int, bandwidth: int,
    stalls: int, seed: int, check: bool, selection_file: Path | None, report_file: Path | None,
) -> None:  # fmt: skip
    """Choose the tokens of STREAM (.npz or .safetensors with K, V, Q; or `synthetic`) that a smaller cache keeps."""
    if backend not in ("rtl", "model", "reference"):
        raise InputError(f"--backend must be rtl, model or reference, it is '{backend}'")
    if check and backend != "rtl":
        raise InputError(f"--check needs --backend rtl, it is '{backend}'")
    for name, value in (("--window", window), ("--capacity", capacity), ("--tokens", 1 if tokens is None else tokens)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, it is {value}")
    config = choose_config(CONFIGS, config_name, changes)
    memory = memory_settings(latency=latency, bandwidth=bandwidth, stalls=stalls, seed=seed)

    from golden.kv.vision_sink import SinkOptions
    from sim.kv.compression import compress_by
    from sim.kv.streams import find_stream

    with step("loading keys"):
        loaded = find_stream(stream, layer, tokens, queries=window, correlation=video, spec=config.spec)
    length = loaded.keys.shape[1]
    size = max(1, length * 2 // 5 // capacity) * capacity if budget is None else budget
    options = SinkOptions(
        budget=size, capacity=capacity, unconditional=size // 4 if unconditional is None else unconditional
    )
    with step(f"compressing by {backend}"):
        result = compress_by(backend, loaded, config, options, memory, check=check)
    show_table(
        f"{loaded.name}: {length} tokens, {loaded.queries.shape[1]} query rows",
        ("kept", "buckets", "attention mass kept", "of the best as many", "as the reference"),
        [
            (
                int(result.keep.sum()), size // capacity, f"{result.mass:.4f}", f"{result.best_mass:.4f}",
                f"{result.agreement:.1%}",
            )
        ],
    )  # fmt: skip
    if result.roofline is not None:
        r = result.roofline
        out.print(f"{r.cycles} cycles, bound {r.bound:.0f} ({r.limit}), ratio {r.ratio:.3f}")
    if check:
        out.print("RTL equals the model in every bit")
    if selection_file:
        with whole_file(selection_file) as temporary, temporary.open("wb") as target:
            np.savez_compressed(target, kept=result.keep.nonzero().flatten().numpy())
    if report_file:
        quality = {
            "mass": result.mass, "best_mass": result.best_mass, "agreement": result.agreement,
            "rtl_equals_model": True if check else None,
        }  # fmt: skip
        write_json(
            report_file,
            make_report(
                engine="kv", config=config, seed=seed, quality=quality, roofline=result.roofline,
                workload={**loaded.info(), "options": vars(options), "backend": backend}, counters=result.counters,
                dram_bytes=result.dram_bytes, memory=vars(memory),
            ),
        )  # fmt: skip
