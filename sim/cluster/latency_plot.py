"""Cycles of the cluster's reductions over the message, drawn from reports."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sim.kernel.files import whole_file

Series = dict[tuple[int, str], list[tuple[int, int]]]


def read_series(reports: Iterable[Path]) -> Series:
    """(nodes, schedule) to (bytes, cycles), of reports of reductions without pauses."""
    series: Series = defaultdict(list)
    for path in reports:
        report = json.loads(path.read_text())
        workload = report["workload"]
        if workload["op"] == "reduce" and not report["memory"]["link_pauses"]:
            key = workload["nodes"], workload["schedule"]
            series[key].append((workload["size"], report["counters"]["collective_cycles"]))
    return {key: sorted(points) for key, points in sorted(series.items())}


def draw(series: Series, path: Path) -> None:
    """A line for every (nodes, schedule) but the publication's, which takes as long as recursive doubling."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4.2), dpi=100)
    for number, (nodes, schedule) in enumerate(key for key in series if key[1] != "rotate"):
        points = series[nodes, schedule]
        axis.plot(
            *zip(*points, strict=True),
            marker="o",
            markersize=3,
            linestyle="-" if schedule == "xor" else "--",
            color=f"C{number // 2}",
            label=f"{nodes} nodes, {schedule}",
        )
    axis.set(xscale="log", yscale="log", xlabel="bytes of a node's message", ylabel="cycles of ClusterReduce")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", bbox_inches="tight")
    pyplot.close(figure)
