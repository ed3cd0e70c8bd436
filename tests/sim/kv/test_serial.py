"""A score that a bit-serial lane gives up is out, and the running bound never passes the row's own."""

from __future__ import annotations

from dataclasses import replace

from golden.kv.model import Options, retrieve
from golden.kv.spec import KEY_BITS, TINY
from golden.kv.wtu import bucket
from sim.kv.serial import bits_needed, running_bound
from tests.golden.kv.streams import clustered


def test_what_is_given_up_is_not_selected(seed: int) -> None:
    data = clustered(TINY, 200, 4, seed=seed)
    model = retrieve(data, TINY, Options.of(TINY))
    for h, head in enumerate(model.heads):
        lowest = head.rows.threshold_bucket[:, None].expand_as(head.scores)
        needed = bits_needed(data.queries[:, h], head.means, data.shifts[:, h], lowest, TINY)
        assert not bool(((needed < KEY_BITS) & head.rows.selected).any())
        assert int(needed.min()) < KEY_BITS
        assert bool((bucket(head.scores, data.shifts[:, h], TINY)[needed < KEY_BITS] < lowest[needed < KEY_BITS]).all())


def test_running_bound(seed: int) -> None:
    data = clustered(TINY, 120, 1, seed=seed)
    options = replace(Options.livevlm(TINY), wicsum_code=200)
    model = retrieve(data, TINY, options)
    for h, head in enumerate(model.heads):
        bound = running_bound(head, model.table.counts, data.shifts[:, h], options.wicsum_code, TINY)
        assert bool((bound.diff() >= 0).all())
        assert 0 < int(bound[-1]) <= int(head.rows.threshold_bucket[0])
