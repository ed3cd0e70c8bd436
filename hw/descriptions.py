"""What ports and fields are for, from the `#:` beside their declarations: Python keeps no comments, its source does."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from amaranth.lib import data, stream, wiring

from hw.lib.counters import CounterLayout

#: Of the handshake that every stream has.
_HANDSHAKE = {
    "valid": "the payload is offered, and stays so until it is taken",
    "ready": "the payload is taken at this edge, if it is offered",
}
_MARK = "#: "


def describe_ports(component: wiring.Component) -> dict[tuple[str | int, ...], str]:
    """A line for every port, by its path: what each signature on the way says, the outermost first.

    A component that makes its members by rule has their lines in an attribute `descriptions`.
    """
    lines = {**_comments_of_class(type(component)), **getattr(component, "descriptions", {})}
    return dict(_of_members(component.signature.members, lines, (), ()))


def describe_fields(layout: data.Layout) -> dict[str, str]:
    """A line for every innermost field that its layout's class describes, by its path as `fields_of_layout` has it."""
    found: dict[str, str] = {}
    own = layout.descriptions if isinstance(layout, CounterLayout) else _comments_of_class(type(layout))
    for key, field in layout:
        text = own.get(str(key), "")
        if isinstance(field.shape, data.Layout):
            inner = describe_fields(field.shape)
            found |= {f"{key}.{name}": ": ".join(filter(None, (text, line))) for name, line in inner.items()}
        elif text:
            found[str(key)] = text
    return found


def _of_members(
    members: Any, comments: dict[str, str], path: tuple[str | int, ...], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for name, member in members.items():
        texts = (*above, f"{name}: {comments[name]}") if name in comments else above
        for place in _elements(member.dimensions):
            here = (*path, name, *place)
            if member.is_port:
                yield here, "; ".join(texts)
            else:
                signature = member.signature
                if isinstance(signature, wiring.FlippedSignature):
                    signature = signature.flip()
                inner = _HANDSHAKE if type(signature) is stream.Signature else _comments_of_class(type(signature))
                yield from _of_members(signature.members, inner, here, texts)


def _elements(dimensions: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not dimensions:
        yield ()
        return
    for k in range(dimensions[0]):
        yield from ((k, *rest) for rest in _elements(dimensions[1:]))


@cache
def _comments_of_class(kind: type) -> dict[str, str]:
    """By name, what a class of ours and those below it say of the members that they declare."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.partition(".")[0] not in ("amaranth", "builtins", "abc", "typing"):
            found |= _comments_of_source(each)
    return found


def _comments_of_source(thing: type | Callable[..., Any]) -> dict[str, str]:
    try:
        text = textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):  # made in an interactive session: it has no file
        return {}
    lines, tree = text.splitlines(), ast.parse(text)
    names = vars(sys.modules[thing.__module__])
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found[key.value] = _comment(lines, key.lineno - 1, (value.end_lineno or key.lineno) - 1)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            function = names.get(node.func.id)
            if inspect.isfunction(function) and function is not thing and function.__module__.startswith("hw."):
                found = _comments_of_source(function) | found
    return {name: line for name, line in found.items() if line}


def _comment(lines: list[str], first: int, last: int) -> str:
    """Behind the declaration's first or last line, else in the lines directly above."""
    for line in (lines[first], lines[last]):
        if _MARK in line:
            return line.partition(_MARK)[2].strip()
    above: list[str] = []
    while first and lines[first - 1].strip().startswith(_MARK):
        first -= 1
        above.insert(0, lines[first].partition(_MARK)[2].strip())
    return " ".join(above)
