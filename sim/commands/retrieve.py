"""`tessera retrieve`: select keys and values for queries by RTL, model or reference."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from golden.errors import InputError
from golden.kv.spec import check_hamming_threshold
from hw.kv.config import CONFIGS
from sim.commands.options import config_option, memory_options, memory_settings, set_option
from sim.kernel.console import out, show_table, step
from sim.kernel.files import whole_file, write_json
from sim.kernel.report import make_report
from sim.kernel.settings import choose_config

if TYPE_CHECKING:  # torch is slow to import
    from golden.kv.attention import Quality

SELECTIONS = ("resv", "pages")


@click.command()
@click.argument("stream")
@click.option("--layer", default=0, show_default=True, help="Layer of the file, from 0.")
@click.option("--head", type=int, help="Only this head in the table and the selection. [default: all]")
@click.option("--tokens", type=int, help="The first so many tokens. [default: all that fit]")
@click.option("--queries", default=16, show_default=True, help="The first so many query rows.")
@click.option("--video", type=float, help="Build a video-like stream of this frame-to-frame correlation.")
@click.option("--select", "selection_rule", default="resv", show_default=True, help="resv or pages (LiveVLM).")
@click.option("--share", type=float, help="Share of the weighted sum (resv) or of the tokens (pages).")
@click.option("--hamming", type=int, help="Th_hd of this job. [default: the config's]")
@click.option("--backend", default="rtl", show_default=True, help="rtl, model or reference.")
@config_option
@set_option
@memory_options
@click.option("--check", is_flag=True, help="Compare every word of the RTL with the model.")
@click.option(
    "--selection", "selection_file", type=click.Path(path_type=Path), help="NumPy .npz with the token numbers."
)
@click.option("--report", "report_file", type=click.Path(path_type=Path), help="JSON file.")
def retrieve(
    stream: str, layer: int, head: int | None, tokens: int | None, queries: int, video: float | None,
    selection_rule: str, share: float | None, hamming: int | None, backend: str, config_name: str,
    changes: tuple[str, ...], latency: int, bandwidth: int, stalls: int, seed: int, check: bool,
    selection_file: Path | None, report_file: Path | None,
) -> None:  # fmt: skip
    """Select tokens of STREAM (.npz or .safetensors with K, V, Q; or the word `synthetic`) for its queries."""
    if backend not in ("rtl", "model", "reference"):
        raise InputError(f"--backend must be rtl, model or reference, it is '{backend}'")
    if check and backend != "rtl":
        raise InputError(f"--check needs --backend rtl, it is '{backend}'")
    if selection_rule not in SELECTIONS:
        raise InputError(f"--select must be resv or pages, it is '{selection_rule}'")
    if share is not None and not 1 / 1024 <= share <= 1023 / 1024:
        raise InputError(f"--share must lie in 1/1024..1023/1024, it is {share:g}")
    if queries < 1:
        raise InputError(f"--queries must be at least 1, it is {queries}")
    if tokens is not None and tokens < 1:
        raise InputError(f"--tokens must be at least 1, it is {tokens}")
    config = choose_config(CONFIGS, config_name, changes)
    memory = memory_settings(latency=latency, bandwidth=bandwidth, stalls=stalls, seed=seed)

    from golden.kv.model import Options
    from sim.kv import retrieval
    from sim.kv.streams import find_stream

    with step("loading keys"):
        loaded = find_stream(stream, layer, tokens, queries=queries, correlation=video, spec=config.spec)
    if head is not None and not 0 <= head < len(loaded.keys):
        raise InputError(f"--head must lie in 0..{len(loaded.keys) - 1}, it is {head}")
    config = retrieval.for_stream(config, loaded)
    spec = config.spec
    options = Options.livevlm(spec) if selection_rule == "pages" else Options.of(spec)
    if hamming is not None:
        check_hamming_threshold(hamming, spec.hash_bits)
        options = replace(options, hamming_threshold=hamming)
    if share is not None:
        options = replace(options, wicsum_code=round(share * 1024))

    begin = time.perf_counter()
    with step(f"retrieving by {backend}"):
        result = retrieval.retrieve_by(backend, loaded, config, options, memory, check=check)
    seconds = time.perf_counter() - begin
    heads = range(len(loaded.keys)) if head is None else [head]
    show_table(
        f"{loaded.name}: {loaded.keys.shape[1]} tokens, {result.clusters} clusters, {loaded.queries.shape[1]} queries",
        ("head", "kept", "recall of true top", "mass", "mass of exact top-k", "output error"),
        ((h, *_figures(result.qualities[h])) for h in heads),
    )
    if result.roofline is not None:
        r = result.roofline
        out.print(f"{r.cycles} cycles, bound {r.bound:.0f} ({r.limit}), ratio {r.ratio:.3f}")
    if check:
        out.print("RTL equals the model in every hash, cluster, selected set and gathered word")
    if selection_file:
        arrays: dict[str, Any] = {f"head_{h}": result.tokens[h].numpy() for h in heads}
        with whole_file(selection_file) as temporary, temporary.open("wb") as target:
            np.savez_compressed(target, **arrays)
    if report_file:
        quality = {
            "heads": {str(h): vars(result.qualities[h]) for h in heads},
            "rtl_equals_model": True if check else None,
        }
        workload = {**loaded.info(), "options": vars(options), "backend": backend, "seconds": round(seconds, 3)}
        write_json(
            report_file,
            make_report(
                engine="kv", config=config, seed=seed, workload=workload, quality=quality, roofline=result.roofline,
                counters=result.counters, dram_bytes=result.dram_bytes, memory=vars(memory),
            ),
        )  # fmt: skip


def _figures(q: Quality) -> tuple[str, ...]:
    return f"{q.kept:.1%}", f"{q.recall:.3f}", f"{q.mass:.4f}", f"{q.best_mass:.4f}", f"{q.output_error:.4f}"
