"""A sweep as a table and as a picture: area against time, the points that none beats joined by a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sim.estimate.sweep import Point, pareto
from sim.kernel.files import whole_file

HEAD = ("", "area mm²", "of it memory", "MHz", "cycles", "µs", "nJ", "DRAM nJ", "quality", "not beaten")


def name_of(point: Point) -> str:
    """What is set in it."""
    return " ".join(f"{name}={value}" for name, value in point["changes"].items())


def rows(points: Sequence[Point]) -> Iterator[tuple[object, ...]]:
    """A line a point, under `HEAD`."""
    best = pareto(points)
    for point in points:
        quality, dram = point["quality"], point["dram_nj"]
        yield (
            name_of(point), f"{point['area_mm2']:.4f}", f"{point['memory_mm2'] / point['area_mm2']:.0%}",
            f"{point['clock_mhz']:.0f}", point["cycles"], f"{point['us']:.2f}", f"{point['energy_nj']:.1f}",
            "–" if dram is None else f"{dram:.1f}", "exact" if quality is None else f"{quality:.4g}",
            "*" if point in best else "",
        )  # fmt: skip


def draw(points: Sequence[Point], path: Path, title: str) -> None:
    """Area and time of every point, its energy as the size of the mark; SVG or PNG by the path's name."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    best = sorted(pareto(points), key=lambda point: point["area_mm2"])
    most = max(point["energy_nj"] for point in points)
    figure, axis = pyplot.subplots(figsize=(8, 5.5))
    axis.step([p["area_mm2"] for p in best], [p["us"] for p in best], where="post", color="#888888", linewidth=1)
    sizes = [20 + 200 * point["energy_nj"] / most for point in points]
    colours = ["#1f77b4" if point in best else "#cccccc" for point in points]
    areas, times = [point["area_mm2"] for point in points], [point["us"] for point in points]
    axis.scatter(areas, times, s=sizes, c=colours, edgecolors="#444444", zorder=2)
    for point in points:
        axis.annotate(
            name_of(point), (point["area_mm2"], point["us"]), textcoords="offset points", xytext=(7, 4), fontsize=8
        )
    axis.set_xlabel("area, mm²")
    axis.set_ylabel("time of the sample, µs, at the clock that closes")
    axis.set_title(f"{title}; size of a mark: energy, up to {most:.3g} nJ", fontsize=10)
    axis.grid(alpha=0.3)
    figure.tight_layout()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=110)
    pyplot.close(figure)
