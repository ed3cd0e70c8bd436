"""The model of memories of each technology: its macros where it has some, CACTI's 45 nm scaled where it has none."""

from __future__ import annotations

from pathlib import Path

from golden.errors import InputError
from sim.estimate.macros import read_macros
from sim.estimate.memory_model import Fitted, MemoryModel, fitted
from sim.estimate.scaling import area_factor
from sim.estimate.technology import Technology
from sim.kernel.data import data_folder

#: Of memories with a read and a write port (CACTI 7, itrs-hp, 320 K), 4 Kbit to 8 Mbit; smaller ones are extrapolated.
#: A fit to its 14 points at 45 nm; tests/sim/estimate repeats it where they are at hand.
CACTI_45 = Fitted(
    name="CACTI 45 nm",
    source="CACTI 7 (HewlettPackard/cacti), RAM with one read and one write port, itrs-hp, 320 K, 14 sizes",
    area_um2=(0.88848997, 10.32696471, 0.0, 481.7131971),
    leakage_w=(115.30557334e-9, 83643.76819833e-9),
    access_s=(0.78295573e-12, 151.42201664e-12),
    setup_s=50e-12,
    area_error=0.0395,
    area_error_unseen=0.0472,
)
#: At 22 nm, for leakage and access below 45 nm.
CACTI_22_LEAKAGE_W = (14.8549372e-9, 31969.9405e-9)
CACTI_22_ACCESS_S = (0.5078332e-12, 46.20918316e-12)


def memory_model(technology: Technology, macros: tuple[Path, ...] = ()) -> MemoryModel:
    """Of a technology, with macros that a user names, or else its own, or else CACTI's.

    Raises:
        InputError: the technology says neither its macros nor its node.
    """
    files = macros or _own(technology)
    if len(files) >= 5:
        found = read_macros(files)
        name = f"fit of {len(found)} macros"
        return MemoryModel(fitted=fitted(found, name, f"{len(files)} files in {files[0].parent.name}"), macros=found)
    if technology.node_nm is None:
        raise InputError(
            f"{technology.name}: memories need a model: name five macros or more by --macros, or the library's node by "
            "--library-node"
        )
    return MemoryModel(fitted=cacti(technology.node_nm), macros=read_macros(files) if files else ())


def _own(technology: Technology) -> tuple[Path, ...]:
    if technology.macros is None:
        return ()
    return tuple(sorted((data_folder() / "liberty" / technology.macros).glob("*.lib")))


def cacti(node_nm: int) -> Fitted:
    """CACTI's memories of 45 nm at another node: areas by the factors of `scaling`."""
    if node_nm == 45:
        return CACTI_45
    factor = area_factor(45, node_nm)
    a, b, c, d = CACTI_45.area_um2
    return Fitted(
        name=f"CACTI 45 nm scaled to {node_nm} nm",
        source=f"{CACTI_45.source}; area times {factor:.4g} (Stillmaker and Baas)"
        + ("; leakage and access of CACTI at 22 nm, not scaled" if node_nm < 45 else ""),
        area_um2=(a * factor, b * factor, c * factor, d * factor),
        leakage_w=CACTI_22_LEAKAGE_W if node_nm < 45 else CACTI_45.leakage_w,
        access_s=CACTI_22_ACCESS_S if node_nm < 45 else CACTI_45.access_s,
        setup_s=CACTI_45.setup_s if node_nm >= 45 else 25e-12,
        area_error=None,
        area_error_unseen=None,
    )
