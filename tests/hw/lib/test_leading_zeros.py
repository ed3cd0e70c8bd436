from __future__ import annotations

import random

import pytest

from hw.lib.leading_zeros import LeadingZeros
from tests.hw.lib.simulate import refuses, run_datapath


@pytest.mark.parametrize("width", range(1, 13))
def test_every_word(width: int) -> None:
    words = range(1 << width)
    assert run_datapath(LeadingZeros(width=width), words) == [width - word.bit_length() for word in words]


@pytest.mark.parametrize("width", [16, 17, 31, 36, 64, 100])
def test_wide_words(width: int, rng: random.Random) -> None:
    words = [0, (1 << width) - 1, *(1 << k for k in range(width))]
    words += [rng.getrandbits(rng.randint(1, width)) for _ in range(300)]
    assert run_datapath(LeadingZeros(width=width), words) == [width - word.bit_length() for word in words]


def test_width() -> None:
    refuses("width must be at least 1, it is 0", lambda: LeadingZeros(width=0))
