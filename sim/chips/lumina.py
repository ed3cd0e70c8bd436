"""A sequence through the splatting engine with a radiance cache: what one frame leaves in it, the next one finds.

By the bit-true model, or by the composed RTL, which follows the published rule alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from golden.chips.lumina.spec import chosen
from golden.errors import InputError
from golden.rows import Bytes
from golden.splat import spec as splat
from hw.chips.lumina.config import compose
from hw.radiance.config import default as radiance_config
from hw.splat.config import Config
from sim.chips.lumina_run import left_behind, prepare
from sim.chips.lumina_run import run as draw_cached
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
    """Draws the frames of a sequence, one after another, with the caches that the frame before has left.

    `settings` as `run_operation` takes them.

    Raises:
        InputError: a backend without a composition, or rules that RTL does not follow.
    """

    def __init__(self, rules: Spec, engine: Config, backend: Backend, **settings: Any) -> None:
        if backend not in (Backend.MODEL, Backend.RTL):
            raise InputError(f"--radiance is drawn by rtl and model: --backend must be one of them, it is {backend}")
        self._chip = compose(engine, rules, radiance_config()) if backend == Backend.RTL else None
        self._rules, self._settings = rules, settings
        self._caches: Any = None  # as the model knows them …
        self._saved: list[Bytes] | None = None  # … and as RTL has left them
        self._number = 0

    def __call__(self, workload: SplatWorkload) -> Run:
        """The next frame, with hits and savings as its quality, and its loss against the frame without the cache."""
        if self._chip is None:
            run = run_operation(replace(DRAW, model=self._draw), workload, backend=Backend.MODEL)
            return replace(run, quality=quality(run.model))
        run = draw_cached(prepare(workload, self._chip, self._saved, self._caches), **self._settings)
        self._saved = left_behind(run)
        if run.model is not None:
            self._caches = run.model.caches
        return replace(run, workload=workload, quality=quality(run.model) if run.model else counted(run))

    def _draw(self, workload: SplatWorkload) -> LuminaResult:
        from golden.chips.lumina.model import render

        result = render(workload.image, workload.frame, self._rules, self._caches, self._number)
        self._caches, self._number = result.caches, self._number + 1
        return result


def counted(run: Run) -> dict[str, Any]:
    """What the RTL alone knows of a frame: the shares of its pixels that asked, and of those that hit."""
    camera = run.workload.frame.camera
    asked = run.counters["asked"]
    return {"asked": asked / (camera.width * camera.height), "hit_rate": run.counters["hits"] / asked if asked else 0.0}


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
