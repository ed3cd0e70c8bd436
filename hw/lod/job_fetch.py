"""Reads a job, then one view after the other."""

from __future__ import annotations

from hw.lib.list_reader import ListReader
from hw.lod.config import Config
from hw.lod.layouts import job_layout, view_layout


class JobFetch(ListReader):
    """A `ListReader`: the head is the job, the rows are its views."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(width=config.memory_width, head=job_layout(), row=view_layout(), place="view_address")
