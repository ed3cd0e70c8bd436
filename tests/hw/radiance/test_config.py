"""What a config cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.errors import InputError
from hw.radiance.config import default


def test_a_pixel_fits_a_word() -> None:
    with pytest.raises(InputError, match="must hold a pixel's 32 bytes, it has 16"):
        replace(default(), memory_width=128)
