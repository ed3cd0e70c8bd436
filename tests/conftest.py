"""What every test may ask for: a seed that can be repeated, and the optional data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

DEFAULT_SEED = 20240607
# Test workers share the cores. A torch operator split over all of them waits for its slowest part,
# which on a busy machine costs many times the work. To be set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# Random on every run; a failure prints the blob that repeats it. Examples run on loaded machines,
# so that none has a deadline.
hypothesis.settings.register_profile("tessera", derandomize=False, print_blob=True, deadline=None)
hypothesis.settings.load_profile("tessera")


@pytest.fixture
def seed() -> int:
    """The seed of this run: TESSERA_SEED from the environment, or a fixed one. Shown when a test fails."""
    value = int(os.environ.get("TESSERA_SEED", DEFAULT_SEED))
    print(f"TESSERA_SEED={value}")
    return value


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of real scenes and published cases; skips the test where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data beside the checkout (../shared/data)")
    return SHARED_DATA
