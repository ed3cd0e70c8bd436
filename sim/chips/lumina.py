"""A sequence through the splatting engine with a radiance cache: what one frame leaves in it, the next one finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from golden.chips.lumina.spec import chosen
from golden.errors import InputError
from golden.splat import spec as splat
from sim.kernel.quality import psnr
from sim.kernel.run import Backend, Run, run_operation
from sim.kernel.settings import sort_changes
from sim.splat.run import DRAW
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import
    from golden.chips.lumina.model import LuminaResult
    from golden.chips.lumina.spec import Spec

OPTION = "--radiance-set"


def choose_rules(engine: splat.Spec, changes: Sequence[str]) -> Spec:
    """The chosen rules for an engine after every `field=value` of `changes`.

    Raises:
        InputError: no such field, a value that is not a whole number where one is due, or one that is refused.
    """
    rules = chosen(engine)
    known = [f.name for part in (rules, rules.radiance) for f in fields(part) if f.name in part.LIMITS]
    unknown = f"{OPTION}: no field '{{}}'; there are {', '.join(known)}"
    own, cache = sort_changes((rules, rules.radiance), changes, unknown.format, OPTION)
    return replace(rules, radiance=replace(rules.radiance, **cache), **own)


class CachedSequence:
    """Draws the frames of a sequence by the model, one after another, with the caches that the frame before has left.

    Raises:
        InputError: another backend, for which there is no composition.
    """

    def __init__(self, rules: Spec, backend: Backend) -> None:
        if backend != Backend.MODEL:
            raise InputError(
                f"--radiance is drawn by the bit-true model alone: --backend must be model, it is {backend}"
            )
        self._rules = rules
        self._caches: Any = None
        self._number = 0

    def __call__(self, workload: SplatWorkload) -> Run:
        """The next frame, with hits and savings as its quality, and its loss against the frame without the cache."""
        run = run_operation(replace(DRAW, model=self._draw), workload, backend=Backend.MODEL)
        return replace(run, quality=quality(run.model))

    def _draw(self, workload: SplatWorkload) -> LuminaResult:
        from golden.chips.lumina.model import render

        result = render(workload.image, workload.frame, self._rules, self._caches, self._number)
        self._caches, self._number = result.caches, self._number + 1
        return result


def quality(result: LuminaResult) -> dict[str, Any]:
    """Shares, counts and dB of a frame for its report: 0 where there is nothing to have a share of."""
    saving = result.saving
    of = {
        "asked": (saving.asked, saving.pixels), "hit_rate": (saving.hits, saving.asked),
        "blends_saved": (saving.blends_saved, saving.blends), "touches_saved": (saving.touches_saved, saving.touches),
    }  # fmt: skip
    cached, uncached = (picture.numpy()[..., :3] / 255 for picture in (result.image, result.uncached))
    shares = {name: part / whole if whole else 0.0 for name, (part, whole) in of.items()}
    return {**shares, "false_hits": saving.false_hits, "cached_psnr_db": psnr(cached, uncached)}
