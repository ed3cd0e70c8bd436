"""The searches that the page of comparisons shows."""

from __future__ import annotations

from functools import partial

from golden.lod.load import leaves
from golden.scenes import orbit, orbit_name
from golden.scenes.embedded import EMBEDDED_NAME
from hw.lod.config import default
from sim.kernel.suite import Case, Compared
from sim.lod.run import report, run
from sim.lod.workload import load_tree, prepare

#: What engine and baselines compute with; docs/lod.md has the formats.
PRECISION = "quantised boxes beside float32"
TAUS = (3.0, 30.0)  # pixels
VIEW = (1, 3)  # K of N around the tree, as the baseline's
SIZE = 256

#: What `tessera baseline` measures where nothing is named: the same workloads.
MEASURED = {"inputs": (EMBEDDED_NAME,), "size": SIZE}


def _search(tau: float) -> Compared:
    config = default()
    image = load_tree(EMBEDDED_NAME, config.spec)
    camera = orbit(leaves(image.sltree.hierarchy), *VIEW, width=SIZE, height=SIZE)
    workload = prepare(image, [camera], tau, config, temporal=False, view=orbit_name(*VIEW))
    return Compared(report=report(run(workload, check=True)))


def cases() -> list[Case]:
    """A full search of the built-in scene's tree at each threshold."""
    return [Case(name=f"{EMBEDDED_NAME}-{tau:g}", run=partial(_search, tau)) for tau in TAUS]
