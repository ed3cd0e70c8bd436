"""PSNR of the splatting model on every known scene, one format of `golden.splat.spec` changed at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from golden.errors import InputError
from golden.splat.spec import DEFAULT, Spec
from sim.kernel.files import write_json, write_text
from sim.kernel.sweep import Sweep, SweepRow, markdown, plot
from sim.splat import sort_sweep, variant_sweep, voxel_sweep
from sim.splat.views import Views

STEPS = (-3, -2, -1, 1, 2)  # bits from the chosen width
FIELDS = (
    "position_bits", "quaternion_bits", "scale_fraction", "opacity_bits", "dc_fraction", "sh_bits", "mantissa_bits",
    "covariance_bits", "screen_fraction", "power_fraction", "alpha_bits", "transmittance_bits", "color_fraction",
    "accumulator_fraction", "depth_bits",
)  # fmt: skip
WIDTH_TIED = {"dc_fraction": "dc_bits", "scale_fraction": "scale_bits"}  # more fraction bits, the same range
DEFAULT_SIZE = 256  # pixels a side


def _variants() -> Iterator[tuple[str, int, Spec]]:
    """Every format with its own width changed; widths that the spec refuses are left out."""
    for field in FIELDS:
        for step in STEPS:
            changes = {field: getattr(DEFAULT, field) + step}
            if field in WIDTH_TIED:
                width = WIDTH_TIED[field]
                changes[width] = getattr(DEFAULT, width) + step
            if field == "power_fraction":
                changes["exp_entries"] = 1 << changes[field]
            try:
                yield field, changes[field], replace(DEFAULT, **changes)
            except InputError:
                continue


def run_sweep(views: Views, progress: Callable[[str], None]) -> Sweep:
    """Draws every view with the model, for every variant."""
    rows = [SweepRow(field=None, value=None, quality=views.quality(DEFAULT))]
    for field, value, spec in _variants():
        progress(f"{field} {value}")
        rows.append(SweepRow(field=field, value=value, quality=views.quality(spec)))
    return Sweep(
        engine="splat",
        measure=views.measure,
        inputs=views.names,
        chosen={field: getattr(DEFAULT, field) for field in FIELDS},
        rows=rows,
    )


def record(docs: Path, progress: Callable[[str], None], *, size: int = DEFAULT_SIZE) -> list[Path]:
    """Sweeps and writes JSON, table and curves; then the tables of variants of lanes, of the depth sort, of voxels.

    Raises:
        InputError: a size out of range.
    """
    if not 16 <= size <= 1024:
        raise InputError(f"--size must lie in 16..1024, it is {size}")
    views = Views(size)
    sweep = run_sweep(views, progress)
    paths = [docs / "sweeps" / "splat.json", docs / "sweeps" / "splat.md", docs / "images" / "splat-formats.png"]
    write_json(paths[0], sweep.as_dict())
    write_text(paths[1], markdown(sweep))
    plot(sweep, paths[2])
    return [
        *paths, *variant_sweep.record(docs, progress, views), *sort_sweep.record(docs, progress),
        *voxel_sweep.record(docs, progress),
    ]  # fmt: skip
