"""What the papers leave open, decided on real keys, and quality against traffic: docs/sweeps/kv.*."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from golden.errors import InputError
from golden.kv.keys import load_keys
from sim.kernel.data import data_folder, present
from sim.kernel.files import whole_file, write_json, write_text
from sim.kv.lengths import length_rows
from sim.kv.measures import curves, decision_rows, head_rows
from sim.kv.scan_sweep import curve, layouts
from sim.kv.serial import serial_rows
from sim.kv.streams import PYDOC, SMOLLM, layer_stream

DEFAULT_SIZE = 4096  # tokens of every stream


def record(docs: Path, progress: Callable[[str], None], *, size: int = DEFAULT_SIZE) -> list[Path]:
    """Measures streams of `size` tokens of the real keys, and scans of a language model's; writes JSON, tables, curves.

    Raises:
        InputError: a size out of range, or no real keys.
    """
    if not 64 <= size <= 32768:
        raise InputError(f"--size must lie in 64..32768, it is {size}")
    found = present(PYDOC, SMOLLM)
    if len(found) < 2:
        raise InputError(f"the study needs real keys in {data_folder() / PYDOC} and {data_folder() / SMOLLM}")
    files, model = (load_keys(path) for path in found)
    kinds: dict[str, str | None] = {"text": None, "video": "video", "drift": "drift"}
    streams = {
        name: [layer_stream(files, layer, size, kind=kind) for layer in range(3)] for name, kind in kinds.items()
    }
    progress("measuring what the papers leave open")
    decisions = decision_rows(streams)
    progress("measuring every layer and head")
    heads = head_rows([*streams["text"], *streams["video"]])
    progress("measuring what rows keep as the stream grows")
    lengths = length_rows(files)
    progress("measuring what bit-serial scores would read")
    serial = serial_rows([*streams["text"], *streams["video"]])
    progress("measuring scans of bit planes")
    scans = {"curve": curve(model), "layouts": layouts(model)}
    progress("measuring quality against traffic")
    traffic = {name: dict(curves(streams[name][1])) for name in ("text", "video")}
    study = {
        "schema": 1,
        "tokens": size,
        "correlation": 0.95,
        "decisions": decisions,
        "heads": heads,
        "lengths": lengths,
        "serial": serial,
        "scan": scans,
        "curves": traffic,
    }
    paths = [docs / "sweeps" / "kv.json", docs / "sweeps" / "kv.md", docs / "images" / "kv-curves.png"]
    write_json(paths[0], study)
    write_text(paths[1], _tables(study))
    _plot(traffic, paths[2])
    return paths


def _tables(study: dict[str, Any]) -> str:
    """The decisions, then every layer and head."""
    kinds = ("text", "video", "drift")
    lines = [
        f"Mean over three layers and four heads, {study['tokens']} tokens, each query row's own selection at "
        "Th_r-wics 0.3: clusters / share kept / mass against exact top-k of the same size.",
        "",
        f"| variant (float32) | {' | '.join(kinds)} |",
        "|---|---|---|---|",
    ]
    for row in study["decisions"]:
        cells = (f"{row[k]['clusters']:.0f} / {row[k]['kept']:.3f} / {row[k]['relative_mass']:.3f}" for k in kinds)
        lines.append(f"| {row['variant']} | {' | '.join(cells)} |")
    lines += [
        "",
        "Per layer and head, bit-true model, each query row's own selection; every method keeps as many tokens "
        "(pages rounded up): mass against exact top-k, and recall of the true top tokens. Union: what 16 rows gather.",
        "",
        "| stream | head | kept | ReSV mass / recall | int8 top-k | page bounds | union kept / mass |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in study["heads"]:
        cells = (
            f"{row[m]['relative_mass']:.3f} / {row[m]['recall']:.3f}" for m in ("resv", "int8 top-k", "page bounds")
        )
        union = f"{row['union']['kept']:.3f} / {row['union']['mass']:.3f}"
        lines.append(f"| {row['stream']} | {row['head']} | {row['resv']['kept']:.3f} | {' | '.join(cells)} | {union} |")
    lines += [
        "",
        "The video-like stream of correlation 0.95 as it grows, bit-true model, 16 rows, mean over heads: clusters / "
        "share of scores visited / a row's mass / the union's mass, both against exact top-k of the same size.",
        "",
        "| variant | tokens | layer 0 | layer 1 | layer 2 |",
        "|---|--:|---|---|---|",
    ]
    cells = {
        (row["variant"], row["tokens"], row["layer"]): f"{row['clusters']} / {row['visited']:.1%} / {row['row']:.3f} / "
        f"{row['union']:.3f}"
        for row in study["lengths"]
    }
    for variant, tokens in dict.fromkeys((v, t) for v, t, _ in cells):
        lines.append(f"| {variant} | {tokens:,} | {' | '.join(cells[variant, tokens, n] for n in range(3))} |")
    lines += [
        "",
        "Bits of the means that a bit-serial score lane would read, highest first, as a share of all: ReSV if every "
        "row's lowest bucket were known beforehand, by a row and by 16 rows that share a mean; pages against the "
        "running bound.",
        "",
        "| stream | ReSV, a row | ReSV, 16 rows | pages |",
        "|---|--:|--:|--:|",
        *(
            f"| {row['stream']} | {row['a row']:.1%} | {row['16 rows']:.1%} | {row['pages']:.1%} |"
            for row in study["serial"]
        ),
        "",
        *_scan_tables(study["scan"]),
    ]
    return "\n".join([*lines, ""])


def _scan_tables(scan: dict[str, Any]) -> list[str]:
    """Mass against bytes by planes and budget, and what layouts read."""
    shares = list(dict.fromkeys(row["share"] for row in scan["curve"]))
    cells = {(row["planes"], row["share"]): f"{row['mass']:.4f} / {row['read']:.1%}" for row in scan["curve"]}
    planes = dict.fromkeys(row["planes"] for row in scan["curve"])
    return [
        "Scans of SmolLM2-135M at 8,192 tokens, mean over layers 2, 14, 26, nine query heads on three key-value heads, "
        "eight decoded tokens: softmax mass kept / share of the INT8 cache's bytes read (keys and values of the "
        "selected tokens included; values alone where the scores are exact), by planes and budget.",
        "",
        f"| planes read | {' | '.join(f'{share:.1%} of the tokens' for share in shares)} |",
        f"|---|{'---|' * len(shares)}",
        *(f"| {'8 (exact)' if n == 8 else n} | {' | '.join(cells[n, share] for share in shares)} |" for n in planes),
        "",
        "Planes of all keys, of eight, that exact mode reads at a budget of 10 %, by layout (words of 64 bytes).",
        "",
        f"| {' | '.join(scan['layouts'])} |",
        f"|{'--:|' * len(scan['layouts'])}",
        f"| {' | '.join(f'{value:.2f}' for value in scan['layouts'].values())} |",
    ]


def _plot(traffic: dict[str, dict[str, list[tuple[float, float]]]], path: Path) -> None:
    """Softmax mass against the share of the cache that is gathered, a panel for each stream."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(traffic), figsize=(11, 4.2), sharey=True)
    for axis, (name, lines) in zip(axes, traffic.items(), strict=True):
        for label, points in lines.items():
            axis.plot(*zip(*points, strict=True), "o-", markersize=3, linewidth=1.3, label=label)
        axis.set_title(f"{name}, layer 2 of the model, 16 query rows")
        axis.set_xlabel("share of the cache gathered")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("softmax mass kept")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)
    pyplot.close(figure)
