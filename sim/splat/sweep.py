"""PSNR of the splatting model on every known scene, one format of `golden.splat.spec` changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from golden.errors import InputError
from golden.scenes import load_scene, orbit
from golden.splat.frame import build_frame
from golden.splat.model import render as render_model
from golden.splat.reference import render as render_reference
from golden.splat.scene_image import build_scene_image
from golden.splat.spec import DEFAULT, Spec
from sim.kernel.files import write_json, write_text
from sim.kernel.quality import psnr
from sim.kernel.sweep import Sweep, SweepRow, markdown, plot
from sim.splat import sort_sweep
from sim.splat.workload import known_scenes

STEPS = (-3, -2, -1, 1, 2)  # bits from the chosen width
FIELDS = (
    "position_bits", "quaternion_bits", "scale_fraction", "opacity_bits", "dc_fraction", "sh_bits", "mantissa_bits",
    "covariance_bits", "screen_fraction", "power_fraction", "alpha_bits", "transmittance_bits", "color_fraction",
    "accumulator_fraction", "depth_bits",
)  # fmt: skip
WIDTH_TIED = {"dc_fraction": "dc_bits", "scale_fraction": "scale_bits"}  # more fraction bits, the same range
VIEWS = 3
DEFAULT_SIZE = 256  # pixels a side


def _variants() -> Iterator[tuple[str, int, Spec]]:
    """Every format with its own width changed; widths that the spec refuses are left out."""
    for field in FIELDS:
        for step in STEPS:
            changes = {field: getattr(DEFAULT, field) + step}
            if field in WIDTH_TIED:
                width = WIDTH_TIED[field]
                changes[width] = getattr(DEFAULT, width) + step
            try:
                yield field, changes[field], replace(DEFAULT, **changes)
            except InputError:
                continue


def run_sweep(progress: Callable[[str], None], *, size: int) -> Sweep:
    """Draws view 1 of 3 of every known scene with the model, for every variant."""
    scenes = {source: load_scene(source) for source in known_scenes()}
    cameras = {source: orbit(scene, 1, VIEWS, width=size, height=size) for source, scene in scenes.items()}
    references = {source: render_reference(scene, cameras[source]).numpy() for source, scene in scenes.items()}

    def measure(spec: Spec) -> list[float]:
        values: list[float] = []
        for source, scene in scenes.items():
            image = build_scene_image(scene, spec)
            drawn = render_model(image, build_frame(image, cameras[source], spec), spec)
            values.append(round(psnr(drawn.color.numpy(), references[source]), 2))
        return values

    rows = [SweepRow(field=None, value=None, quality=measure(DEFAULT))]
    for field, value, spec in _variants():
        progress(f"{field} {value}")
        rows.append(SweepRow(field=field, value=value, quality=measure(spec)))
    return Sweep(
        engine="splat",
        measure=f"PSNR in dB of the model against the float reference, {size}×{size}, view 1/{VIEWS}",
        inputs=[scene.name for scene in scenes.values()],
        chosen={field: getattr(DEFAULT, field) for field in FIELDS},
        rows=rows,
    )


def record(docs: Path, progress: Callable[[str], None], *, size: int = DEFAULT_SIZE) -> list[Path]:
    """Sweeps and writes JSON, table and curves; then the depth sort's table.

    Raises:
        InputError: a size out of range.
    """
    if not 16 <= size <= 1024:
        raise InputError(f"--size must lie in 16..1024, it is {size}")
    sweep = run_sweep(progress, size=size)
    paths = [docs / "sweeps" / "splat.json", docs / "sweeps" / "splat.md", docs / "images" / "splat-formats.png"]
    write_json(paths[0], sweep.as_dict())
    write_text(paths[1], markdown(sweep))
    plot(sweep, paths[2])
    return [*paths, *sort_sweep.record(docs, progress)]
