"""The one error that a user can cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any


@dataclass(frozen=True)
class OneOf:
    """The limits of a field that is a word: those it may be."""

    words: tuple[str, ...]


#: Of every field, the smallest and the largest value, or the words it may be.
Limits = Mapping[str, tuple[int, int] | OneOf]


class InputError(ValueError):
    """Bad input: a malformed file, an impossible parameter, a missing tool.

    The message is one line that states the rule and the value that broke it. The command line
    prints it after `tessera: error:` and exits with status 2, without a traceback.
    """


def check_limits(owner: str, settings: Any) -> None:
    """Checks every field of the dataclass `settings` against its class; fields that are settings check themselves.

    `LIMITS` there has every field, `POWERS` names those that must be powers of two; `tessera config` shows both.

    Raises:
        InputError: one is not a whole number within its limits, no power of two, or not one of its words.
        KeyError: a field has no limits.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        if is_dataclass(value):
            continue
        limits = settings.LIMITS[field.name]
        if isinstance(limits, OneOf):
            if value not in limits.words:
                raise InputError(f"{owner}: {field.name} must be one of {', '.join(limits.words)}, it is {value!r}")
            continue
        low, high = limits
        if not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{owner}: {field.name} must lie in {low}..{high}, it is {value}")
    check_powers_of_two(owner, settings, settings.POWERS)


def check_base(owner: str, base: int, step: int) -> None:
    """Checks that a memory image may begin at `base`, which must be a multiple of `step` bytes.

    Raises:
        InputError: it is not, or it is negative.
    """
    if base < 0 or base % step:
        raise InputError(f"{owner}: a memory image begins at a multiple of {step} bytes, not at {base}")


def check_powers_of_two(owner: str, settings: Any, names: Iterable[str]) -> None:
    """Checks that the named fields of `settings`, all positive, are powers of two.

    Raises:
        InputError: one is not.
    """
    for name in names:
        value = getattr(settings, name)
        if value & (value - 1):
            raise InputError(f"{owner}: {name} must be a power of two, it is {value}")
