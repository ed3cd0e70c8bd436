"""The part of `tessera render` that draws a sequence: --path, --frames and --video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import InputError
from golden.scenes import Camera, Scene
from sim.commands.run_options import RunOptions
from sim.kernel.console import out, show_json, show_table, step, warn
from sim.kernel.files import require_writable, to_bytes, write_array, write_json, write_png
from sim.kernel.quality import psnr, shown
from sim.kernel.run import Backend, Run
from sim.kernel.sequence import figures, plot_frames, sequence_report
from sim.kernel.video import require_video, video
from sim.splat.picture import BLACK, Color, Floats, over, straight
from sim.splat.run import layers, overflow, run
from sim.splat.workload import Lists, SplatWorkload, notices, prepare

#: Draws one frame after another, in order: the workload as the engine's `run` takes it.
Draw = Callable[[SplatWorkload], Run]


@dataclass(frozen=True, kw_only=True)
class SequenceFiles:
    """What a sequence writes."""

    pictures: Path | None  #: each frame beside it, its number at the end of the stem
    array: Path | None  #: all frames
    video: Path | None
    fps: int

    def check(self, *, alpha: bool, report: bool) -> None:
        """Looks at all of it before the work.

        Raises:
            InputError: nothing is written, or something that cannot be.
        """
        if not (self.pictures or self.video or self.array or report):
            raise InputError("a sequence is written by --out, --video, --array or --report: give one of them")
        if self.video:
            require_video(self.video, self.fps)
            require_writable(self.plot)
            if alpha:
                raise InputError(
                    "--alpha leaves the background open, and a video has one: leave out --video or --alpha"
                )

    @property
    def plot(self) -> Path:
        """Of the figures of every frame, beside the video."""
        assert self.video
        return self.video.with_name(f"{self.video.stem}-figures.png")

    def picture(self, number: int) -> Path:
        """Of one frame."""
        assert self.pictures
        return self.pictures.with_stem(f"{self.pictures.stem}-{number:04d}")


def workloads(
    scene: Scene, cameras: Mapping[int, Camera], config: Any, near: float, lists: Lists
) -> Iterator[SplatWorkload]:
    """A workload for every camera; the scene is quantised and packed once, wherever the views allow."""
    before: SplatWorkload | None = None
    for camera in cameras.values():
        before = prepare(scene, camera, config, near=near, lists=lists, before=before)
        yield before


def draw_sequence(
    scene: Scene, cameras: Mapping[int, Camera], options: RunOptions, files: SequenceFiles, draw: Draw, *,
    near: float, lists: Lists, background: Color, alpha: bool, path: str,
) -> None:  # fmt: skip
    """Draws every frame, writes what is asked for, and shows a line for each.

    All frames are prepared before the first is drawn: a camera that cannot be drawn is refused then.
    """
    with step("quantising and ordering the scene for every frame"):
        notices = _notices(
            workloads(scene, cameras, options.config, near, lists), exact=options.backend == Backend.REFERENCE
        )
    for notice in notices:
        out.print(f"{scene.name}: {notice}")
    reports: list[dict[str, Any]] = []
    pictures: list[Floats] = []
    overflowed: list[str] = []
    with video(files.video, files.fps) if files.video else nullcontext() as add:
        for number, workload in zip(cameras, workloads(scene, cameras, options.config, near, lists), strict=True):
            with step(f"frame {number} by {options.backend}"):
                drawn = draw(workload)
                values = straight(layers(drawn)) if alpha else over(layers(drawn), background)
                report = _report(drawn, number, None if alpha else background)
            reports.append(report)
            overflowed += [text for text in [overflow(drawn)] if text]
            if files.array:
                pictures.append(values)
            if files.pictures:
                write_png(files.picture(number), to_bytes(values))
            if add:
                add(to_bytes(values))
    whole = sequence_report(reports, path)
    if files.array:
        write_array(files.array, np.stack(pictures))
    curves = figures(reports)
    if files.video and curves:  # the reference has none
        plot_frames(files.plot, list(cameras), curves)
    if options.report:
        write_json(options.report, whole)
    if options.as_json:
        show_json(whole)
    if overflowed:
        warn(f"{len(overflowed)} of {len(reports)} frames: {overflowed[0]}")
    _show(scene, reports, whole)
    if files.video:
        out.print(f"{files.video}: {len(reports)} frames{f', {files.plot.name} their figures' if curves else ''}")
    out.print(f"splat by {options.backend} in {whole['workload']['seconds']:.1f} s")


def _report(drawn: Run, number: int, background: Color | None) -> dict[str, Any]:
    """The frame's, with its number and its quality against the float reference, over black where there is no other."""
    report = drawn.report()
    report["workload"] |= {"frame": number, "background": None if background is None else list(background)}
    if drawn.backend != Backend.REFERENCE:
        behind = background or BLACK
        exact = layers(run(drawn.workload, backend=Backend.REFERENCE))
        report["quality"] = {"psnr_db": psnr(over(layers(drawn), behind), over(exact, behind)), **report["quality"]}
    return report


def _notices(frames: Iterator[SplatWorkload], *, exact: bool) -> list[str]:
    """What some frame's picture lacks, each said once."""
    return list(dict.fromkeys(notice for workload in frames for notice in ([] if exact else notices(workload))))


def _show(scene: Scene, reports: list[dict[str, Any]], whole: dict[str, Any]) -> None:
    names = [name for name, value in whole["quality"].items() if isinstance(value, float)]

    def row(title: object, report: dict[str, Any]) -> list[object]:
        traffic = report["bytes"].get("total")
        return [
            title, report["cycles"] or "–", "–" if traffic is None else f"{traffic / 1e6:.2f}",
            *(shown(report["quality"][name], ".4g") for name in names),
        ]  # fmt: skip

    rows = [row(report["workload"]["frame"], report) for report in reports]
    head = ("frame", "cycles", "MB", *(name.replace("_", " ") for name in names))
    show_table(f"{scene.name}, {whole['workload']['size']}, {len(reports)} frames", head, [*rows, row("all", whole)])
