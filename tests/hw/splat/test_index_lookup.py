"""Index lookup: its latency, and a line that belongs to no book."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from golden.splat.spec import TINY
from hw.splat.index_lookup import IndexLookup
from tests.hw.splat.books import RandomBooks, looked_up
from tests.hw.splat.datapath import same

SPEC = replace(TINY, codebooks=1, scale_entries=32, rotation_entries=16, dc_entries=64, sh_entries=16)


def test_candidates_back_to_back(seed: int) -> None:
    """One a cycle, each 2 cycles later; a line without a book's flag changes nothing."""
    rng = Random(seed)
    dut = IndexLookup(spec=SPEC)
    books = RandomBooks(SPEC, rng)
    pairs = [books.candidate() for _ in range(80)]
    idle = {"look": 0, "sh": 0, "line": 1, "data": rng.getrandbits(512)}
    given = [one for one, _ in [*pairs, pairs[0], pairs[0]]]
    got = looked_up(dut, SPEC, [*books.lines(), idle], given)
    assert dut.latency == 2
    same(got[2:], [wanted for _, wanted in pairs])
