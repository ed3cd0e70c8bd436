"""The finest cut within a budget of Gaussians, by searches of the engine over its thresholds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from golden.errors import InputError
from golden.lod.load import leaves
from golden.lod.threshold import FRACTION, Thresholds
from golden.lod.tree_image import TreeImage
from golden.scenes import Camera
from hw.lod.config import Config
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend, Run
from sim.lod.run import cut, run
from sim.lod.workload import prepare


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One search of the engine, a full one at one threshold."""

    code: int  #: see `Thresholds`
    tau: float
    gaussians: int  #: that the cut draws
    cycles: int | None  #: of the RTL


@dataclass(frozen=True, kw_only=True)
class FinestCut:
    """The finest cut of one view within the budget, and the searches that found it."""

    run: Run  #: its search
    best: Trial
    finer: Trial | None  #: at the next finer threshold, beyond the budget; None: there is none
    trials: Sequence[Trial]  #: in order

    @property
    def cycles(self) -> int | None:
        """Of all searches, where they ran in RTL."""
        return None if self.best.cycles is None else sum(trial.cycles or 0 for trial in self.trials)

    def figures(self) -> dict[str, Any]:
        """What a report says."""
        return {
            "tau_px": self.best.tau, "gaussians": self.best.gaussians,
            "finer_tau_px": self.finer and self.finer.tau, "finer_gaussians": self.finer and self.finer.gaussians,
            "searches": len(self.trials), "search_cycles": self.cycles,
        }  # fmt: skip


Ask = Callable[[int], Trial]


def finest_cut(
    image: TreeImage, camera: Camera, budget: int, config: Config, *, start: int | None = None,
    backend: Backend = Backend.RTL, memory: MemorySettings = MemorySettings(), check: bool = False,
) -> FinestCut:  # fmt: skip
    """Bisects the codes of all thresholds until two neighbours lie on either side of the budget.

    Args:
        start: a code that is thought to be near, as that of the view before; the answer does not depend on it.

    Raises:
        InputError: a budget below 1 or below the coarsest cut, or a tree in which a finer cut may have fewer Gaussians.
        CheckError: with `check`, RTL and model differ, or the answer is not that of `golden.lod.budget`.
    """
    from golden.lod.budget import growth, over_budget  # torch is slow to import

    if budget < 1:
        raise InputError(f"lod: a budget must be at least 1 Gaussian, it is {budget}")
    growth(image.sltree.hierarchy)
    codes = Thresholds.of(image, camera)
    trials: dict[int, Trial] = {}
    found: list[Run] = []  # the finest within the budget

    def ask(code: int) -> Trial:
        tau = codes.tau(code)
        searched = run(
            prepare(image, [camera], tau, config, temporal=False), backend=backend, memory=memory, check=check
        )
        size = len(image.sltree.hierarchy.drawn(cut(searched)))
        cycles = searched.counters["cycles"] if searched.job else None
        trials[code] = Trial(code=code, tau=tau, gaussians=size, cycles=cycles)
        if size <= budget:
            found[:] = [searched]
        return trials[code]

    if budget >= len(leaves(image.sltree.hierarchy)):
        ask(codes.finest)
        code = codes.finest
    else:
        code = _bisect(ask, codes, budget, start)
    if code < codes.coarsest:
        raise over_budget(budget, trials[codes.coarsest].gaussians)
    answer = FinestCut(
        run=found[0], best=trials[code], finer=trials.get(code + 1), trials=list(trials.values()),
    )  # fmt: skip
    if check:
        _compare(image, camera, budget, codes, answer)
    return answer


def finest_cuts(
    image: TreeImage, cameras: Sequence[Camera], budget: int, config: Config, **settings: Any
) -> Iterator[FinestCut]:
    """The same view by view, each search beginning where the one before has ended. `settings`: of `finest_cut`."""
    start = None
    for camera in cameras:
        answer = finest_cut(image, camera, budget, config, start=start, **settings)
        start = answer.best.code
        yield answer


def _bisect(ask: Ask, codes: Thresholds, budget: int, start: int | None) -> int:
    """The largest code within the budget; one below the coarsest if none is."""
    low, high = codes.coarsest - 1, codes.finest + 1  # within the budget, and beyond it
    if start is not None:
        low, high = _bracket(ask, low, high, budget, start)
    while high - low > 1:
        middle = (low + high) // 2
        if ask(middle).gaussians <= budget:
            low = middle
        else:
            high = middle
    return low


def _bracket(ask: Ask, low: int, high: int, budget: int, start: int) -> tuple[int, int]:
    """Codes on either side of the budget, from `start` on in growing strides.

    The first stride is half as long again as it takes if Gaussians grow as (focal/tau)², as on a surface.
    """
    code = min(max(start, low + 1), high - 1)
    size = ask(code).gaussians
    finer = size <= budget
    stride = int(1.5 * abs(math.log2((budget + 0.5) / size)) * (1 << FRACTION)) + 16
    while True:
        low, high = (code, high) if finer else (low, code)
        code += stride if finer else -stride
        if not low < code < high:
            return low, high
        if (ask(code).gaussians <= budget) != finer:
            return (low, code) if finer else (code, high)
        stride *= 4


def _compare(image: TreeImage, camera: Camera, budget: int, codes: Thresholds, answer: FinestCut) -> None:
    from golden.lod.budget import Budgeted, finest_by_sorting
    from golden.lod.model import SearchModel

    expected = finest_by_sorting(SearchModel(image), answer.run.workload.path[0], budget, codes)
    finer = None if answer.finer is None else answer.finer.gaussians
    got = Budgeted(code=answer.best.code, gaussians=answer.best.gaussians, finer=finer)
    if got != expected:
        raise CheckError(f"budget: expected {expected}, got {got}")
