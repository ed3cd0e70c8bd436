"""Functions of liberty files: read, written as Verilog, evaluated.

The format: `!a` and `a'` negate, and bind closest; then `^`; then `*`, `&` and a mere space; then `+` and `|`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from golden.errors import InputError

_TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\]]*|[01]|[!'^*&+|()])")


@dataclass(frozen=True)
class Function:
    """An operator with operands, or a pin or constant without."""

    kind: str  #: ~, ^, & or |, or the name of the pin or the constant 0 or 1
    operands: tuple[Function, ...] = ()

    def verilog(self) -> str:
        """With every operand in parentheses: Verilog's operators bind in another order."""
        if not self.operands:
            return {"0": "1'b0", "1": "1'b1"}.get(self.kind, self.kind)
        inner = [f"({operand.verilog()})" for operand in self.operands]
        return f"~{inner[0]}" if self.kind == "~" else f" {self.kind} ".join(inner)

    def evaluate(self, values: Mapping[str, int]) -> int:
        """0 or 1, of pins that are 0 or 1."""
        if not self.operands:
            return int(self.kind) if self.kind in "01" else values[self.kind]
        return _OPERATORS[self.kind](*(operand.evaluate(values) for operand in self.operands))

    def pins(self) -> set[str]:
        """That it reads."""
        if not self.operands:
            return set() if self.kind in "01" else {self.kind}
        return set[str]().union(*(operand.pins() for operand in self.operands))


_OPERATORS: dict[str, Callable[..., int]] = {
    "~": lambda a: 1 - a,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
}
#: From the loosest; `&` also stands between operands with nothing in between.
_BINARY = (("|", "+|"), ("&", "*&"), ("^", "^"))


@cache
def read_function(text: str) -> Function:
    """The function that `text` says.

    Raises:
        InputError: it is none.
    """
    tokens: list[str] = []
    place = 0
    while found := _TOKEN.match(text, place):
        tokens.append(found[1])
        place = found.end()
    if text[place:].strip():
        raise InputError(f"a liberty function is pins and the operators ! ' ^ * & + |, got '{text}'")
    reader = _Reader(text, tokens)
    function = reader.binary(0)
    if reader.tokens:
        raise InputError(f"a liberty function is pins and the operators ! ' ^ * & + |, got '{text}'")
    return function


class _Reader:
    """Takes tokens from the left."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text, self.tokens = text, tokens

    def binary(self, level: int) -> Function:
        if level == len(_BINARY):
            return self.unary()
        kind, signs = _BINARY[level]
        left = self.binary(level + 1)
        while self.tokens and (self.tokens[0] in signs or (kind == "&" and self._begins_operand())):
            if self.tokens[0] in signs:
                self.tokens.pop(0)
            left = Function(kind, (left, self.binary(level + 1)))
        return left

    def _begins_operand(self) -> bool:
        return self.tokens[0] in "!(01" or self.tokens[0][0].isalpha() or self.tokens[0][0] == "_"

    def unary(self) -> Function:
        if not self.tokens:
            raise InputError(f"a liberty function has an operand at either side of an operator, got '{self.text}'")
        token = self.tokens.pop(0)
        if token == "!":
            return Function("~", (self.unary(),))
        if token == "(":
            found = self.binary(0)
            if self.tokens[:1] != [")"]:
                raise InputError(f"a liberty function closes every parenthesis, got '{self.text}'")
            self.tokens.pop(0)
        elif token in "'^*&+|)":
            raise InputError(f"a liberty function has an operand at either side of an operator, got '{self.text}'")
        else:
            found = Function(token)
        while self.tokens[:1] == ["'"]:
            self.tokens.pop(0)
            found = Function("~", (found,))
        return found
