"""What a config's fields are: value, limits, meaning, and what they change."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from golden.errors import OneOf
from sim.kernel.settings import parts_of

_FIELD = re.compile(r"    (\w+): (?:int|str) = .*?  #: (.*)")


@dataclass(frozen=True, kw_only=True)
class ConfigField:
    """A field of a config or of its spec."""

    name: str
    value: int | str
    low: int | None  #: the smallest number …
    high: int | None  #: … and the largest; None where the value is a word
    words: tuple[str, ...] | None  #: those it may be; None where the value is a number
    power_of_two: bool
    meaning: str  #: the comment beside its declaration
    changes: str  #: what it may change

    @property
    def limits(self) -> str:
        """For people."""
        if self.words is not None:
            return ", ".join(self.words)
        return f"{self.low}..{self.high}" + (", a power of two" if self.power_of_two else "")


def config_fields(config: Any) -> list[ConfigField]:
    """Every field of a config, those of its spec first.

    Raises:
        KeyError: the declaration of one has no `#:` comment on its line.
    """
    parts = parts_of(config)
    fields: list[ConfigField] = []
    for k, part in reversed(list(enumerate(parts))):
        before = {name for other in parts[:k] for name in other.LIMITS}  # whose field of that name is meant
        changes = "speed, area" if hasattr(part, "spec") else "results"
        fields += [field for field in _fields_of(part, changes) if field.name not in before]
    return fields


def _fields_of(settings: Any, changes: str) -> Iterator[ConfigField]:
    meanings = dict(_FIELD.findall(inspect.getsource(type(settings))))
    for name, limits in settings.LIMITS.items():
        words = limits.words if isinstance(limits, OneOf) else None
        low, high = (None, None) if isinstance(limits, OneOf) else limits
        yield ConfigField(
            name=name, value=getattr(settings, name), low=low, high=high, words=words,
            power_of_two=name in settings.POWERS, meaning=meanings[name], changes=changes,
        )  # fmt: skip
