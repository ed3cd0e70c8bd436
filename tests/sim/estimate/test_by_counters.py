from __future__ import annotations

import pytest

from sim.estimate.by_counters import counted_joules, work_of
from sim.estimate.constants import CONSTANTS, sram_read_pj, sram_write_pj
from sim.estimate.hierarchy import split
from tests.sim.estimate.designs import Bank, Product, rtlil


def test_a_unit_is_its_operators_and_registers() -> None:
    (unit,) = split(rtlil(Product(16), "product"), "product").values()
    work = work_of(unit)
    assert work.each_pj == pytest.approx(0.0031 * 16 * 16, abs=0)
    assert work.registers == 32


def test_work_is_counted_and_registers_always_run() -> None:
    """Of two multipliers 90 products in 50 cycles; the bank as often as a word is moved."""
    text = rtlil(Bank(), "bank")
    found = counted_joules(text, "bank", {"product": 90, "": 5}, 50, 45)
    assert found["product"] == pytest.approx(1e-12 * (90 * 0.0031 * 256 + 0.009 * 2 * 32 * 50), abs=0)
    bank = work_of(split(text, "bank")["bank"])
    assert found["bank"] == pytest.approx(1e-12 * (5 * bank.each_pj + 0.009 * bank.registers * 50), abs=0)
    memory = sram_read_pj(1024) + sram_write_pj(1024, 16)
    assert memory < bank.each_pj < memory + 0.5
    assert bank.registers == 16 + 4 * 4  # the small memory is flip-flops


def test_what_is_dissolved_counts_as_often_as_it_stands() -> None:
    """Three products of 4 by 4 bits are too small for units of their own."""
    (unit,) = split(rtlil(Bank(products=3, width=4), "bank"), "bank").values()
    assert work_of(unit).registers == 3 * 8 + 4 + 4 * 4 + (64 * 4 if "tessera_macro" not in unit.rtlil else 0)


def test_no_unit_works_more_often_than_once_a_cycle() -> None:
    text = rtlil(Product(16), "product")
    most = counted_joules(text, "product", {"": 50}, 50, 45)
    assert counted_joules(text, "product", {"": 900}, 50, 45) == most


def test_another_node_scales_and_every_constant_has_a_source() -> None:
    text = rtlil(Product(16), "product")
    at_45, at_7 = (counted_joules(text, "product", {"": 50}, 50, node)["product"] for node in (45, 7))
    assert 0.03 < at_7 / at_45 < 0.2
    assert all(constant.source and constant.unit for constant in CONSTANTS.values())
