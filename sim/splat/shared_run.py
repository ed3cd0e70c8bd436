"""Frames that leave lists in drawing order, and frames drawn from such lists, by RTL or model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from golden.scenes import Camera
from golden.splat.frame import Frame, build_frame
from golden.splat.memory_image import MemoryImage, aligned_first, build_memory_image
from golden.splat.order_image import expected_order, places_of, read_order
from golden.splat.scene_image import SceneImage
from hw.splat.config import Config
from hw.splat.counters import COUNTERS, counters_of
from hw.splat.top import SplatEngine
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline
from sim.kernel.run import Operation, Run, run_operation
from sim.splat.run import DRAW, Stored, roofline
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed to run RTL
    from golden.splat.model import ModelResult
    from golden.splat.shared_order import SharedOrder


def in_order(workload: SplatWorkload, order: SharedOrder) -> SplatWorkload:
    """The view with the lists of an order in place of its own, for an engine that draws them.

    Raises:
        InputError: what `golden.splat.order_image.pack_order` refuses.
    """
    spec = workload.config.spec
    memory = build_memory_image(workload.image, workload.frame, spec, packed=workload.packed, order=order)
    return replace(shared(workload), memory=memory, why_host=None, host_seconds=0.0)


def shared(workload: SplatWorkload) -> SplatWorkload:
    """The same view for an engine that draws lists in drawing order, too."""
    return replace(workload, config=replace(workload.config, shared_sort=1))


def by_host(workload: SplatWorkload) -> SplatWorkload:
    """The same view for such an engine, with its visiting lists in memory, as an order's lists are."""
    work = shared(workload)
    return replace(work, memory=build_memory_image(work.image, work.frame, work.config.spec, packed=work.packed))


def run_in_order(workload: SplatWorkload, order: SharedOrder, **settings: Any) -> Run:
    """A frame from the lists of an order, with the settings of `sim.splat.run.run`."""
    work = in_order(workload, order)

    def model(workload: SplatWorkload) -> ModelResult:
        from golden.splat.shared_order import render_shared

        return render_shared(workload.image, workload.frame, order, workload.config.spec)

    operation = replace(
        DRAW, counters=counters_of(work.config), model=model, roofline=roofline_in_order, streams=lambda _, __: {}
    )
    return run_operation(operation, work, **settings)


@dataclass(frozen=True, kw_only=True)
class SortWorkload:
    """A predicted view whose squares, and what lies around them, are sorted into lists."""

    config: Config
    name: str  #: of the scene
    image: SceneImage
    predicted: Frame
    margin: int  #: pixels
    memory: MemoryImage

    @property
    def squares(self) -> int:
        return self.predicted.columns * self.predicted.rows

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return {"scene": self.name, "camera": self.predicted.camera.to_json(), "margin": self.margin}


def prepare_sort(workload: SplatWorkload, camera: Camera, margin: int) -> SortWorkload:
    """A view of the same image by `camera`, for an engine that writes lists in drawing order."""
    from golden.splat.shared_order import sort_frame

    work, spec = shared(workload), workload.config.spec
    predicted = build_frame(work.image, camera, spec, near=work.near)
    frame = sort_frame(work.image, predicted, spec, margin)
    return SortWorkload(
        config=work.config, name=work.scene.name, image=work.image, predicted=predicted, margin=margin,
        memory=build_memory_image(work.image, frame, spec, packed=work.packed, sorts=True),
    )  # fmt: skip


def order_of(work: SortWorkload) -> SharedOrder:
    """The lists by the model."""
    from golden.splat.shared_order import sort_squares

    return sort_squares(work.image, work.predicted, work.config.spec, work.margin)


SORT = Operation[SortWorkload](
    engine="splat",
    top=lambda work: SplatEngine(config=work.config),
    counters=COUNTERS,
    read=lambda work, job: read_order(job.data, work.memory.result_address, work.squares),
    model=order_of,
    expected=lambda work, order: expected_order(work.image, order, aligned_first(work.image)),
    reference=lambda _: {},  # it has no lists
    roofline=roofline,
    axes={"count": ("square",), "entry": ("entry", "byte")},
)


def run_sort(work: SortWorkload, **settings: Any) -> tuple[SharedOrder, Run]:
    """The lists that the RTL has written, with `memory=` and `check=` as `run_operation` takes them, and its run."""
    from torch import from_numpy

    from golden.splat.shared_order import SharedOrder

    run = run_operation(replace(SORT, counters=counters_of(work.config)), work, **settings)
    places = places_of(work.image, run.results, aligned_first(work.image))
    return SharedOrder(places=[from_numpy(each) for each in places]), run


def roofline_in_order(workload: Stored, job: JobResult, memory: MemorySettings) -> Roofline:
    """That of a frame, but an entry of a list a cycle through a lane of the coarse filter, a candidate a cycle through
    the fine filter, and nothing to sort."""
    bound, counters = roofline(workload, job, memory), job.counters
    stages = {**bound.stages, "coarse filter": counters["streamed"], "fine filter": counters["candidates"]}
    return replace(bound, stages={name: need for name, need in stages.items() if name != "depth sort"})
