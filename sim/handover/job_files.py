"""A small job as files: memory before and after it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim.kernel.files import write_bytes, write_text
from sim.kernel.vectors import Vectors

MOST_CYCLES = 3_000_000  # a hundred times what any engine's job takes


def write_job(vectors: Vectors, folder: Path, *, word_bytes: int, inputs_at_rest: Sequence[str]) -> None:
    """image.bin, expected.bin, mask.bin (255 for a byte that the model knows, else 0), job.json.

    Args:
        inputs_at_rest: ports that the engine has beyond its bus; they are 0.
    """
    job = {
        "header": vectors.header_address,
        "result": vectors.result_address,
        "memory_bytes": vectors.memory_words(word_bytes) * word_bytes,
        "most_cycles": MOST_CYCLES,
        "inputs_at_rest": list(inputs_at_rest),
    }
    known = np.where(vectors.results.known, 255, 0).astype(np.uint8)
    for name, content in (("image", vectors.data), ("expected", vectors.results.data), ("mask", known)):
        write_bytes(folder / f"{name}.bin", content.tobytes())
    write_text(folder / "job.json", json.dumps(job, indent=1) + "\n")
