"""α-records: the published bits, the hash against long division, and what does not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from golden.radiance.alpha_record import absorb, make_records, set_of, tag_of
from golden.radiance.spec import DEFAULT, PAPER, POLYNOMIALS, START, Spec


def number(words: np.ndarray) -> int:
    """A long number of 32-bit words."""
    return sum(int(word) << 32 * k for k, word in enumerate(words))


def test_published_bits() -> None:
    """Set = the ids' two lowest bits side by side, tag = their bits 2 to 17; ids 2**18 apart are the same."""
    ids = np.random.default_rng(1).integers(0, 1 << 18, (50, 5))
    records = make_records(PAPER, ids, np.full(50, 5))
    for k, row in enumerate(ids.tolist()):
        assert set_of(PAPER, records.key)[k] == sum((x & 3) << 2 * n for n, x in enumerate(row))
        assert number(tag_of(PAPER, records.key)[k]) == sum((x >> 2) << 16 * n for n, x in enumerate(row))
    other = make_records(PAPER, ids + (1 << 18), np.full(50, 5))
    assert (other.key == records.key).all()
    assert (other.ids != records.ids).all()


def divided(spec: Spec, ids: list[int]) -> int:
    """START and the ids as one polynomial, times x**key_bits, divided bit by bit."""
    polynomial = POLYNOMIALS[spec.key_bits] | 1 << spec.key_bits
    whole = 0
    for each in ids:
        whole = whole << spec.id_bits | each
    whole = (whole << spec.key_bits) ^ START << spec.id_bits * len(ids)
    for place in range(spec.key_bits + spec.id_bits * len(ids), spec.key_bits - 1, -1):
        if whole >> place & 1:
            whole ^= polynomial << place - spec.key_bits
    return whole


@pytest.mark.parametrize("bits", [32, 37, 40, 48])
def test_the_hash_is_a_remainder(bits: int) -> None:
    spec = Spec(key_bits=bits, id_bits=20)
    ids = np.random.default_rng(2).integers(0, 1 << 20, (20, 5))
    count = np.arange(20) % 6
    records = make_records(spec, ids, count)
    for k in range(20):
        assert number(records.key[k]) == divided(spec, ids[k, : count[k]].tolist())
        assert number(tag_of(spec, records.key)[k]) << 10 | set_of(spec, records.key)[k] == number(records.key[k])


def test_order_and_length_count() -> None:
    """The same ids in another order, or a zero more, have another key; what stands behind `count` has none."""
    ids = np.array([[1, 2, 3, 4, 5], [2, 1, 3, 4, 5], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 9]])
    records = make_records(DEFAULT, ids, [5, 5, 3, 4, 4])
    assert len({number(key) for key in records.key}) == 4
    assert (records.key[3] == records.key[4]).all()
    assert records.full.tolist() == [True, True, False, False, False]


def test_tensors_and_own_readiness() -> None:
    """Torch tensors give the same; who says which pixels are ready is believed."""
    ids = torch.arange(10).reshape(2, 5)
    ready = torch.tensor([True, False])
    records = make_records(DEFAULT, ids, torch.tensor([4, 5]), ready)
    assert records.full.tolist() == [True, False]
    assert (records.key == make_records(DEFAULT, ids.numpy(), [4, 5]).key).all()


def test_absorbing_is_what_a_record_register_does() -> None:
    state = np.array([START])
    for each in (7, 8, 9, 10, 11):
        state = absorb(DEFAULT, state, np.array([each]))
    assert number(make_records(DEFAULT, [[7, 8, 9, 10, 11]], [5]).key[0]) == state[0]
