from __future__ import annotations

import pytest

from golden.errors import InputError
from sim.estimate.scaling import AREA, NODES, area_factor, factors


def test_factors_of_the_table() -> None:
    assert area_factor(45, 7) == 0.059
    assert area_factor(130, 45) == 0.16
    assert all(area_factor(node, node) == 1 for node in NODES)
    assert {len(row) for row in AREA.values()} == {len(NODES)}


def test_going_and_coming_back_are_inverse_within_the_tables_rounding() -> None:
    for source in NODES:
        for target in NODES:
            assert area_factor(source, target) * area_factor(target, source) == pytest.approx(1, rel=0.13)


def test_nodes_between_two_of_the_table() -> None:
    assert area_factor(45, 32) > area_factor(45, 28) > area_factor(45, 20)
    assert area_factor(45, 28) == pytest.approx(0.368, abs=1e-3)
    assert area_factor(28, 28) == pytest.approx(1, rel=0.02)


def test_both_flavours_make_the_interval() -> None:
    """45 nm to 7 nm at nominal voltages, by hand from the coefficients."""
    scaled = factors(45, 7)
    high = (-28.58 * 0.343 + 76.6 * 0.49 - 70.26 * 0.7 + 24.69) / (-501.6 + 1567 - 1619 + 566.1)
    low = (-61.79 * 0.343 + 196.1 * 0.49 - 210.3 * 0.7 + 79.55) / (-285.7 + 1239 - 1795 + 898.8)
    assert scaled.delay == pytest.approx((min(high, low), max(high, low)))
    assert scaled.energy[0] < scaled.energy[1] < 0.1


@pytest.mark.parametrize("node", [0, 5, 33, 250])
def test_an_unknown_node_is_refused(node: int) -> None:
    with pytest.raises(InputError, match=rf"--node must be one of 180, 130, .*, 7 nm, it is {node}"):
        factors(45, node)
