"""What the frames of a sequence take from those before: the tables of a radiance cache and of shared sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from sim.chips.reuse_measures import (
    FRAMES,
    LENGTHS,
    PHOTO_DB,
    SIZE,
    STEPS,
    KeyRow,
    LightRow,
    Row,
    measure,
    measure_keys,
    measure_light,
)
from sim.kernel.files import write_json, write_text
from sim.splat import share_sweep
from sim.splat.share_sweep import ShareRow
from sim.splat.workload import known_scenes

LEFT_OUT = "lastchance"  # the other scenes are those of the cache's page
FAST_STEPS = (2.0, 4.0)  # degrees a frame, only of shared sorting


def record(docs: Path, progress: Callable[[str], None], *, size: int = SIZE, frames: int = FRAMES) -> list[Path]:
    """Measures on every known scene and writes JSON and tables; more than an hour on an idle core."""
    sources = [source for source in known_scenes() if Path(source).stem != LEFT_OUT]
    rows = [row for step in STEPS for s in sources for row in measure(s, step, progress, frames=frames, size=size)]
    keys = [row for s in sources for row in measure_keys(s, progress, frames=min(8, frames), size=size)]
    light = [row for s in sources for row in measure_light(s, size=size)]
    shared: list[ShareRow] = []
    for step in (*STEPS, *FAST_STEPS):
        settings = share_sweep.SETTINGS if step in STEPS else share_sweep.FAST
        for source in sources:
            shared += share_sweep.measure(source, step, settings, progress, frames=min(6, frames), size=size)
    return write(docs, rows, keys, light, shared)


def write(
    docs: Path, rows: Sequence[Row], keys: Sequence[KeyRow], light: Sequence[LightRow], shared: Sequence[ShareRow]
) -> list[Path]:
    """The files of what was measured."""
    paths = [docs / "sweeps" / "radiance.json", docs / "sweeps" / "radiance.md"]
    parts = {"cache": rows, "keys": keys, "light": light, "sorting": shared}
    write_json(paths[0], {"schema": 1, **{name: [asdict(row) for row in part] for name, part in parts.items()}})
    text = [
        "# A radiance cache along orbits", "",
        "A cell: hits of the pixels that ask · lane results saved of those that change a pixel · PSNR in dB against "
        "the frames without the cache · what that takes, in dB, from a picture that is "
        f"{PHOTO_DB} dB from its photograph (modelled: independent errors). Means over the frames after the first. "
        "All by the bit-true model.", "",
        cache_tables(rows),
        "## Loss against the float reference, in dB", "",
        loss_table(rows),
        "## Keys and caches, five ids, colours, 1° a frame", "",
        "A cell: hits · share of the sets, and of the entries, that are in use · PSNR in dB. No hit was false.", "",
        key_table(keys),
        "## What is behind the first Gaussians", "",
        "A cell: light that is left behind a full record, in the mean · pixels of a region that share a record.", "",
        light_table(light),
        "# Shared sorting along orbits", "",
        "A cell: PSNR in dB against frames that sort themselves, in the mean and of the worst frame · what that takes "
        f"from a picture that is {PHOTO_DB} dB from its photograph (modelled) · entries of the lists over the coarse "
        "filter's survivors of a frame that sorts itself.", "",
        share_sweep.markdown(shared),
    ]  # fmt: skip
    write_text(paths[1], "\n".join(text).rstrip() + "\n")
    return paths


def table(head: str, rows: dict[str, list[str]], scenes: Sequence[str]) -> str:
    """Names down, scenes across; an empty line at the end."""
    lines = [f"| {head} | {' | '.join(scenes)} |", "|---" * (len(scenes) + 1) + "|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()), ""])


def cache_tables(rows: Sequence[Row]) -> str:
    """One for every step of the path."""
    return "\n".join(f"## {step:g}° a frame\n\n{_by_setting(rows, step, _cell)}" for step in STEPS)


def loss_table(rows: Sequence[Row]) -> str:
    """At both steps."""

    def cell(row: Row) -> str:
        other = next(r for r in rows if (r.scene, r.setting, r.step) == (row.scene, row.setting, STEPS[1]))
        return f"{row.loss_db:.1f} · {other.loss_db:.1f}"

    return f"A cell: at {STEPS[0]:g}° a frame · at {STEPS[1]:g}°.\n\n{_by_setting(rows, STEPS[0], cell)}"


def _by_setting(rows: Sequence[Row], step: float, cell: Callable[[Row], str]) -> str:
    here = [row for row in rows if row.step == step]
    cells: dict[str, list[str]] = {}
    for row in here:
        cells.setdefault(row.setting, []).append(cell(row))
    return table("cached", cells, list(dict.fromkeys(row.scene for row in here)))


def _cell(row: Row) -> str:
    return f"{row.hit_rate:.0%} · {row.blends_saved:.0%} · {row.cached_db:.1f} · −{row.photo_loss_db:.2f}"


def key_table(keys: Sequence[KeyRow]) -> str:
    """Keys down, scenes across."""
    cells: dict[str, list[str]] = {}
    for row in keys:
        used = f"{row.sets_used:.0%}, {row.entries_used:.0%}" if row.sets_used else "–"
        cells.setdefault(row.key, []).append(f"{row.hit_rate:.1%} · {used} · {row.cached_db:.1f}")
    return table("key", cells, list(dict.fromkeys(row.scene for row in keys)))


def light_table(light: Sequence[LightRow]) -> str:
    """Lengths down, scenes across."""
    cells = {f"{n} ids": [f"{row.light:.0%} · {row.alike:.2f}" for row in light if row.length == n] for n in LENGTHS}
    return table("record", cells, list(dict.fromkeys(row.scene for row in light)))
