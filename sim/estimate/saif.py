"""SAIF files, which sum a run up: how often every bit changed. `--waves run.saif` of a run's command writes one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError
from sim.estimate.activity import CLOCK, Unit

_TOKEN = re.compile(r"\(\s*(INSTANCE|NET|TC|DURATION)\s+([^\s()]*)|([^\s()]+)\s*\(\s*T0|[()]")


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of a run."""

    toggles: Mapping[str, int]  #: changed bits of all signals of an instance's unit; by instance
    cycles: int


def read_saif(path: Path, units: Sequence[Unit]) -> Sums:
    """The sums of a run of the design that `units` are of.

    Raises:
        InputError: the file is no SAIF, or of another design: it lacks an instance.
    """
    changes = _read(read_text(path))
    instances = {instance for unit in units for instance in unit.instances}
    for instance in sorted(instances):
        if instance not in changes:
            raise InputError(f"{path}: a SAIF file of this design has the instance {instance}, this one has not")
    top = units[0].instances[0].partition(".")[0]
    toggles: dict[str, int] = dict.fromkeys(instances, 0)
    for scope, signals in changes.items():
        place = scope
        while place and place not in instances:
            place = place.rpartition(".")[0]
        if place:
            toggles[place] += sum(number for name, number in signals.items() if name != CLOCK)
    cycles = changes[top].get(CLOCK, 0) // 2
    if not cycles:
        raise InputError(f"{path}: a SAIF file of a run has the changes of {top}.{CLOCK}, this one has none")
    return Sums(toggles=toggles, cycles=cycles)


def read_text(path: Path) -> str:
    """The file's text.

    Raises:
        InputError: it cannot be read, or is no SAIF.
    """
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if "(SAIFILE" not in text:
        raise InputError(f"{path}: activity is a SAIF file, which begins with (SAIFILE, this one does not")
    return text


def _read(text: str) -> dict[str, dict[str, int]]:
    """Changes by scope and signal, a signal's bits together."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    place: list[str | None] = []  # of every parenthesis that is open, the instance it is, if it is one
    signal = ""
    for token in _TOKEN.finditer(text):
        keyword, value, name = token.groups()
        if token[0] == ")":
            place.pop()
        elif token[0] == "(":
            place.append(None)
        elif keyword:
            place.append(value if keyword == "INSTANCE" else None)
            scope = ".".join(filter(None, place))
            if keyword == "INSTANCE":
                found[scope].setdefault("", 0)
            elif keyword == "TC":
                found[scope][signal] += int(value)
        else:
            signal = name.split("\\[")[0].split("[")[0].removeprefix("\\")
            place.append(None)
    return found
