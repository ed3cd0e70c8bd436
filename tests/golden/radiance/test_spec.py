"""Radiance cache's specification: the publication's sizes, the hash's polynomials, what is refused."""

from __future__ import annotations

import itertools

import pytest

from golden.errors import InputError
from golden.radiance.spec import DEFAULT, PAPER, POLYNOMIALS, Spec


def test_the_publication_s_sizes() -> None:
    """Tags of 10 bytes and colours of 3, 4 ways of 1,024 sets: 52 KiB; a region has as many pixels as entries."""
    assert (PAPER.tag_bits, PAPER.value_bits, PAPER.set_bits) == (80, 24, 10)
    assert PAPER.ways * PAPER.sets * (PAPER.tag_bits + PAPER.value_bits) == 52 * 1024 * 8
    assert PAPER.pixels == PAPER.ways * PAPER.sets


def times(a: int, b: int, polynomial: int, width: int) -> int:
    """The product modulo a polynomial."""
    result = 0
    for bit in range(width):
        result ^= a if b >> bit & 1 else 0
        a = a << 1 ^ (polynomial if a >> width - 1 & 1 else 0)
    return result


@pytest.mark.parametrize("width", POLYNOMIALS)
def test_polynomials_keep_near_records_apart(width: int) -> None:
    """Irreducible (x**2**width = x, and for no proper divisor); 1 to 4 bits of 160 never give the hash of none."""
    polynomial = POLYNOMIALS[width] | 1 << width
    power, fixed = 2, []
    for k in range(1, width + 1):
        power = times(power, power, polynomial, width)
        if power == 2:
            fixed.append(k)
    assert fixed == [width]
    single, power = [], 1
    for _ in range(width + 160):
        single.append(power)
        power = times(power, 2, polynomial, width)
    single = single[width:]
    pairs = [a ^ b for a, b in itertools.combinations(single, 2)]
    assert len({0, *single, *pairs}) == 1 + len(single) + len(pairs)


def test_the_hash_is_a_redundancy_check() -> None:
    """Column k is the remainder of x**(k + id_bits)."""
    spec = Spec(key_bits=33, id_bits=20)
    polynomial = POLYNOMIALS[33] | 1 << 33
    power = 1
    for _ in range(20):
        power = times(power, 2, polynomial, 33)
    for column in spec.hash_columns:
        assert column == power
        power = times(power, 2, polynomial, 33)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ways": 3}, "ways must be a power of two, it is 3"),
        ({"key": "ids"}, "key must be one of published, hash, it is 'ids'"),
        ({"key_bits": 31}, "key_bits must lie in 32..48, it is 31"),
        ({"key": "published", "id_bits": 17}, "needs id_bits of at least 18, it is 17"),
        ({"key": "published", "record_length": 3}, "at most 64 sets of 3 ids, sets is 1024"),
    ],
)
def test_what_is_refused(fields: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Spec(**fields)


def test_a_default_set_is_32_bytes() -> None:
    """Four entries of a valid bit, 30 bits of tag and 4 bytes of colour, and three of pseudo-LRU."""
    assert DEFAULT.ways * (1 + DEFAULT.tag_bits + DEFAULT.value_bits) + DEFAULT.ways - 1 == 255
