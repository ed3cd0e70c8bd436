"""A job in memory with its results by the model: what a board tests itself with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from golden.region import Region
from golden.rows import Bytes
from sim.kernel.jobs import Job


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """A job in memory, and what the model says of its results."""

    data: Bytes  #: memory from address 0 on
    header_address: int  #: where the job begins, in bytes
    result_address: int  #: where the results begin, in bytes
    results: Region  #: the results by the model

    def words(self, word_bytes: int) -> list[int]:
        """The memory's words."""
        data = self.data.tobytes()
        return [int.from_bytes(data[k : k + word_bytes], "little") for k in range(0, len(data), word_bytes)]

    def masks(self, word_bytes: int) -> list[int]:
        """For every word of the results, which bytes the model knows: the first byte's at bit 0."""
        known = np.pad(self.results.known, (0, -len(self.results.known) % word_bytes)).reshape(-1, word_bytes)
        rows = np.packbits(known, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    def memory_words(self, word_bytes: int) -> int:
        """The power of two of words that hold job and results."""
        end = max(len(self.data), self.result_address + len(self.results.data))
        return 1 << (-(-end // word_bytes) - 1).bit_length()


def vectors_of(job: Job, results: Region) -> Vectors:
    """Of a workload's memory and the region that its model says."""
    return Vectors(
        data=job.data, header_address=job.header_address, result_address=job.result_address, results=results
    )  # fmt: skip
