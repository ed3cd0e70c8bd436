"""A sequence with shared sorting: a window of frames is drawn from the lists of one predicted pose."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from golden.errors import InputError
from golden.scenes import Camera
from golden.scenes.motion import predict, turn
from golden.splat.frame import build_frame
from sim.kernel.quality import psnr
from sim.kernel.roofline import dram_bytes
from sim.kernel.run import Backend, Run
from sim.splat.run import run
from sim.splat.shared_run import by_host, prepare_sort, run_in_order, run_sort, shared
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import
    from golden.splat.shared_order import SharedOrder

Cost = tuple[int, int]  # cycles and bytes
NOTHING: Cost = (0, 0)


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
    RTL is an engine with `shared_sort`, which writes the lists itself, with codebooks the host; `settings` are those of
    `sim.splat.run.run`.

    Raises:
        InputError: another backend than the model or RTL.
    """

    def __init__(self, sharing: Sharing, *, backend: Backend, **settings: Any) -> None:
        if backend not in (Backend.MODEL, Backend.RTL):
            rule = "--sort-window is drawn by RTL or the bit-true model: --backend must be rtl or model"
            raise InputError(f"{rule}, it is {backend}")
        self._sharing = sharing
        self._settings = {"backend": backend, **settings}
        self._rtl = backend == Backend.RTL
        self._seen: list[SplatWorkload] = []  # the last two frames
        self._order: SharedOrder | None = None
        self._left = 0  # frames of the window
        self._sort_cost = NOTHING  # of the lists that the frame at hand has made necessary

    def __call__(self, workload: SplatWorkload) -> Run:
        """The next frame; its quality says whether it was `sorted` itself, and how far it is from one that was.

        Of RTL also the cycles and bytes of the one that was, whose lists of voxels stand in memory as well, and in a
        window's first frame those of the sort.
        """
        self._sort_cost = NOTHING
        order = self._shared(workload)
        self._seen = [*self._seen[-1:], workload]
        if order is None:
            own = run(shared(workload) if self._rtl else workload, **self._settings)
            return replace(own, quality=own.quality | self._quality(own, own, self._candidates(own)))
        own = run(by_host(workload) if self._rtl else workload, **self._settings)
        drawn = run_in_order(workload, order, **self._settings)
        return replace(drawn, quality=drawn.quality | self._quality(drawn, own, order.entries))

    def _candidates(self, own: Run) -> int:
        """What the coarse filter passed of a frame that sorts itself."""
        return own.counters["candidates"] if self._rtl else own.model.work.candidates

    def _quality(self, drawn: Run, own: Run, listed: int) -> dict[str, Any]:
        pixels, alone = (result.results["framebuffer"][..., :3] / 255 for result in (drawn, own))
        spent = {"own": _cost(own), "sort": self._sort_cost} if self._rtl else {}
        return {
            "sorted": float(drawn is own), "listed": listed, "shared_psnr_db": psnr(pixels, alone),
            **{f"{name}_cycles": cycles for name, (cycles, _) in spent.items()},
            **{f"{name}_bytes": moved for name, (_, moved) in spent.items()},
        }  # fmt: skip

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

        margin, spec = self._sharing.margin, workload.config.spec
        middle = predict(before, now, (self._sharing.window + 1) / 2)
        if self._rtl and shared(workload).config.writes_order:
            order, run = run_sort(prepare_sort(workload, middle, margin), **self._settings)
            self._sort_cost = _cost(run)
            return order
        frame = build_frame(workload.image, middle, spec, near=workload.near)
        return sort_squares(workload.image, frame, spec, margin)


def _cost(run: Run) -> Cost:
    return run.counters["cycles"], dram_bytes(run.counters, run.workload.config.word_bytes)["total"]
