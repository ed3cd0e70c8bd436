"""A frame by RTL, model or reference, and the least cycles that it can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from golden.splat.memory_image import expected_results, read_results
from golden.splat.memory_map import LINE_BYTES, LOOK_BYTES
from golden.splat.path_image import expected_path, read_path
from golden.splat.scene_image import BookCodes, SceneImage
from hw.splat.config import Config, default
from hw.splat.counters import COUNTERS, counters_of
from hw.splat.layouts import partner_spec
from hw.splat.top import SplatEngine
from sim.kernel.compare import Results
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.roofline import Roofline
from sim.kernel.run import Backend, Operation, Run, run_operation
from sim.splat.check import stage_streams
from sim.splat.path import PathWorkload
from sim.splat.workload import SplatWorkload

if TYPE_CHECKING:  # torch is slow to import, and not needed to run RTL
    from golden.splat.model import ModelResult


def _model(workload: SplatWorkload) -> ModelResult:
    from golden.splat.model import render

    return render(workload.image, workload.frame, workload.config.spec)


def _reference(workload: SplatWorkload) -> Results:
    from golden.splat.reference import Rules, render_layers

    return _named(render_layers(workload.scene, workload.camera, rules=Rules(near=workload.near)).numpy())


def _named(layers: npt.NDArray[np.float32]) -> Results:
    return {"color": layers[..., :3], "coverage": layers[..., 3]}


#: Counters of words on the memory's ports: for drawing, and what may move before, lists and codebooks.
DRAW_WORDS = ("frame_words", "list_words", "coarse_words", "record_words", "write_words", "shared_write_words")
ORDER_WORDS = ("order_words", "order_write_words", "book_words")


class Stored(Protocol):
    """A job on a stored scene."""

    @property
    def config(self) -> Config: ...
    @property
    def image(self) -> SceneImage: ...


def roofline(workload: Stored, job: JobResult, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters.

    Voxel order: its cycles. What draws begins behind the cycles in which it works alone, those before the first
    frame, and stands still whenever a crowded depth sort gives up all that it holds, one splat a cycle. Coarse
    filter: `coarse_lanes` Gaussians in `coarse_interval` cycles. Fine filter: `fine_units`, one where the scene's
    degree has no pairs, in `fine_interval` cycles. Depth sort: one splat a cycle, and an operation of 2 cycles a
    splat shared by the banks, as if each took the place of one that leaves. Rasteriser: one splat × one sub-tile a
    cycle and lane group, or one sub-tile handed out. What a candidate passes begins behind the codebooks: behind a
    cycle for each line, or entry of higher coefficients, and behind their words and those that were read for the
    first frame's lists, for both share the memory; how many these were is known of a frame by itself. (Words of
    lists may still wait to be written.) Memory: words moved / words a cycle; lists and codebooks may move before
    the first frame. Useful are the lanes' results that changed a pixel.
    """
    config, counters = workload.config, job.counters
    pairs = workload.image.sh_degree <= partner_spec(config.spec).sh_degree
    words, listing = (sum(counters.get(name, 0) for name in names) for names in (DRAW_WORDS, ORDER_WORDS))
    results = counters["draws"] * config.spec.lanes
    rate = memory.words_a_cycle(config.word_bytes)
    alone = counters["order_alone"] + counters["crowded"] * config.spec.sort_capacity
    read = counters.get("book_words", 0) + (counters["order_words"] if counters["frames"] == 1 else 0)
    stored = _book_steps(workload.image.books) if workload.image.books and counters["book_loads"] else 0
    loaded = max(alone, read / rate, stored)
    coarse = counters["streamed"] * config.coarse_interval / config.coarse_lanes
    behind_books = {
        "fine filter": counters["candidates"] * config.fine_interval / (config.fine_units if pairs else 1),
        "depth sort": counters["splats"] * max(1.0, 2 / config.spec.sort_banks),
        "rasteriser": (counters["draws"] + counters["flushes"]) / config.lane_groups,
    }
    return Roofline(
        cycles=counters["cycles"],
        useful=counters["changed"] / results if results else None,
        stages={
            "voxel order": counters["order_cycles"],
            "coarse filter": alone + coarse,
            **{name: loaded + need for name, need in behind_books.items()},
            "memory": max(alone + words / rate, (words + listing) / rate),
        },
    )


