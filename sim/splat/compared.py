"""The frame that the page of comparisons shows."""

from __future__ import annotations

import numpy as np

from golden.scenes.embedded import EMBEDDED_NAME
from hw.splat.config import default
from sim.kernel.files import to_bytes
from sim.kernel.suite import Case, Compared
from sim.splat.suite import run_scene

#: What engine and baselines compute with; docs/splat.md has the formats.
PRECISION = "fixed point beside float32"
SIZE = 256
AMPLIFY = 16  # of the difference picture

#: What `tessera baseline` measures where nothing is named: the same workloads.
MEASURED = {"inputs": (EMBEDDED_NAME,), "size": SIZE}


def _frame() -> Compared:
    frame = run_scene(EMBEDDED_NAME, default(), size=SIZE)
    values, reference = (np.clip(picture, 0, 1) for picture in (frame.values, frame.reference))
    return Compared(
        report=frame.report(),
        pictures={
            "RTL": frame.pixels, "float reference": to_bytes(reference),
            f"difference × {AMPLIFY}": to_bytes(AMPLIFY * np.abs(values - reference)),
        },
    )  # fmt: skip


def cases() -> list[Case]:
    """View 1 of 3 of the built-in scene."""
    return [Case(name=f"{EMBEDDED_NAME}-{SIZE}", run=_frame)]
