"""A report of an estimate as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Report = Mapping[str, Any]
Row = tuple[object, ...]

TREE_HEAD = ("module", "times", "mm² of all", "%", "SRAM %", "leakage mW", "clock MHz", "flip-flops")
TOP_HEAD = ("module", "count", "mm² of all", "%", "logic µm² of one", "SRAM µm² of one", "clock MHz")
SLOW_HEAD = ("module", "period ns", "clock MHz", "cells", "from", "to")
COMPARE_HEAD = ("", "first", "second", "ratio")


def tree_rows(report: Report, *, depth: int = 4) -> Iterator[Row]:
    """The design as a tree, the largest branches first; deeper ones than `depth` are in their parents' figures."""
    modules = {module["name"]: module for module in report["modules"]}
    total = report["area_mm2"]["total"] or 1.0

    def rows(name: str, times: int, of_all: int, level: int) -> Iterator[Row]:
        module = modules[name]
        square = module["um2"] * of_all / 1e6
        yield (
            "  " * level + short(name, report), times, f"{square:.4f}", f"{100 * square / total:.1f}",
            f"{100 * memory_um2(module, modules) / module['um2']:.0f}" if module["um2"] else "-",
            f"{module['leakage_uw'] * of_all / 1e3:.3f}", module["clock_mhz"] or "-", module["flip_flops"],
        )  # fmt: skip
        if level < depth:
            below = sorted(module["children"].items(), key=lambda pair: -modules[pair[0]]["um2"] * pair[1])
            for child, count in below:
                yield from rows(child, count, of_all * count, level + 1)

    return rows(report["modules"][-1]["name"], 1, 1, 0)


def memory_um2(module: Report, modules: Mapping[str, Report]) -> float:
    """Of the memories of one module and of all below it."""
    below = (count * memory_um2(modules[child], modules) for child, count in module["children"].items())
    return module["own_um2"]["memory"] + sum(below)


def own_mm2(module: Report) -> float:
    """What all instances of a module take, without what lies below them."""
    return (module["own_um2"]["logic"] + module["own_um2"]["memory"]) * module["count"] / 1e6


def top_rows(report: Report, count: int = 10) -> Iterator[Row]:
    """The modules that take most, each without those below it."""
    total = report["area_mm2"]["total"] or 1.0
    for module in sorted(report["modules"], key=own_mm2, reverse=True)[:count]:
        own = module["own_um2"]
        yield (
            short(module["name"], report), module["count"], f"{own_mm2(module):.4f}",
            f"{100 * own_mm2(module) / total:.1f}", f"{own['logic']:.0f}", f"{own['memory']:.0f}",
            module["clock_mhz"] or "-",
        )  # fmt: skip


def slow_rows(report: Report, count: int = 10) -> Iterator[Row]:
    """The modules with the longest paths."""
    timed = [module for module in report["modules"] if module["period_ns"]]
    for module in sorted(timed, key=lambda module: -module["period_ns"])[:count]:
        path = module["path"]
        yield (
            short(module["name"], report), f"{module['period_ns']:.3f}", module["clock_mhz"], path["cells"] or "-",
            path["start"], path["end"],
        )  # fmt: skip


def compare_rows(first: Report, second: Report) -> Iterator[Row]:
    """Two estimates side by side: the whole, then the modules that both have and that differ, the largest first."""
    yield "engine", first["engine"], second["engine"], ""
    yield "config", first["config"], second["config"], ""
    yield "technology", first["technology"], second["technology"], ""
    for key in ("logic", "memory", "total"):
        yield _ratio(f"{key} mm²", first["area_mm2"][key], second["area_mm2"][key])
    yield _ratio("leakage mW", first["leakage_mw"]["total"], second["leakage_mw"]["total"])
    clocks = [report["clock_mhz"] and report["clock_mhz"]["closing"] for report in (first, second)]
    yield _ratio("clock MHz", *clocks)
    mine, other = ({module["name"]: own_mm2(module) for module in report["modules"]} for report in (first, second))
    for name in sorted({*mine, *other}, key=lambda name: -max(mine.get(name, 0), other.get(name, 0)))[:20]:
        if mine.get(name) != other.get(name):
            yield _ratio(f"{short(name, first)} mm²", mine.get(name), other.get(name))


def _ratio(what: str, first: float | None, second: float | None) -> Row:
    shown = ["-" if value is None else f"{value:.4g}" for value in (first, second)]
    return what, *shown, f"{second / first:.3f}" if first and second is not None else "-"


def short(name: str, report: Report) -> str:
    """A module's name without the engine's before it."""
    return name.removeprefix(f"{report['engine']}.") if name != report["engine"] else name


def headline(report: Report) -> str:
    """The estimate in a line."""
    area, clock = report["area_mm2"], report["clock_mhz"]
    at = "not timed"
    if clock:
        at = f"closes at {clock['closing']:.0f} MHz before layout ({clock['by']}; {clock['slowest']})"
    return (
        f"{area['total']:.4g} mm² in {report['technology']}: logic {area['logic']:.4g}, SRAM {area['memory']:.4g} "
        f"({area['memory_share']:.0%}), {at}, leakage {report['leakage_mw']['total']:.3g} mW"
    )


def scaled_line(report: Report) -> str:
    """What `--node` asked for."""
    scaled = report["scaled"]
    clock = scaled["clock_mhz"]
    at = f", {clock[0]:.0f} to {clock[1]:.0f} MHz" if clock else ""
    return (
        f"at {scaled['node_nm']} nm: {scaled['area_mm2']['total']:.4g} mm²{at}, times {scaled['energy'][0]:.3f} to "
        f"{scaled['energy'][1]:.3f} in energy (Stillmaker and Baas; from low power, LP, to high performance, HP)"
    )
