"""A sequence of runs as one report, and its figures frame by frame as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.kernel.files import whole_file

#: Of a frame's workload, what belongs to that frame alone.
OF_A_FRAME = ("frame", "camera", "view", "host_ms", "seconds")

Report = dict[str, Any]


def sequence_report(frames: Sequence[Report], path: str) -> Report:
    """The report of a whole sequence: sums of cycles, bounds, counters and bytes; means of shares and quality.

    Its `frames` are the reports of the frames, in order; a figure that one of them lacks is null or missing.
    """
    first = frames[0]
    seconds = sum(frame["workload"]["seconds"] for frame in frames)
    workload = {key: value for key, value in first["workload"].items() if key not in OF_A_FRAME}
    bound = _bound(frames)
    cycles = _all(frames, "cycles")
    shares = _all(frames, "useful_share")
    return {
        **first,
        "workload": {**workload, "path": path, "frames": len(frames), "seconds": round(seconds, 3)},
        "cycles": sum(cycles) if cycles else None,
        "bound": bound,
        "ratio": sum(cycles) / bound["cycles"] if cycles and bound else None,
        "useful_share": sum(shares) / len(shares) if shares else None,
        "counters": _sums(frames, "counters"),
        "bytes": _sums(frames, "bytes"),
        "quality": _quality([frame["quality"] for frame in frames]),
        "frames": list(frames),
    }


def figures(frames: Sequence[Report]) -> dict[str, list[float]]:
    """What is drawn over the frames: cycles, bytes, and every figure of quality, by name."""
    curves = {"cycles": _all(frames, "cycles")}
    curves["bytes"] = [frame["bytes"]["total"] for frame in frames if frame["bytes"]]
    for name, value in frames[0]["quality"].items():
        if isinstance(value, float):
            curves[name] = [frame["quality"][name] for frame in frames]
    return {name: curve for name, curve in curves.items() if len(curve) == len(frames)}


def plot_frames(path: Path, numbers: Sequence[int], curves: Mapping[str, Sequence[float]]) -> None:
    """A row of axes for every figure, all over the frames' numbers."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(curves), 1, figsize=(8, 1.7 * len(curves) + 0.6), sharex=True, squeeze=False)
    for axis, (name, curve) in zip(axes[:, 0], curves.items(), strict=True):
        axis.plot(numbers, curve, "o-", markersize=3, linewidth=1.2)
        axis.set_ylabel(name.replace("_", " "), fontsize=9)
        axis.grid(alpha=0.3)
    axes[-1, 0].set_xlabel("frame", fontsize=9)
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    figure.tight_layout()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=90)
    pyplot.close(figure)


def _all(frames: Sequence[Report], key: str) -> list[Any]:
    """A figure of every frame; nothing where one lacks it."""
    values = [frame[key] for frame in frames]
    return [] if None in values else values


def _sums(frames: Sequence[Report], key: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for frame in frames:
        total.update(frame[key])
    return dict(total)


def _bound(frames: Sequence[Report]) -> dict[str, Any] | None:
    bounds = _all(frames, "bound")
    if not bounds:
        return None
    stages: Counter[str] = Counter()
    for bound in bounds:
        stages.update(bound["stages"])
    limits = Counter(bound["limit"] for bound in bounds)
    return {
        "cycles": sum(bound["cycles"] for bound in bounds),
        "limit": limits.most_common(1)[0][0],
        "stages": dict(stages),
    }


def _quality(frames: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of figures, sums of counts, and of truths whether all are true."""
    whole: dict[str, Any] = {}
    for name, value in frames[0].items():
        values = [frame[name] for frame in frames]
        if isinstance(value, bool):
            whole[name] = all(values)
        elif isinstance(value, int):
            whole[name] = sum(values)
        else:
            whole[name] = None if None in values else sum(values) / len(values)
    return whole
