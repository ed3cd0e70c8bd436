"""A sequence by the model with shared sorting: a window of frames is drawn from the lists of one predicted pose."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from golden.errors import InputError
from golden.scenes import Camera
from golden.scenes.motion import predict, turn
from golden.splat.frame import build_frame
from sim.kernel.quality import psnr
from sim.kernel.run import Backend, Run, run_operation
from sim.splat.run import DRAW
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import
    from golden.splat.model import ModelResult
    from golden.splat.shared_order import SharedOrder


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """When frames share a sort, and how widely it looks."""

    window: int = 6  #: frames
    margin: int = 8  #: pixels around every square
    fastest: float = 1.5  #: degrees a frame; a camera that turns faster has every frame sorted

    def __post_init__(self) -> None:
        for name, value, high in (("window", self.window, 64), ("margin", self.margin, 64)):
            if not 0 <= value <= high or (name == "window" and value < 1):
                raise InputError(f"--sort-{name} must lie in {int(name == 'window')}..{high}, it is {value}")
        if not 0 <= self.fastest <= 180:
            raise InputError(f"--sort-fastest must lie in 0..180 degrees a frame, it is {self.fastest:g}")


class SharedSequence:
    """Draws the frames of a sequence one after another, in their order.

    A window begins with a sort at the pose that the two frames before promise for its middle. It ends early where the
    camera turns faster than `fastest`, or where the scene must be stored anew. The first two frames sort themselves.

    Raises:
        InputError: another backend than the model.
    """

    def __init__(self, sharing: Sharing, backend: Backend) -> None:
        if backend != Backend.MODEL:
            rule = "--sort-window is drawn by the bit-true model alone: --backend must be model"
            raise InputError(f"{rule}, it is {backend}")
        self._sharing = sharing
        self._seen: list[SplatWorkload] = []  # the last two frames
        self._order: SharedOrder | None = None
        self._left = 0  # frames of the window

    def __call__(self, workload: SplatWorkload) -> Run:
        """The next frame; its quality says whether it was `sorted` itself, and how far it is from one that was."""
        own = run_operation(DRAW, workload, backend=Backend.MODEL)
        order = self._shared(workload)
        self._seen = [*self._seen[-1:], workload]
        if order is None:
            return replace(own, quality=_quality(own.model, own.model, 1.0))

        def draw(workload: SplatWorkload) -> ModelResult:
            from golden.splat.shared_order import render_shared

            return render_shared(workload.image, workload.frame, order, workload.config.spec)

        run = run_operation(replace(DRAW, model=draw), workload, backend=Backend.MODEL)
        return replace(run, quality=_quality(run.model, own.model, 0.0))

    def _shared(self, workload: SplatWorkload) -> SharedOrder | None:
        """The window's lists, new ones where it begins; None where the frame sorts itself."""
        steady = len(self._seen) == 2 and all(frame.image is workload.image for frame in self._seen)
        if not steady or math.degrees(turn(self._seen[1].camera, workload.camera)) > self._sharing.fastest:
            self._left = 0
            return None
        if self._left == 0:
            self._order = self._sort(workload, self._seen[0].camera, self._seen[1].camera)
            self._left = self._sharing.window
        self._left -= 1
        return self._order

    def _sort(self, workload: SplatWorkload, before: Camera, now: Camera) -> SharedOrder:
        from golden.splat.shared_order import sort_squares

        spec = workload.config.spec
        middle = predict(before, now, (self._sharing.window + 1) / 2)
        frame = build_frame(workload.image, middle, spec, near=workload.near)
        return sort_squares(workload.image, frame, spec, self._sharing.margin)


def _quality(drawn: ModelResult, own: ModelResult, sorted_: float) -> dict[str, Any]:
    shared, alone = (result.image.numpy()[..., :3] / 255 for result in (drawn, own))
    return {"sorted": sorted_, "listed": drawn.work.candidates, "shared_psnr_db": psnr(shared, alone)}
