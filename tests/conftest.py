"""What every test may ask for: a seed that can be repeated, and the optional data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from sim.kernel.data import VARIABLE, data_folder, real_models

DEFAULT_SEED = 20240607
# Test workers share the cores. A torch operator split over all of them waits for its slowest part,
# which on a busy machine costs many times the work. To be set before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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
def real_data() -> Path:
    """The folder of real scenes and published cases; skips the test where there is none."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"no real data: {VARIABLE} names no folder")
    return folder


@pytest.fixture(scope="session")
def real_model() -> Path:
    """A real language model; skips the test where there is none."""
    found = real_models()
    if not found:
        pytest.skip(f"no real model: `make model` fetches one, or {VARIABLE} names a folder with models/")
    return found[0]
