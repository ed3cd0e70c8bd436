"""From one node to another by the factors of Stillmaker and Baas.

Source: A. Stillmaker, B. Baas, "Scaling equations for the accurate prediction of CMOS device performance from 180 nm to
7 nm", Integration 58 (2017): areas from ITRS, delay and energy from fits to SPICE with predictive models. High
performance (HP) and low power (LP) are different transistors; factors are given for both, as an interval. A measured
ratio between two libraries at hand is better than any of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log

from golden.errors import InputError

#: Area of the row's node becomes that of the column's by this factor.
NODES = (180, 130, 90, 65, 45, 32, 20, 16, 14, 10, 7)
AREA = {
    180: (1, 0.34, 0.15, 0.08, 0.053, 0.025, 0.011, 0.01, 0.0093, 0.0055, 0.0032),
    130: (2.9, 1, 0.44, 0.23, 0.16, 0.072, 0.033, 0.03, 0.027, 0.016, 0.0092),
    90: (6.6, 2.3, 1, 0.53, 0.35, 0.16, 0.075, 0.067, 0.061, 0.036, 0.021),
    65: (12, 4.3, 1.9, 1, 0.66, 0.31, 0.14, 0.13, 0.12, 0.068, 0.039),
    45: (19, 6.4, 2.8, 1.5, 1, 0.46, 0.21, 0.19, 0.17, 0.10, 0.059),
    32: (40, 14, 6.1, 3.3, 2.2, 1, 0.46, 0.41, 0.38, 0.22, 0.13),
    20: (88, 30, 13, 7.1, 4.7, 2.2, 1, 0.89, 0.82, 0.48, 0.28),
    16: (99, 34, 15, 7.9, 5.3, 2.4, 1.1, 1, 0.91, 0.54, 0.31),
    14: (110, 37, 16, 8.7, 5.8, 2.7, 1.2, 1.1, 1, 0.59, 0.34),
    10: (180, 63, 28, 15, 9.8, 4.5, 2.1, 1.9, 1.7, 1, 0.58),
    7: (320, 110, 48, 25, 17, 7.8, 3.6, 3.2, 2.9, 1.7, 1),
}
#: Nodes that the table lacks and that people name; between two of its nodes the factor is interpolated in log-log.
BETWEEN = (40, 28, 22, 12)

#: delay = d3·V³ + d2·V² + d1·V + d0 and energy = e2·V² + e1·V + e0; only ratios have a meaning.
DELAY = {
    ("", 180): (0, 97.09, -356.7, 406.5), ("", 130): (-76.65, 334.9, -493.4, 275.8),
    ("", 90): (-60.34, 262.5, -384.2, 210.9), ("", 65): (-53.3, 230.4, -333.9, 178.6),
    ("HP", 45): (-501.6, 1567, -1619, 566.1), ("LP", 45): (-285.7, 1239, -1795, 898.8),
    ("HP", 32): (-1047, 2982, -2797, 873.5), ("LP", 32): (-325.9, 1374, -1922, 913.2),
    ("HP", 20): (0, 34.63, -66.37, 41.15), ("LP", 20): (-160.5, 514.1, -558.6, 217.5),
    ("HP", 16): (0, 24.8, -47.52, 28.87), ("LP", 16): (-114.6, 366.7, -397.4, 153.6),
    ("HP", 14): (-40.66, 109.2, -100.6, 35.92), ("LP", 14): (-85.37, 271.6, -292.2, 111.4),
    ("HP", 10): (-34.95, 93.65, -85.99, 30.4), ("LP", 10): (-71.76, 228.6, -246.3, 93.91),
    ("HP", 7): (-28.58, 76.6, -70.26, 24.69), ("LP", 7): (-61.79, 196.1, -210.3, 79.55),
}  # fmt: skip
ENERGY = {
    ("", 180): (0, 24.64, -17.98), ("", 130): (7.171, -6.709, 2.904), ("", 90): (4.762, -4.781, 2.092),
    ("", 65): (3.755, -4.398, 1.975), ("HP", 45): (1.018, -0.3107, 0.1539), ("LP", 45): (1.103, -0.362, 0.2767),
    ("HP", 32): (0.8367, -0.4341, 0.1701), ("LP", 32): (0.9559, -0.7823, 0.471),
    ("HP", 20): (0.373, -0.1582, 0.04104), ("LP", 20): (0.2632, -0.14, 0.06841),
    ("HP", 16): (0.2958, -0.1241, 0.03024), ("LP", 16): (0.2139, -0.1187, 0.05639),
    ("HP", 14): (0.2363, -0.09675, 0.02239), ("LP", 14): (0.1556, -0.06472, 0.03066),
    ("HP", 10): (0.2068, -0.09311, 0.02375), ("LP", 10): (0.1261, -0.0518, 0.02769),
    ("HP", 7): (0.1776, -0.09097, 0.02447), ("LP", 7): (0.09365, -0.03409, 0.02043),
}  # fmt: skip
#: Volts at which delay and energy of a node are taken: nominal of ITRS and of the libraries at hand.
VOLTS = {180: 1.8, 130: 1.2, 90: 1.1, 65: 1.1, 45: 1.0, 32: 0.9, 20: 0.9, 16: 0.8, 14: 0.8, 10: 0.75, 7: 0.7}


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """Factors from a node to another; an interval is of the flavours HP and LP, the lower bound first."""

    area: float
    delay: tuple[float, float]
    energy: tuple[float, float]


def require_node(node_nm: int) -> None:
    """Refuses a node without factors.

    Raises:
        InputError: the node is neither in the table nor between two of its nodes by a known name.
    """
    if node_nm not in (*NODES, *BETWEEN):
        known = ", ".join(map(str, sorted((*NODES, *BETWEEN), reverse=True)))
        raise InputError(f"--node must be one of {known} nm, it is {node_nm}")


def area_factor(source_nm: int, target_nm: int) -> float:
    """Of a layout's area."""
    require_node(source_nm)
    require_node(target_nm)
    return _between(target_nm, lambda target: _between(source_nm, lambda source: AREA[source][NODES.index(target)]))


def factors(source_nm: int, target_nm: int) -> Scaled:
    """Of area, delay and energy, each node at its nominal voltage."""
    return Scaled(
        area=area_factor(source_nm, target_nm),
        delay=_interval(DELAY, source_nm, target_nm),
        energy=_interval(ENERGY, source_nm, target_nm),
    )


def _between(node_nm: int, value: Callable[[int], float]) -> float:
    """Of a node in the table; of one that is not, between its neighbours, straight in the logarithms."""
    if node_nm in NODES:
        return value(node_nm)
    above = min(node for node in NODES if node > node_nm)
    below = max(node for node in NODES if node < node_nm)
    share = log(node_nm / below) / log(above / below)
    return exp(share * log(value(above)) + (1 - share) * log(value(below)))


def _interval(table: dict[tuple[str, int], tuple[float, ...]], source_nm: int, target_nm: int) -> tuple[float, float]:
    ratios = []
    for flavour in ("HP", "LP"):

        def at(node: int, flavour: str = flavour) -> float:
            coefficients = table.get((flavour, node)) or table["", node]
            return sum(c * VOLTS[node] ** k for k, c in enumerate(reversed(coefficients)))

        ratios.append(_between(target_nm, at) / _between(source_nm, at))
    return min(ratios), max(ratios)