def _book_steps(books: BookCodes) -> int:
    """Lines of the books that lie side by side, and entries of the book of higher coefficients."""
    entries = max(map(len, (books.scale, books.quaternion, books.dc)))
    return -(-entries * LOOK_BYTES // LINE_BYTES) + len(books.sh) * bool(books.sh.shape[1])


#: The highest in docs/splat.md, without pauses: lastchance, view 1 of 3.
RECORDED_RATIOS = {default(): 1.15}


def _offsets(workload: SplatWorkload) -> Results:
    positions: Any = np.arange(workload.memory.result_bytes)  # reading only moves bytes, and numbers as well
    return read_results(positions, workload.frame, workload.config.spec)


DRAW = Operation[SplatWorkload](
    engine="splat",
    top=lambda workload: SplatEngine(config=workload.config),
    counters=COUNTERS,
    read=lambda workload, job: read_results(job.data, workload.frame, workload.config.spec),
    model=_model,
    expected=lambda _, model: expected_results(model),
    reference=_reference,
    roofline=roofline,
    streams=stage_streams,
    recorded_ratio=lambda workload: RECORDED_RATIOS.get(workload.config),
    offsets=_offsets,
    words=lambda workload: workload.memory.result_bytes // workload.config.word_bytes,
    axes={"framebuffer": ("y", "x", tuple("rgba"))},
)


def run(workload: SplatWorkload, **settings: Any) -> Run:
    """A frame by `backend=`, with `memory=`, `check=` and `waves=` as `run_operation` takes them."""
    return run_operation(replace(DRAW, counters=counters_of(workload.config)), workload, **settings)


def _path_model(path: PathWorkload) -> list[ModelResult]:
    from golden.splat.model import render

    return [render(path.image, frame, path.config.spec) for frame in path.frames]


def _path_reference(path: PathWorkload) -> Results:
    from golden.splat.reference import Rules, render_layers

    layers = [render_layers(path.scene, camera, rules=Rules(near=path.near)).numpy() for camera in path.cameras]
    return {f"{name}_{k}": part for k, frame in enumerate(layers) for name, part in _named(frame).items()}


DRAW_PATH = Operation[PathWorkload](
    engine="splat",
    top=lambda path: SplatEngine(config=path.config),
    counters=COUNTERS,
    read=lambda path, job: read_path(job.data, path.frames, path.config.spec),
    model=_path_model,
    expected=lambda _, models: expected_path(models),
    reference=_path_reference,
    roofline=roofline,
    words=lambda path: path.memory.result_bytes // path.config.word_bytes,
)


def run_path(path: PathWorkload, **settings: Any) -> Run:
    """The frames of a path as one job, with the settings of `run`."""
    return run_operation(replace(DRAW_PATH, counters=counters_of(path.config)), path, **settings)


def layers(run: Run) -> npt.NDArray[np.float32]:
    """Colour before any background, 1 for white, and coverage of a run, whatever drew it: float32 [H, W, 4]."""
    results: dict[str, Any] = dict(run.results)
    if "color" in results:
        return np.concatenate([results["color"], results["coverage"][..., None]], axis=-1)
    return results["framebuffer"].astype(np.float32) / 255


def overflow(run: Run) -> str | None:
    """A sentence for a frame whose depth sort overflowed: how much, and what that may cost.

    Depth slabs leave it only what they cannot part: more Gaussians of one sort key in one group than fit.
    """
    work: Mapping[str, int] = vars(run.model.work) if run.backend == Backend.MODEL else run.counters
    if not work.get("forced"):
        return None
    workload: SplatWorkload = run.workload
    forced, splats, room = work["forced"], work["splats"], workload.config.spec.sort_capacity
    return (
        f"{workload.scene.name}: {forced} of {splats} splats ({forced / splats:.1%}) left the depth sort early, "
        f"because more than {room} of one depth meet in a group; where they overlap they may be drawn in another order "
        "than the file's, which has cost 29 dB (a larger sort_levels holds more)"
    )


def lanes_busy(run: Run) -> float:
    """Share of the frame's cycles in which a lane group drew a splat."""
    return run.counters["draws"] / (run.counters["cycles"] * run.workload.config.lane_groups)
