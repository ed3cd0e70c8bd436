"""Energies of operations, with the source of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A figure that was published."""

    value: float
    unit: str
    node_nm: int | None
    source: str


HOROWITZ = "M. Horowitz, Computing's energy problem, ISSCC 2014, 45 nm, 0.9 V"
ALADDIN = "Aladdin's 40 nm tables (Accelergy-Project/accelergy-aladdin-plug-in), 1 ns"
CACTI = "CACTI 7, RAM with one read and one write port, itrs-hp, 320 K, 45 nm: fit to 14 sizes of 4 Kbit to 8 Mbit"

CONSTANTS = {
    "multiply": Constant(
        value=0.0031, unit="pJ for each bit of a times each bit of b", node_nm=45,
        source=f"{HOROWITZ}: 0.2 pJ of 8 by 8 bits, 3.1 pJ of 32 by 32",
    ),
    "add": Constant(value=0.0031, unit="pJ a bit", node_nm=45, source=f"{HOROWITZ}: 0.03 pJ of 8 bits, 0.1 pJ of 32"),
    "compare": Constant(value=0.0009, unit="pJ a bit", node_nm=40, source=f"{ALADDIN}: 0.029 pJ of 32 bits"),
    "shift": Constant(value=0.013, unit="pJ a bit", node_nm=40, source=f"{ALADDIN}: 0.417 pJ of 32 bits"),
    "logic": Constant(value=0.00057, unit="pJ a bit", node_nm=40, source=f"{ALADDIN}: 0.0181 pJ of 32 bits"),
    "register": Constant(
        value=0.009, unit="pJ a bit and cycle, its clock in it", node_nm=40, source=f"{ALADDIN}, register of a bit"
    ),
    "sram_read": Constant(
        value=0.00179588, unit="pJ times bits to the power 0.75", node_nm=45, source=f"{CACTI}; mean error 9 %"
    ),
    "sram_write": Constant(
        value=0.00177818, unit="pJ times bits to the power 0.75, and 0.0315 pJ a bit of the word", node_nm=45,
        source=f"{CACTI}; mean error 17 %",
    ),
    "lpddr4": Constant(
        value=8.0, unit="pJ a bit", node_nm=None, source="Accelergy-Project/accelergy-cacti-plug-in, CactiDRAM, LPDDR4"
    ),
    "activation": Constant(
        value=909.0, unit="pJ a KiB of row", node_nm=None,
        source="O'Connor et al., Fine-Grained DRAM, MICRO 2017: 909 pJ for a row of 1 KB of HBM2; not LPDDR's own",
    ),
}  # fmt: skip
SRAM_WRITE_A_BIT = 0.0315  #: pJ, of `sram_write`


def value(name: str) -> float:
    """In picojoules."""
    return CONSTANTS[name].value


def sram_read_pj(bits: int) -> float:
    """Of a memory of so many bits, at 45 nm."""
    return value("sram_read") * bits**0.75


def sram_write_pj(bits: int, width: int) -> float:
    """Of a memory of so many bits, for a word, at 45 nm."""
    return value("sram_write") * bits**0.75 + SRAM_WRITE_A_BIT * width


def provenance() -> Mapping[str, Any]:
    """For a report."""
    return {name: asdict(constant) for name, constant in CONSTANTS.items()}
