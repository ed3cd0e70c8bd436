from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from golden.errors import InputError
from sim.estimate.fit import errors, fit
from sim.estimate.liberty import parse
from sim.estimate.macros import Macro, read_macros
from sim.estimate.memory_cell import Memory
from sim.estimate.memory_liberty import memory_liberty
from sim.estimate.memory_model import LARGEST, LEAST_DEPTH, SECOND_PORT, MemoryModel
from sim.estimate.sram import CACTI_22_ACCESS_S, CACTI_22_LEAKAGE_W, CACTI_45, cacti, memory_model
from sim.estimate.technology import from_files, named


def macro(width: int, depth: int, area: float, *, read_write: bool = False) -> Macro:
    return Macro(
        name=f"m{width}x{depth}", width=width, depth=depth, read_write=read_write, area_um2=area, leakage_w=1e-6,
        access_s=2e-10, setup_s=5e-11,
    )  # fmt: skip


def test_a_fit_finds_what_made_its_samples() -> None:
    terms = np.array([[1, 1], [2, 1], [5, 1], [9, 1]], float)
    assert fit(terms, terms @ [3, 7]) == pytest.approx([3, 7])
    assert errors(terms, terms @ [3, 7]) == pytest.approx((0, 0), abs=1e-9)


def test_no_coefficient_is_negative() -> None:
    """A falling line is fitted by its constant alone: no memory is to have a negative area somewhere."""
    terms = np.array([[1, 1], [2, 1], [3, 1]], float)
    slope, constant = fit(terms, np.array([3.0, 2.0, 1.0]))
    assert slope == 0
    assert 1 < constant < 3


def test_macros_are_split_and_mirrored() -> None:
    """64 × 128 from two of 32 × 128; a second read port takes a copy; one port of a macro costs its second."""
    model = MemoryModel(fitted=CACTI_45, macros=[macro(32, 128, 1000), macro(128, 512, 30_000)])
    cost = model.cost(Memory(64, 128, 1, 1))
    assert (cost.area_um2, cost.how) == (2000, "2 × m32x128")
    twice = model.cost(Memory(64, 128, 2, 1))
    assert (twice.area_um2, twice.how) == (4000, "2 times 2 × m32x128")
    single = MemoryModel(fitted=CACTI_45, macros=[macro(32, 128, 1000, read_write=True)])
    assert single.cost(Memory(32, 128, 1, 1)).area_um2 == pytest.approx(1000 * SECOND_PORT)


def test_where_no_macro_fits_the_fit_decides() -> None:
    """Half of a macro's bits unused is too many; shallow memories cost as much as one of the least depth."""
    model = MemoryModel(fitted=CACTI_45, macros=[macro(32, 128, 1000)])
    cost = model.cost(Memory(17, 128, 1, 1))
    assert cost.how == "CACTI 45 nm"
    assert cost.area_um2 == pytest.approx(0.88848997 * 17 * 128 + 10.32696471 * 17 + 481.7131971)
    assert model.cost(Memory(17, 9, 1, 1)).area_um2 == model.cost(Memory(17, LEAST_DEPTH, 1, 1)).area_um2


def test_a_large_memory_is_columns_of_its_words() -> None:
    model = MemoryModel(fitted=CACTI_45)
    column = CACTI_45.cost(Memory(32, LARGEST // 32, 1, 1))
    cost = model.cost(Memory(320, LARGEST // 32, 1, 1))
    assert cost.how == "10 × CACTI 45 nm"
    assert cost.access_s == column.access_s
    assert (cost.area_um2, cost.leakage_w) == (10 * column.area_um2, 10 * column.leakage_w)
    deep = model.cost(Memory(3, 2 * LARGEST, 1, 1))
    assert deep.how == "3 × CACTI 45 nm"


def test_a_memory_without_a_model_is_named() -> None:
    with pytest.raises(InputError, match=r"memory ram_128x16_1r2w: .* one write port, this one has 2"):
        MemoryModel(fitted=CACTI_45).cost(Memory(16, 128, 1, 2))
    with pytest.raises(InputError, match=r"mine: memories need a model: .*--macros, or .*--library-node"):
        memory_model(from_files([Path("x.lib")], name="mine", node_nm=None, period_ps=1000))


def test_cacti_at_another_node() -> None:
    assert cacti(45) is CACTI_45
    assert cacti(7).area_um2[0] == pytest.approx(CACTI_45.area_um2[0] * 0.059)
    assert cacti(130).area_um2[0] == pytest.approx(CACTI_45.area_um2[0] * 6.4)


def test_memories_as_cells_are_liberty() -> None:
    ram = Memory(8, 64, 1, 1, 2)
    text = memory_liberty({ram: CACTI_45.cost(ram)}, 1.5)
    (cell,) = parse(text, "memories").all("cell")
    assert cell.arguments == ("ram_64x8_1r1w_2l",)
    widths = {bus.arguments[0]: bus.attributes["bus_type"] for bus in cell.all("bus")}
    assert widths == {
        "r0_addr": "bus6", "r0_data": "bus8", "w0_en": "bus2", "w0_addr": "bus6", "w0_data": "bus8"
    }  # fmt: skip


def test_the_constants_are_the_fit_to_cactis_points(real_data: Path) -> None:
    rows = list(csv.DictReader((real_data / "energy/sram_cacti.csv").read_text().splitlines()))

    def column(node: str, name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows if row["tech_nm"] == node])

    for node in ("45", "22"):
        bits, width, one = 8 * column(node, "bytes"), column(node, "bits"), np.ones(14)
        leakage = fit(np.stack([bits, one], 1), column(node, "leak_mW") * 1e-3)
        access = fit(np.stack([np.sqrt(bits), one], 1), column(node, "access_ns") * 1e-9)
        if node == "45":
            shape = np.stack([bits, width, bits / width, one], 1)
            assert fit(shape, column(node, "area_um2")) == pytest.approx(CACTI_45.area_um2, rel=1e-6)
            assert errors(shape, column(node, "area_um2")) == pytest.approx(
                (CACTI_45.area_error, CACTI_45.area_error_unseen), abs=1e-4
            )
        assert leakage == pytest.approx(CACTI_45.leakage_w if node == "45" else CACTI_22_LEAKAGE_W, rel=1e-6)
        assert access == pytest.approx(CACTI_45.access_s if node == "45" else CACTI_22_ACCESS_S, rel=1e-6, abs=0)


@pytest.mark.parametrize(
    ("name", "count", "own", "unseen"),
    [("nangate45", 26, 0.17, 0.18), ("sky130", 8, 0.08, 0.13), ("ihp", 10, 0.01, 0.02)],
)
def test_real_macros(real_data: Path, name: str, count: int, own: float, unseen: float) -> None:
    """Each macro is found with its shape, and the fit's errors are those that docs/estimate.md states."""
    model = memory_model(named(name))
    assert len(model.macros) == count
    assert model.fitted.area_error == pytest.approx(own, abs=0.015)
    assert model.fitted.area_error_unseen == pytest.approx(unseen, abs=0.015)
    for one in model.macros:
        assert f"{one.width}x{one.depth}" in one.name or f"{one.depth}x{one.width}" in one.name or "_32_256" in one.name
        assert 1e-10 < one.access_s < 6e-9
        cost = model.cost(Memory(one.width, one.depth, 1, 1))
        assert cost.area_um2 <= one.area_um2 * SECOND_PORT


def test_a_file_without_memories_is_no_macro() -> None:
    with pytest.raises(InputError, match="a liberty file of macros has a cell with a group 'memory'"):
        read_macros(list(named("embedded").liberty))
