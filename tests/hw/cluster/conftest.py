"""Fixtures of the unit tests."""

from __future__ import annotations

import random

import pytest


@pytest.fixture
def rng(seed: int) -> random.Random:
    """Random numbers that follow the run's seed."""
    return random.Random(seed)
