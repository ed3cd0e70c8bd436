"""`python -m tests.fuzz`: every kind of file and command lines in turn, each in a process of its own.

Resumable: what the fuzzer has learnt lies in build/fuzz/KIND and is where the next run begins. An input that fails
lies in build/fuzz/failed, and `python -m tests.fuzz.target KIND FILE` repeats it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import click

from tests.fuzz.files import KINDS
from tests.fuzz.lines import LINES

TARGETS = (*KINDS, LINES)
LONGEST = 30  # seconds for one input
MEMORY = 4096  # MB
ROOM = 4096  # bytes of an input; the seeds have hundreds


def corpus(folder: Path, name: str) -> Path:
    """The folder of a target's inputs, with its seeds."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    if name in KINDS:
        for k, seed in enumerate(KINDS[name].seeds):
            (place / f"seed-{k}").write_bytes(seed)
    return place


def run_target(name: str, folder: Path, *, runs: int, seconds: float, seed: int) -> tuple[int, str]:
    """Fuzzes one target; how many inputs it had, and the traceback where one failed."""
    failed = folder / "failed"
    failed.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "tests.fuzz.target", name, str(corpus(folder, name)), f"-runs={runs}",
        f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", f"-timeout={LONGEST}", f"-rss_limit_mb={MEMORY}",
        f"-max_len={ROOM}", f"-artifact_prefix={failed}/{name}-", "-print_final_stats=1", "-verbosity=1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    log = done.stdout + done.stderr
    count = re.search(r"number_of_executed_units: (\d+)", log) or re.search(r"Done (\d+) runs", log)
    return int(count[1]) if count else 0, "" if done.returncode == 0 else trouble(log)


def trouble(log: str) -> str:
    """What went wrong, of libFuzzer's log."""
    lines = [line for line in log.splitlines() if not re.match(r"#\d+\s|INFO: ", line)]
    return "\n".join(lines[-40:])


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="For all targets together.")
@click.option("--runs", default=1_000_000, show_default=True, help="Inputs of a target at most.")
@click.option("--seed", default=1, show_default=True, help="Seed of the mutations.")
@click.option("--folder", default=Path("build/fuzz"), show_default=True, type=click.Path(path_type=Path))
@click.argument("targets", nargs=-1, type=click.Choice(TARGETS))
def fuzz(minutes: float, runs: int, seed: int, folder: Path, targets: tuple[str, ...]) -> None:
    """Fuzzes TARGETS, by default all of them, each for its share of the time."""
    chosen = targets or TARGETS
    end, total, broken = time.monotonic() + 60 * minutes, 0, []
    click.echo(f"seed {seed}; {LONGEST} s and {MEMORY} MB an input")
    for k, name in enumerate(chosen):
        share = (end - time.monotonic()) / (len(chosen) - k)
        count, log = run_target(name, folder.resolve(), runs=runs, seconds=share, seed=seed)
        total += count
        click.echo(f"{name}: {count} inputs{', one failed' if log else ''}")
        if log:
            broken.append(name)
            click.echo(log)
    click.echo(f"{total} inputs, {len(broken)} targets with a failure{': ' * bool(broken)}{', '.join(broken)}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    fuzz()
