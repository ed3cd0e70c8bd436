"""The checks that every spec and config shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from golden.errors import InputError, Limits, OneOf, check_base, check_limits, check_powers_of_two


@dataclass(frozen=True)
class Part:
    """Settings within settings: they check themselves."""


@dataclass
class Settings:
    spec: object = Part()
    lanes: int = 4
    depth: int = 3
    mode: object = "fast"

    LIMITS: ClassVar[Limits] = {"lanes": (1, 8), "depth": (2, 5), "mode": OneOf(("fast", "small"))}
    POWERS: ClassVar = ("lanes",)


class Lacking(Settings):
    LIMITS: ClassVar[Limits] = {"lanes": (1, 8)}


@pytest.mark.parametrize("depth", [2, 5])
def test_limits_belong_to_the_range(depth: int) -> None:
    check_limits("x", Settings(depth=depth))


@pytest.mark.parametrize("depth", [1, 6, 2.5, "3"])
def test_beyond_the_limits(depth: int) -> None:
    with pytest.raises(InputError, match=rf"^x: depth must lie in 2\.\.5, it is {depth}$"):
        check_limits("x", Settings(depth=depth))


@pytest.mark.parametrize("mode", ["fas", "", "fast\n", 1, None, ["fast"]])
def test_a_word_is_one_of_those_that_are_known(mode: object) -> None:
    check_limits("x", Settings(mode="small"))
    with pytest.raises(InputError) as refusal:
        check_limits("x", Settings(mode=mode))
    assert str(refusal.value) == f"x: mode must be one of fast, small, it is {mode!r}"


def test_no_field_goes_unchecked() -> None:
    with pytest.raises(KeyError, match="depth"):
        check_limits("x", Lacking())


def test_powers_of_two() -> None:
    check_powers_of_two("x", Settings(), ["lanes"])
    with pytest.raises(InputError, match=r"^x: lanes must be a power of two, it is 6$"):
        check_limits("x", Settings(lanes=6))
    with pytest.raises(InputError, match=r"^x: depth must be a power of two, it is 3$"):
        check_powers_of_two("x", Settings(), ["lanes", "depth"])


def test_bases_of_memory_images() -> None:
    for base in (0, 64, 192):
        check_base("x", base, 64)
    for base in (32, 65, -64):
        with pytest.raises(InputError, match=f"^x: a memory image begins at a multiple of 64 bytes, not at {base}$"):
            check_base("x", base, 64)
