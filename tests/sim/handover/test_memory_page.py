from __future__ import annotations

import re
from itertools import pairwise

import pytest

from golden.rows import Field, width_of_row
from sim.engines import ENGINES
from sim.handover.memory_page import memory_page


@pytest.mark.parametrize("engine", ENGINES)
def test_every_row_is_there_to_the_last_bit(engine: str) -> None:
    """The tables of the engine's memory map, the header first; the bits of each follow each other."""
    entry = ENGINES[engine]
    rows = {name: value for name, value in vars(entry.memory_map()).items() if isinstance(value, list)}
    page = memory_page(entry.memory_map(), entry.configs["tiny"]().spec)
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", page, re.DOTALL | re.MULTILINE))
    named = [name for name, value in rows.items() if value and all(isinstance(field, Field) for field in value)]
    assert set(named) <= set(sections)
    assert next(iter(sections)) == named[0]
    for name, text in sections.items():
        places = [(int(low), int(high)) for high, low in re.findall(r"^\| (\d+):(\d+) \|", text, re.MULTILINE)]
        assert places[0][0] == 0
        assert all(high + 1 == low for (_, high), (low, _) in pairwise(places))
        if name in named:
            assert places[-1][1] + 1 == width_of_row(rows[name])


def test_what_the_source_says_of_a_field_is_said() -> None:
    page = memory_page(ENGINES["lod"].memory_map(), ENGINES["lod"].configs["tiny"]().spec)
    assert "| 127:96 | `state_address` | one STATE record a subtree |" in page
    assert "The job, at the address that is given with `start`: a path of views through one tree." in page
