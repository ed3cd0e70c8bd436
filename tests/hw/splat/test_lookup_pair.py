"""Lookup pair: a candidate and its partner by one set of books, in step."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from golden.splat.spec import TINY
from hw.splat.layouts import partner_spec
from hw.splat.lookup_pair import LookupPair
from tests.hw.splat.books import RandomBooks, looked_up, paired_candidate
from tests.hw.splat.datapath import same

SPEC = replace(TINY, codebooks=1, scale_entries=32, rotation_entries=16, dc_entries=64, sh_entries=16)


def test_pairs_back_to_back(seed: int) -> None:
    """One pair a cycle, each 2 cycles later; who has no partner says so."""
    rng = Random(seed)
    dut = LookupPair(spec=SPEC)
    books = RandomBooks(SPEC, rng)
    pairs = [paired_candidate(books, rng.random() < 0.7) for _ in range(80)]
    idle = {"look": 0, "sh": 0, "line": 0, "data": 0}
    given = [one for one, _ in [*pairs, pairs[0], pairs[0]]]
    got = looked_up(dut, SPEC, [*books.lines(), idle], given, units=2)
    assert dut.latency == 2
    assert partner_spec(SPEC).sh_degree == 0
    assert not any(name.startswith("sh_") for name in got[2]["partner"]["record"])
    same(got[2:], [wanted for _, wanted in pairs])
