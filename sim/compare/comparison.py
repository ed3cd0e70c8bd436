"""All rows of the comparison, and what is missing of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim.compare.costs import assumed, cost_of
from sim.compare.gpu_model import METHOD, checks, worst_factor
from sim.compare.published import devices, figures
from sim.compare.rows import Row, make_row
from sim.compare.value import place
from sim.engines import ENGINES
from sim.kernel.comparison import read_report
from sim.kernel.files import write_json, write_png
from sim.kernel.report import commit
from sim.kernel.runner import BUILD
from sim.kernel.suite import Case

SCHEMA = 1
FOLDER = BUILD / "compare"
PICTURES = "pictures.json"  # of a folder: of every case the titles and files of its pictures
Step = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the terminal, the files and the page show."""

    rows: list[Row]
    missing: list[str]  #: a line for each report that is not there, or is not of this commit

    def json(self) -> dict[str, Any]:
        """Everything, with the GPU model's checks, the processors, and what others have published of them."""
        return {
            "schema": SCHEMA,
            "commit": commit(),
            "rows": [row.json() for row in self.rows],
            "missing": self.missing,
            "gpu_model": {
                "method": METHOD,
                "worst_factor": worst_factor(),
                "checks": [
                    {
                        "device": check.claim.device, "published": check.claim.value, "workload": check.claim.workload,
                        "source": check.claim.provenance, "modelled_fps": check.modelled_fps, "factor": check.factor,
                        "why": check.why,
                    }
                    for check in checks()
                ],
            },
            "devices": [vars(device) for device in devices().values()],
            "figures": [asdict(c) | {"value": c.value, "provenance": c.provenance} for c in figures()],
        }  # fmt: skip


def compare(
    paths: Sequence[Path] = (), *, clock_mhz: float | None = None, library: str | None = None, folder: Path = FOLDER
) -> Comparison:
    """Rows of the given reports; of none, of every case that `folder` has a report of.

    Args:
        clock_mhz: an assumed clock in place of one that closes. library: that the clock is to close in.

    Raises:
        InputError: a report that is given cannot be read, or published or recorded figures break a rule.
    """
    if paths:
        return Comparison(rows=list(_rows(paths, clock_mhz, library)), missing=[])
    there = [path for path, _, __ in cases(folder) if path.exists()]
    return Comparison(rows=list(_rows(there, clock_mhz, library)), missing=list(missing(folder)))


def missing(folder: Path = FOLDER) -> Iterator[str]:
    """A line for each case without a report, or with one of another commit."""
    for path, engine, case in cases(folder):
        if not path.exists():
            yield f"{engine} {case.name}: {place(path)} is not there: run `tessera compare --run`"
        elif not fresh(path):
            yield f"{engine} {case.name}: {place(path)} is not of this commit: run `tessera compare --run`"


def run_missing(step: Step, folder: Path = FOLDER) -> list[Path]:
    """Runs every case without a report of this commit; the reports that it wrote.

    Raises:
        CheckError: RTL and model differ.
    """
    written: list[Path] = []
    for path, engine, case in cases(folder):
        if fresh(path):
            continue
        with step(f"{engine}: {case.name} in RTL"):
            done = case.run()
        _write_pictures(folder, f"{engine}-{case.name}", done.pictures)
        write_json(path, done.report)
        written.append(path)
    return written


def fresh(path: Path) -> bool:
    """A report is there, and of this very commit, with no file changed since."""
    if not path.exists():
        return False
    made, now = read_report(path)["commit"], commit()
    return made == now and not now.endswith("-dirty")


def pictures(folder: Path = FOLDER) -> dict[str, dict[str, Path]]:
    """Of every case that has any, its pictures by title."""
    path = folder / PICTURES
    if not path.exists():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))
    return {
        case: {title: folder / file for title, file in files.items() if (folder / file).exists()}
        for case, files in known.items()
    }


def _write_pictures(folder: Path, name: str, drawn: Any) -> None:
    if not drawn:
        return
    path = folder / PICTURES
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[name] = {title: f"{name}-{k}.png" for k, title in enumerate(drawn)}
    for title, pixels in drawn.items():
        write_png(folder / known[name][title], pixels)
    write_json(path, known)


def cases(folder: Path) -> Iterator[tuple[Path, str, Case]]:
    """The report's file, the engine and the case of everything that is compared."""
    for engine in ENGINES.values():
        for case in engine.compared().cases():
            yield folder / f"report-{engine.name}-{case.name}.json", engine.name, case


def _rows(paths: Iterable[Path], clock_mhz: float | None, library: str | None) -> Iterator[Row]:
    for path in paths:
        report = read_report(path)
        if report.get("cycles"):
            engine, config = report["engine"], report.get("config_hash", "")
            cost = assumed(clock_mhz) if clock_mhz else cost_of(engine, config, library)
            yield make_row(path, report, cost)
