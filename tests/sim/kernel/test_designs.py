from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.kernel.designs import design
from tests.sim.kernel.faulty import Faulty


@dataclass(frozen=True)
class Knob:
    """A config of one field."""

    value: int


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Asks for a design in a folder of its own; true if it was generated, not found."""
    monkeypatch.setattr("sim.kernel.designs.FOLDER", tmp_path / "designs")

    def ask(config: Knob, variant: object = None) -> bool:
        calls: list[int] = []

        def make() -> Faulty:
            calls.append(1)
            return Faulty()

        assert design(make, "small", config, variant=variant).name == "small"
        return bool(calls)

    return ask


def test_a_design_is_generated_once(made: Callable[..., bool]) -> None:
    """The same config and variant are found again; another config or variant is generated."""
    assert made(Knob(1))
    assert not made(Knob(1))
    assert made(Knob(2))
    assert made(Knob(1), {"taps": True})
    assert not made(Knob(1), {"taps": True})


def test_changed_sources_are_generated_again(made: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """A design of other sources is not the same design."""
    assert made(Knob(1))
    monkeypatch.setattr("sim.kernel.designs.sources_digest", lambda: "other")
    assert made(Knob(1))


def test_what_is_found_is_what_was_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept design is equal to a fresh one, field by field."""
    monkeypatch.setattr("sim.kernel.designs.FOLDER", tmp_path)
    assert design(Faulty, "small", Knob(1)) == design(Faulty, "small", Knob(1))
