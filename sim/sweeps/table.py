"""A recorded sweep: as JSON, as a table for people, as curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim.files import whole_file


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

    def curve(self, field: str) -> dict[int, float]:
        """Worst quality over the inputs by the field's value, the chosen one among them."""
        points = {row.value: min(row.quality) for row in self.rows if row.field == field and row.value is not None}
        return dict(sorted({**points, self.chosen[field]: min(self.base)}.items()))


def markdown(sweep: Sweep) -> str:
    """A table with the worst input's quality for every value; the chosen one in bold."""
    lines = [f"{sweep.measure}; the worst of {', '.join(sweep.inputs)}. Bold: the chosen width.", ""]
    lines += ["| field | quality by value |", "|---|---|"]
    for field, chosen in sweep.chosen.items():
        cells = (f"**{v}: {q:.1f}**" if v == chosen else f"{v}: {q:.1f}" for v, q in sweep.curve(field).items())
        lines.append(f"| `{field}` | {' · '.join(cells)} |")
    chosen_row = " · ".join(f"{name} {q:.1f}" for name, q in zip(sweep.inputs, sweep.base, strict=True))
    return "\n".join([*lines, "", f"Chosen formats: {chosen_row}.", ""])


def plot(sweep: Sweep, path: Path) -> None:
    """A small curve for every field, the chosen value marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 5
    count = -(-len(sweep.chosen) // columns)
    figure, axes = pyplot.subplots(count, columns, figsize=(13, 2.3 * count), sharey=True, squeeze=False)
    for axis in axes.flat[len(sweep.chosen) :]:
        axis.axis("off")
    for axis, (field, chosen) in zip(axes.flat, sweep.chosen.items(), strict=False):
        curve = sweep.curve(field)
        axis.plot(list(curve), list(curve.values()), "o-", color="#4a6fa5", markersize=4)
        axis.plot([chosen], [curve[chosen]], "o", color="#c8553d", markersize=7)
        axis.set_title(field, fontsize=10)
        axis.set_xticks(list(curve))
        axis.grid(alpha=0.3)
    figure.supylabel("worst quality, dB", fontsize=10)
    figure.tight_layout()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)
    pyplot.close(figure)
