"""A recorded sweep: as JSON, as a table for people, as curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim.kernel.files import whole_file


@dataclass(frozen=True, kw_only=True)
class SweepRow:
    """Quality of every input with one field changed; `field` is None for the chosen formats."""

    field: str | None
    value: int | None
    quality: list[float]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One field changed at a time from the chosen formats."""

    engine: str
    measure: str
    inputs: list[str]
    chosen: dict[str, int]
    rows: list[SweepRow]

    def as_dict(self) -> dict[str, Any]:
        return {"schema": 1, **asdict(self)}

    @property
    def base(self) -> list[float]:
        """Quality of the chosen formats."""
        return self.rows[0].quality

    def curve(self, field: str) -> dict[int, list[float]]:
        """Quality of every input by the field's value, the chosen one among them."""
        points = {row.value: row.quality for row in self.rows if row.field == field and row.value is not None}
        return dict(sorted({**points, self.chosen[field]: self.base}.items()))


def markdown(sweep: Sweep) -> str:
    """A table with the worst input's quality for every value; the chosen one in bold."""
    lines = [f"{sweep.measure}; the worst of {', '.join(sweep.inputs)}. Bold: the chosen width.", ""]
    lines += ["| field | quality by value |", "|---|---|"]
    for field, chosen in sweep.chosen.items():
        cells = (
            f"**{value}: {min(quality):.1f}**" if value == chosen else f"{value}: {min(quality):.1f}"
            for value, quality in sweep.curve(field).items()
        )
        lines.append(f"| `{field}` | {' · '.join(cells)} |")
    chosen_row = " · ".join(f"{name} {q:.1f}" for name, q in zip(sweep.inputs, sweep.base, strict=True))
    return "\n".join([*lines, "", f"Chosen formats: {chosen_row}.", ""])


def plot(sweep: Sweep, path: Path, label: str = "quality, dB") -> None:
    """A small plot for every field with a curve for every input; the chosen value stands on the dashed line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = min(5, len(sweep.chosen))
    count = -(-len(sweep.chosen) // columns)
    height = 2.3 * count
    figure, axes = pyplot.subplots(count, columns, figsize=(13, height), sharey=True, squeeze=False)
    for axis in axes.flat[len(sweep.chosen) :]:
        axis.axis("off")
    for axis, (field, chosen) in zip(axes.flat, sweep.chosen.items(), strict=False):
        curve = sweep.curve(field)
        axis.axvline(chosen, color="#888888", linestyle="--", linewidth=1)
        for name, qualities in zip(sweep.inputs, zip(*curve.values(), strict=True), strict=True):
            axis.plot(list(curve), qualities, "o-", markersize=3, linewidth=1.2, label=name)
        axis.set_title(field, fontsize=10)
        axis.set_xticks(list(curve))
        axis.grid(alpha=0.3)
    figure.supylabel(label, fontsize=10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncols=len(sweep.inputs), fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / height))
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)
    pyplot.close(figure)
