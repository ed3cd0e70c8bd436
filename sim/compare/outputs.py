"""The comparison for a terminal, a spreadsheet and a paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from sim.compare.comparison import Comparison
from sim.compare.rivals import Rival
from sim.compare.value import HOLE, MODELLED, Value, shown

OWN_HEAD = ("engine", "workload", "cycles", "× bound", "useful", "clock", "time", "needs", "area")
HEAD = ("engine", "workload", "beside", "how", "its time", "× ours", "× at equal GB/s", "× per mm²", "× per joule")
LEFT = ("workload", "beside", "how")
OWN = ("cycles", "ratio", "useful share", "clock", "time", "needs", "area")
CSV_HEAD = ("engine", "workload", "precision", "figure", "of", "value", "unit", "kind", "source", "note")
RATIOS = ("at_clock", "at_bandwidth", "per_mm2", "per_joule")


def own_table(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """A line for each row under `OWN_HEAD`: what the engine takes."""
    for row in comparison.rows:
        yield (row.engine, row.label, *(shown(row.values[name]) for name in OWN))


def table(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """A line for each rival that has figures, under `HEAD`."""
    for row in comparison.rows:
        for rival in row.rivals:
            if rival.kind != HOLE:
                how = f"{rival.kind}, {rival.method}"
                ratios = (shown(getattr(rival, name), 3) for name in RATIOS)
                yield row.engine, row.label, rival.device, how, shown(rival.time), *ratios


def remarks(comparison: Comparison) -> list[str]:
    """Each once: what the clocks are, what modelled figures are worth, and why a rival is missing."""
    lines: dict[str, None] = {}
    for row in comparison.rows:
        clock = row.values["clock"]
        known = f"{shown(clock)} {clock.kind}: " if clock.number else ""
        lines[f"{row.engine}: {known}{clock.note}{f' ({clock.source})' if clock.source else ''}"] = None
    for row in comparison.rows:
        for rival in row.rivals:
            if rival.kind == MODELLED and rival.time.number:
                lines[f"modelled: {rival.time.note}"] = None
            elif rival.kind == HOLE:
                lines[f"{row.engine}, {rival.device}: {rival.time.note}"] = None
    return list(lines)


def csv_text(comparison: Comparison) -> str:
    """Every figure a line, with its source; holes have no value and say why in the note."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for row in comparison.rows:
        named = (row.engine, row.label, row.precision)
        for name, value in row.values.items():
            writer.writerow((*named, name, "RTL", *_cells(value)))
        for rival in row.rivals:
            of = f"{rival.device}, {rival.method}"
            for name in ("time", "energy", *RATIOS):
                writer.writerow((*named, name, of, *_cells(getattr(rival, name))))
    return text.getvalue()


def _cells(value: Value) -> Sequence[object]:
    return "" if value.number is None else value.number, value.unit, value.kind, value.source, value.note


_LATEX = str.maketrans({
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "×": r"$\times$", "²": r"$^2$", "µ": r"$\mu$", "–": "--",
    "τ": r"$\tau$", "·": r"$\cdot$",
})  # fmt: skip
_COLUMNS = ("engine", "workload", "cycles", "× bound", "useful", "clock", "time", "beside", "its time", "× ours")


def latex(comparison: Comparison) -> str:
    """A `tabular` of the main columns, and below it, as comments, where each clock comes from."""
    lines = [r"\begin{tabular}{llrrrrrlrr}", r"\hline", _latex_line(_COLUMNS), r"\hline"]
    for row in comparison.rows:
        own = [row.engine, row.label, *(shown(row.values[name]) for name in OWN[:5])]
        for rival in row.rivals:
            lines.append(_latex_line([*own, _named(rival), shown(rival.time), shown(rival.at_clock, 3)]))
            own = [""] * len(own)
    return "\n".join([*lines, r"\hline", r"\end{tabular}", *(f"% {line}" for line in remarks(comparison))]) + "\n"


def _named(rival: Rival) -> str:
    return rival.device if rival.kind == HOLE else f"{rival.device} ({rival.kind}, {rival.method})"


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"
