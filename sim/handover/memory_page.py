"""Where everything lies in an engine's memory, from the tables that host and RTL share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from golden.rows import Field, width_of_row

_REMARK = re.compile(r'Field\("(\w+)".*?#\s*(.+)')


def memory_page(memory_map: ModuleType, spec: Any) -> str:
    """A table for each kind of row: fields from the lowest bit on, little endian.

    Rows that depend on more than the spec are shown for zeros.
    """
    remarks = dict(_REMARK.findall(inspect.getsource(memory_map)))
    lines: list[str] = []
    for name, fields, text in _rows(memory_map, spec):
        lines += [f"### {name}", "", f"{text} {width_of_row(fields)} bits.", "", "| bits | field | |", "|--:|---|---|"]
        low = 0
        for field in fields:
            told = [*(["signed"] if field.signed else []), *filter(None, [remarks.get(field.name, "").strip(" …")])]
            if field.width:
                lines.append(f"| {low + field.width - 1}:{low} | `{field.name}` | {'; '.join(told)} |")
            low += field.width
        lines.append("")
    return "\n".join(lines)


def _rows(memory_map: ModuleType, spec: Any) -> Iterator[tuple[str, Sequence[Field], str]]:
    """Name, fields and description of every row."""
    source = inspect.getsource(memory_map)
    for name, value in vars(memory_map).items():
        if isinstance(value, list) and value and all(isinstance(field, Field) for field in value):
            above = re.search(rf"((?:^#:.*\n)+)^{name} = ", source, re.MULTILINE)
            text = " ".join(line.removeprefix("#:").strip() for line in above[1].splitlines()) if above else ""
            yield name, value, text
        elif inspect.isfunction(value) and value.__module__ == memory_map.__name__ and not name.startswith("_"):
            parameters = list(inspect.signature(value).parameters)
            if parameters[:1] != ["spec"] or "list[Field]" not in str(value.__annotations__.get("return")):
                continue
            fields = value(spec, *[0] * (len(parameters) - 1))
            if fields:
                yield name, fields, (value.__doc__ or "").strip().splitlines()[0]
