"""Perplexity against bytes read, for every rule: docs/sweeps/perplexity.* and a figure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from golden.errors import InputError
from sim.kernel.data import real_models
from sim.kernel.files import whole_file, write_json, write_text
from sim.kv.perplexity import Choice, Context, load_context, mean_loss, measure

NAME = "perplexity"
CHOSEN = Choice(rule="scan", budget=0.14, planes=2, whole=1, least=384)
THIRTY = (  # what reads 30 % of the bytes, and what is attended to is all there is
    CHOSEN,
    Choice(rule="scan", budget=1.0),
    Choice(rule="scan", budget=0.175, planes=2),
    Choice(rule="pages", budget=0.15),
    Choice(rule="resv", budget=0.1),
    Choice(rule="topk", budget=0.1),
)
LAST = (
    *THIRTY,
    Choice(rule="scan", budget=0.112, planes=3),
    Choice(rule="scan", budget=0.05, planes=4),
    Choice(rule="scan", budget=0.1, planes=2),
    Choice(rule="pages", budget=0.06),
    Choice(rule="resv", budget=0.03),
    Choice(rule="resv", budget=0.2),
    Choice(rule="topk", budget=0.05),
)
#: Of a context, and of how many of its last tokens that are decoded, what is measured: at 8,192 all but the first 512,
#: of which the scales of keys are; so many that single tokens do not decide; and those that have most in reach.
POINTS = {
    8192: {7680: THIRTY, 2048: THIRTY[:3], 512: LAST},
    4096: {256: THIRTY},
    2048: {256: THIRTY},
}
POD = "/usr/share/perl"  # where Debian's Perl, which the project needs, keeps its manual


def python_text() -> str:
    """The reference of the language, as this Python's `help` shows it."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics.values())


def perl_text() -> str:
    """perldiag: Perl's messages explained.

    Raises:
        InputError: it is not installed.
    """
    found = sorted(Path(POD).glob("*/pod/perldiag.pod"))
    if not found:
        raise InputError(f"the study needs Perl's manual in {POD}/*/pod (Debian package perl-modules)")
    return found[0].read_text(encoding="utf-8")


TEXTS: dict[str, Callable[[], str]] = {"python": python_text, "perl": perl_text}


def record(docs: Path, progress: Callable[[str], object], *, size: int = max(POINTS)) -> list[Path]:
    """Measures contexts of up to `size` tokens; a study that was broken off goes on where it stopped.

    Raises:
        InputError: no model, no text, or no length up to `size`.
    """
    lengths = [length for length in POINTS if length <= size]
    models = real_models()
    if not models or not lengths:
        raise InputError(f"the study needs the model of `make model`, and a size from {min(POINTS)} on, it is {size}")
    paths = [docs / "sweeps" / f"{NAME}.json", docs / "sweeps" / f"{NAME}.md", docs / "images" / f"{NAME}.png"]
    rows: list[dict[str, Any]] = json.loads(paths[0].read_text())["rows"] if paths[0].is_file() else []
    known = {key_of(row) for row in rows}
    for name, text in TEXTS.items():
        missing = [wanted for wanted in points(lengths) if (name, *wanted) not in known]
        if not missing:
            continue
        progress(f"{name}: full attention over {max(lengths)} tokens")
        context = context_of(models[0], text(), max(lengths))
        for length, last, choice in missing:
            progress(f"{name}: {choice} of {length} tokens, the last {last} decoded")
            rows.append(row_of(context, name, length, last, choice))
            write_json(paths[0], {"schema": 1, "model": models[0].stem, "rows": rows})
    write_text(paths[1], tables(rows))
    length = max(lengths)
    plot([row for row in rows if (row["tokens"], row["decoded"]) == (length, max(POINTS[length]))], paths[2])
    return paths


def points(lengths: list[int]) -> Iterator[tuple[int, int, Choice]]:
    """What is measured of a text: a context, of which how many tokens are decoded, and how; the longest first."""
    for length in sorted(lengths, reverse=True):
        for decoded, choices in POINTS[length].items():
            yield from ((length, decoded, choice) for choice in choices)


def key_of(row: dict[str, Any]) -> tuple[str, int, int, Choice]:
    """What a row was measured of."""
    choice = Choice(**{name: row[name] for name in ("rule", "budget", "planes", "whole", "least")})
    return row["text"], row["tokens"], row["decoded"], choice


def context_of(model: Path, text: str, tokens: int) -> Context:
    """The model on a text's beginning."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "text"
        path.write_text(text, encoding="utf-8")
        return load_context(model, path, tokens, 1)


def row_of(context: Context, name: str, length: int, last: int, choice: Choice) -> dict[str, Any]:
    """One point of a curve."""
    full = math.exp(mean_loss(context, length, last))
    found = asdict(measure(context, choice, tokens=length, last=last))
    figures = {key: round(value, 5) if isinstance(value, float) else value for key, value in found.items()}
    return {"text": name, "tokens": length, "decoded": last, "full": round(full, 5), **figures}


def tables(rows: list[dict[str, Any]]) -> str:
    """One for every text, length, and number of decoded tokens."""
    lines: list[str] = []
    for text, tokens, decoded in dict.fromkeys(key_of(row)[:3] for row in rows):
        own = [row for row in rows if key_of(row)[:3] == (text, tokens, decoded)]
        lines += [
            f"{text}, {tokens:,} tokens, the last {decoded:,} decoded; perplexity with full attention "
            f"{own[0]['full']:.3f}:",
            "",
            "| selection | perplexity | against full | tokens kept | bytes to select | bytes read |",
            "|---|--:|--:|--:|--:|--:|",
            *(
                f"| {key_of(row)[3]} | {row['perplexity']:.3f} | {row['ratio'] - 1:+.2%} | {row['kept']:.1%} | "
                f"{row['searched']:.1%} | {row['read']:.1%} |"
                for row in own
            ),
            "",
        ]
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Perplexity over full attention's against the share of the bytes, a panel a text, a curve a rule."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    texts = list(dict.fromkeys(row["text"] for row in rows))
    colours = {label: f"C{k}" for k, label in enumerate(curves(rows))}  # the same in both panels
    figure, axes = pyplot.subplots(1, len(texts), figsize=(11, 4.2), sharex=True, sharey=True, squeeze=False)
    for axis, text in zip(axes[0], texts, strict=True):
        for label, points in curves([row for row in rows if row["text"] == text]).items():
            axis.plot(*zip(*points, strict=True), "o-", markersize=3, linewidth=1.3, label=label, color=colours[label])
        axis.axhline(1, color="#bbbbbb", linewidth=1)
        axis.axvline(30, color="#bbbbbb", linewidth=1, linestyle=":")
        axis.set_title(f"{text}, {rows[0]['tokens']:,} tokens")
        axis.set_xlabel("bytes read, % of full attention's over INT8")
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("perplexity over full attention's")
    marks = [Line2D([], [], color=colour, marker="o", label=label) for label, colour in colours.items()]
    axes[0, 0].legend(handles=marks, fontsize=8)
    figure.tight_layout()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)
    pyplot.close(figure)


def curves(rows: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Points by bytes, of every rule and number of planes; a selection of everything belongs to none."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row["kept"] < 1:
            name = f"scan, {row['planes']} planes" if row["rule"] == "scan" else row["rule"]
            found.setdefault(name, []).append((100 * row["read"], row["ratio"]))
    return {name: sorted(points) for name, points in found.items()}
