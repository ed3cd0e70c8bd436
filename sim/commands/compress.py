"""`tessera compress`: which tokens of a cache stay, by LiveVLM's vision-sink bucketing."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from hw.kv.config import CONFIGS
from sim.commands.options import OutputFile, names_option
from sim.commands.run_options import RunOptions, run_options
from sim.kernel.console import out, show_table, step
from sim.kernel.files import write_arrays
from sim.kernel.quality import shown
from sim.kv.run import run
from sim.kv.workload import prepare_compress, sink_options


@click.command()
@click.argument("stream")
@click.option("--layer", default=0, show_default=True, help="Layer of STREAM to use, counted from 0.")
@names_option
@click.option("--tokens", type=int, help="Use only this many tokens, from the first. [default: all]")
@click.option("--window", default=16, show_default=True, help="Number of query rows whose attention scores the tokens.")
@click.option(
    "--video", type=float, help="Make a video-like stream from STREAM, with this correlation between frames (0 to 1)."
)
@click.option("--budget", type=int, help="Tokens to keep. [default: 40 % of them]")
@click.option("--capacity", default=1, show_default=True, help="Tokens that one position bucket holds.")
@click.option(
    "--unconditional",
    type=int,
    help="Best-scoring tokens that are kept whatever their bucket. [default: a quarter of the budget]",
)
@run_options(CONFIGS)
@click.option(
    "--selection",
    "selection_file",
    type=OutputFile(),
    help="Write the numbers of the tokens kept to FILE (NumPy .npz).",
)
def compress(
    stream: str, layer: int, names: str | None, tokens: int | None, window: int, video: float | None,
    budget: int | None, capacity: int, unconditional: int | None, options: RunOptions, selection_file: Path | None,
) -> None:  # fmt: skip
    """Choose the tokens that a smaller key-value cache keeps.

    STREAM is a .npz or .safetensors file with K, V and Q, or the word `synthetic`.
    """
    for name, value in (("--window", window), ("--capacity", capacity), ("--tokens", 1 if tokens is None else tokens)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, it is {value}")
    from sim.kv.selection import kept_tokens  # torch is slow to import
    from sim.kv.streams import find_stream

    with step("loading keys"):
        loaded = find_stream(
            stream, layer, tokens, queries=window, correlation=video, spec=options.config.spec, names=names
        )
    length = loaded.keys.shape[1]
    with step("scoring the tokens"):
        job = sink_options(length, budget=budget, capacity=capacity, unconditional=unconditional)
        workload = prepare_compress(loaded, options.config, job)
    with step(f"compressing by {options.backend}"):
        found = run(workload, **options.keywords())
    kept, quality = kept_tokens(found.results), found.quality
    show_table(
        f"{loaded.name}: {length} tokens, {loaded.queries.shape[1]} query rows",
        ("kept", "buckets", "attention mass kept", "of the best as many", "as the reference"),
        [
            (
                len(kept), job.budget // job.capacity,
                *(shown(quality[name], ".4f") for name in ("mass", "best_mass")), shown(quality["agreement"], ".1%"),
            )
        ],
    )  # fmt: skip
    if selection_file:
        write_arrays(selection_file, {"kept": kept})
        out.print(f"{selection_file}: {len(kept)} tokens")
    options.finish(found)
