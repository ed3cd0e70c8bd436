from __future__ import annotations

from dataclasses import replace

import pytest

from hw.lod.config import default
from hw.lod.job_fetch import JobFetch
from tests.hw.lib.list_bench import check_list


@pytest.mark.parametrize("width", [128, 1024])
def test_job_and_views_are_read(width: int, seed: int) -> None:
    check_list(JobFetch(config=replace(default(), memory_width=width)), latency=5, stall=0.5, seed=seed)
