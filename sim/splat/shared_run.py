"""A frame drawn from lists in drawing order, by RTL or model, and the least cycles that it can take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from golden.splat.memory_image import build_memory_image
from hw.splat.counters import counters_of
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline
from sim.kernel.run import Run, run_operation
from sim.splat.path import PathWorkload
from sim.splat.run import DRAW, roofline
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


def roofline_in_order(workload: SplatWorkload | PathWorkload, job: JobResult, memory: MemorySettings) -> Roofline:
    """That of a frame, but an entry of a list a cycle through a lane of the coarse filter, a candidate a cycle through
    the fine filter, and nothing to sort."""
    bound, counters = roofline(workload, job, memory), job.counters
    stages = {**bound.stages, "coarse filter": counters["streamed"], "fine filter": counters["candidates"]}
    return replace(bound, stages={name: need for name, need in stages.items() if name != "depth sort"})
