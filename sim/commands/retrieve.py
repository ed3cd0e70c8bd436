"""`tessera retrieve`: select keys and values for queries by RTL, model or reference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from golden.errors import InputError
from hw.kv.config import CONFIGS
from sim.commands.options import OutputFile, names_option
from sim.commands.run_options import RunOptions, run_options
from sim.commands.scan_settings import ScanSettings, scan_settings
from sim.kernel.console import out, show_table, step
from sim.kernel.files import write_arrays
from sim.kernel.quality import shown
from sim.kv.run import run
from sim.kv.workload import prepare_retrieve, prepare_scan, retrieve_options


@click.command()
@click.argument("stream")
@click.option("--layer", default=0, show_default=True, help="Layer of STREAM to use, counted from 0.")
@click.option("--head", type=int, help="Show and write only this head. [default: all]")
@names_option
@click.option("--tokens", type=int, help="Use only this many tokens, from the first. [default: all]")
@click.option("--queries", default=16, show_default=True, help="Use only this many query rows, from the first.")
@click.option(
    "--video", type=float, help="Make a video-like stream from STREAM, with this correlation between frames (0 to 1)."
)
@click.option("--select", "rule", default="resv", show_default=True, type=click.Choice(("resv", "pages", "scan")),
              help="What to select: hash clusters (V-Rex), pages (LiveVLM) or tokens by bit planes.")  # fmt: skip
@click.option("--share", type=float, help="Share of the weighted sum (resv) or of the tokens (pages, scan) to keep.")
@scan_settings()
@click.option("--hamming", type=int, help="Hamming threshold Th_hd for this job. [default: the config's]")
@run_options(CONFIGS)
@click.option(
    "--selection", "selection_file", type=OutputFile(), help="Write the selected tokens' numbers to FILE (NumPy .npz)."
)
def retrieve(
    stream: str, layer: int, head: int | None, names: str | None, tokens: int | None, queries: int,
    video: float | None, rule: str, share: float | None, scan: ScanSettings, hamming: int | None, options: RunOptions,
    selection_file: Path | None,
) -> None:  # fmt: skip
    """Select the tokens of a key-value stream that queries need.

    STREAM is a .npz or .safetensors file with K, V and Q, or the word `synthetic`. A scan is for one token: the last
    of the query rows.
    """
    if share is not None and not 1 / 1024 <= share <= 1023 / 1024:
        raise InputError(f"--share must lie in 1/1024..1023/1024, it is {share:g}")
    for name, value in (("--queries", queries), ("--tokens", 1 if tokens is None else tokens)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, it is {value}")
    if rule != "scan":
        scan.refuse(rule)
    elif hamming is not None:
        raise InputError("--hamming is an option of --select resv, not of scan")
    from sim.kv.selection import cluster_count, head_tokens  # torch is slow to import
    from sim.kv.streams import find_stream

    spec = options.config.spec
    with step("loading keys"):
        loaded = find_stream(stream, layer, tokens, queries=queries, correlation=video, spec=spec, names=names)
    if head is not None and not 0 <= head < len(loaded.keys):
        raise InputError(f"--head must lie in 0..{len(loaded.keys) - 1}, it is {head}")
    with step("quantising keys and queries"):
        if rule == "scan":
            workload = prepare_scan(loaded, options.config, scan.options(loaded.keys.shape[1], share))
        else:
            job = retrieve_options(spec, pages=rule == "pages", share=share, hamming=hamming)
            workload = prepare_retrieve(loaded, options.config, job)
    with step(f"retrieving by {options.backend}"):
        found = run(workload, **options.keywords())
    heads = range(len(loaded.keys)) if head is None else [head]
    qualities = {str(h): found.quality["heads"][str(h)] for h in heads}
    read = found.quality.get("read")
    how = f"{cluster_count(found.results)} clusters" if read is None else f"{read:.1%} of the cache's bytes read"
    show_table(
        f"{loaded.name}: {loaded.keys.shape[1]} tokens, {how}, {workload.stream.queries.shape[1]} queries",
        ("head", "kept", "recall of true top", "mass", "mass of exact top-k", "output error"),
        ((h, *_figures(quality)) for h, quality in qualities.items()),
    )
    if selection_file:
        chosen = head_tokens(found.results)
        write_arrays(selection_file, {f"head_{h}": chosen[h] for h in heads})
        out.print(f"{selection_file}: {sum(len(chosen[h]) for h in heads)} tokens")
    report = found.report()
    report["quality"]["heads"] = qualities
    options.finish(found, report)


def _figures(q: Mapping[str, float | None]) -> tuple[str, ...]:
    forms = {"kept": ".1%", "recall": ".3f", "mass": ".4f", "best_mass": ".4f", "output_error": ".4f"}
    return tuple(shown(q[name], form) for name, form in forms.items())
