"""The checks that every spec and config shares."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from golden.errors import InputError, check_limits, check_powers_of_two


@dataclass
class Settings:
    spec: object = None
    lanes: int = 4
    depth: int = 3


LIMITS = {"lanes": (1, 8), "depth": (2, 5)}


@pytest.mark.parametrize("depth", [2, 5])
def test_limits_belong_to_the_range(depth: int) -> None:
    check_limits("x", Settings(depth=depth), LIMITS)


@pytest.mark.parametrize("depth", [1, 6, 2.5, "3"])
def test_beyond_the_limits(depth: int) -> None:
    with pytest.raises(InputError, match=rf"^x: depth must lie in 2\.\.5, it is {depth}$"):
        check_limits("x", Settings(depth=depth), LIMITS)


def test_no_field_goes_unchecked() -> None:
    with pytest.raises(KeyError, match="depth"):
        check_limits("x", Settings(), {"lanes": (1, 8)})


def test_powers_of_two() -> None:
    check_powers_of_two("x", Settings(), ["lanes"])
    with pytest.raises(InputError, match=r"^x: depth must be a power of two, it is 3$"):
        check_powers_of_two("x", Settings(), ["lanes", "depth"])
