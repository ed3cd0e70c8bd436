"""Reads a job, then one visit after the other."""

from __future__ import annotations

from hw.lib.list_reader import ListReader
from hw.radiance.config import Config
from hw.radiance.layouts import job_layout, visit_layout


class JobFetch(ListReader):
    """A `ListReader`: the head is the job, the rows are its visits."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(width=config.memory_width, head=job_layout(), row=visit_layout(), place="visit_address")
