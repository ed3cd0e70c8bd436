"""A report of an estimate as pictures: a treemap of the design, and bars of its largest modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sim.estimate.tables import own_mm2, short
from sim.kernel.files import whole_file

_LOGIC, _MEMORY = "#4c78a8", "#f2a154"
_SHADES = ("#9ecae9", "#a8ddd9", "#a5d39b", "#d9b8cf", "#cfb5a4", "#c9c4c0", "#f2aeae", "#c9d79f")


class Box(NamedTuple):
    """A rectangle of the unit square."""

    x: float
    y: float
    width: float
    height: float


def squarified(areas: Sequence[float], box: Box) -> Iterator[Box]:
    """Rectangles of these areas, the largest first, that fill the box and are near to squares.

    Source: Bruls, Huizing, van Wijk, "Squarified treemaps" (2000). The areas add up to the box's.
    """
    rest = list(areas)
    while rest:
        side = min(box.width, box.height)
        row = [rest.pop(0)]
        while rest and _worst([*row, rest[0]], side) <= _worst(row, side):
            row.append(rest.pop(0))
        thick = sum(row) / side
        offset = 0.0
        for area in row:
            long = area / thick
            yield (
                Box(box.x + offset, box.y, long, thick)
                if box.width < box.height
                else Box(box.x, box.y + offset, thick, long)
            )
            offset += long
        box = (
            Box(box.x, box.y + thick, box.width, max(box.height - thick, 1e-12))
            if box.width < box.height
            else Box(box.x + thick, box.y, max(box.width - thick, 1e-12), box.height)
        )


def _worst(row: Sequence[float], side: float) -> float:
    """The largest ratio of the sides of a row's rectangles."""
    total = sum(row)
    return max(max(side * side * area / total**2, total**2 / (side * side * area)) for area in row)


def draw_treemap(report: Mapping[str, Any], path: Path) -> None:
    """Every module by its own area, together with its parents' other parts; SRAM is hatched. SVG or PNG by the name."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    parts = sorted(_parts(report), key=lambda part: -part[1])
    total = sum(part[1] for part in parts) or 1.0
    figure, axis = pyplot.subplots(figsize=(10, 7), dpi=100)
    colors = {name: _SHADES[k % len(_SHADES)] for k, name in enumerate(dict.fromkeys(part[0] for part in parts))}
    boxes = squarified([part[1] / total for part in parts], Box(0, 0, 1, 1))
    for (name, square, memory), box in zip(parts, boxes, strict=True):
        axis.add_patch(
            Rectangle((box.x, box.y), box.width, box.height, fc=colors[name], ec="white", hatch="///" * memory)
        )
        lines = [*name.split(".")[-2:], f"{square:.3g} mm²"]
        size = min(10.0, 850 * box.width / max(map(len, lines)), 290 * box.height / len(lines))
        if size >= 5:
            place = (box.x + box.width / 2, box.y + box.height / 2)
            axis.text(*place, "\n".join(lines), ha="center", va="center", fontsize=size, bbox=_paper(memory))
    axis.set(xlim=(0, 1), ylim=(1, 0))
    axis.axis("off")
    axis.set_title(_title(report) + "; hatched: SRAM", fontsize=11)
    _save(figure, path)


def _paper(memory: bool) -> dict[str, Any] | None:
    """What stands behind a label: nothing on a plain ground, a light patch on a hatched one."""
    return {"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1} if memory else None


def _parts(report: Mapping[str, Any]) -> Iterator[tuple[str, float, bool]]:
    """Name, mm² and whether it is SRAM, of the logic and the memories of every module."""
    for module in report["modules"]:
        for kind in ("logic", "memory"):
            square = module["own_um2"][kind] * module["count"] / 1e6
            if square > 0:
                yield short(module["name"], report), square, kind == "memory"


def draw_bars(report: Mapping[str, Any], path: Path, count: int = 10) -> None:
    """The modules that take most, without those below them. SVG or PNG by the name."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    largest = sorted(report["modules"], key=own_mm2, reverse=True)[:count]
    names = [f"{short(module['name'], report)} × {module['count']}" for module in largest]
    areas = [[module["own_um2"][kind] * module["count"] / 1e6 for module in largest] for kind in ("logic", "memory")]
    figure, axis = pyplot.subplots(figsize=(9, 0.42 * len(largest) + 1.2), dpi=100)
    axis.barh(names, areas[0], color=_LOGIC, label="logic")
    axis.barh(names, areas[1], left=areas[0], color=_MEMORY, label="SRAM")
    axis.invert_yaxis()
    axis.set_xlabel("mm²")
    axis.grid(axis="x", alpha=0.3)
    axis.legend()
    axis.set_title(_title(report), fontsize=11)
    figure.tight_layout()
    _save(figure, path)


def _title(report: Mapping[str, Any]) -> str:
    config = f", config {report['config']}" if report["config"] else ""
    return f"{report['engine']}{config}, {report['technology']}: {report['area_mm2']['total']:.3g} mm²"


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    dateless = {"Date": None} if path.suffix == ".svg" else None  # the same report, the same bytes
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], bbox_inches="tight", metadata=dateless)
    pyplot.close(figure)
