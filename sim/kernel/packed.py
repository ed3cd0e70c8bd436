"""What a packed baseline does on somebody's machine: solves its problems on the CPU and on CUDA, and writes records.

It runs out of the file that `tessera baseline --export` makes, with torch alone.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sim.kernel.energy import NotMeasuredError
from sim.kernel.problem import Problem, WrongAnswerError, solve
from sim.kernel.processor import Processor, cpu, cuda

SCHEMA = 1  # of packs and of what they write
PROBLEMS, ABOUT = "problems.pt", "about.json"
RECORDS = "tessera-records.json"


def main(pack: Path, arguments: Sequence[str] | None = None) -> int:
    """The command line of a pack; its exit status."""
    parser = argparse.ArgumentParser(prog=pack.name, description="Times Tessera's baselines and writes their records.")
    parser.add_argument("-o", "--out", type=Path, default=Path(RECORDS), help=f"file of the records [{RECORDS}]")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="only this one [both, where CUDA is]")
    chosen = parser.parse_args(arguments)
    try:
        import torch
    except ImportError:
        print("torch is needed and not installed", file=sys.stderr)
        return 2
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("--device cuda needs CUDA, this torch has none", file=sys.stderr)
        return 2
    with zipfile.ZipFile(pack) as packed:
        about = json.loads(packed.read(ABOUT))
        problems = [Problem(**one) for one in torch.load(io.BytesIO(packed.read(PROBLEMS)), weights_only=True)]
    kinds = [chosen.device] if chosen.device else ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    made = {"commit": about["commit"], "torch": torch.__version__}
    records = [record for kind in kinds for record in _records(kind, problems, made)]
    if not records:
        print("nothing could be measured", file=sys.stderr)
        return 1
    chosen.out.write_text(json.dumps({"schema": SCHEMA, "records": records}, indent=1, allow_nan=False) + "\n")
    print(f"{chosen.out}: send it back, `tessera baseline --import {chosen.out.name}` takes it")
    return 0


def _records(kind: str, problems: Sequence[Problem], made: dict[str, Any]) -> list[dict[str, Any]]:
    """A record for every engine that could be measured on this kind of device."""
    makers: dict[str, Callable[[], Processor]] = {"cpu": cpu, "cuda": cuda}
    processor = makers[kind]()
    entries: dict[str, list[dict[str, Any]]] = {}
    for number, problem in enumerate(problems, 1):
        head = f"[{number}/{len(problems)}] {processor.about['name']}: {problem.engine}, {problem.method}"
        try:
            entry = solve(problem, processor)
        except (NotMeasuredError, WrongAnswerError) as error:
            print(f"{head}: left out: {error}", flush=True)
            continue
        if entry:
            print(f"{head}: {entry['median_ms']} ms", flush=True)
            entries.setdefault(problem.engine, []).append({**made, **entry})
    return [{"engine": name, "device": dict(processor.about), "entries": found} for name, found in entries.items()]
