"""How deep the depth sort must be: what each number of heap levels makes of scenes that crowd it.

No frame is drawn: what is counted is the host's own cutting of groups into depth slabs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from golden.scenes import Camera, Scene, load_scene, orbit
from golden.splat.frame import build_frame
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.slabs import count_arrivals, in_slabs
from golden.splat.spec import DEFAULT
from sim.kernel.data import present
from sim.kernel.files import write_json, write_text
from sim.splat.dense import instrument, slab_from_above

LEVELS = (8, 9, 10, 11, 12)
MILLION = 1_000_000
ENDLESS = replace(DEFAULT, sort_levels=13, sort_banks=8)  # 65,528 survivors


@dataclass(frozen=True, kw_only=True)
class SortRow:
    """One frame: the most candidates of a group that wait at once, and what buffers of each size make of it."""

    frame: str
    gaussians: int
    squares: int  #: of pixels
    deepest: int
    crowded: list[int]  #: squares that are cut into slabs, by number of levels
    entries: list[int]  #: entries of the group table
    streamed: list[float]  #: Gaussians through the coarse filter, over those with a buffer without end


def frames() -> Iterator[tuple[str, Scene, Camera]]:
    """Dense scenes by name, and real ones where they are at hand."""
    yield "slab from above 64×64", *slab_from_above()
    for size in (64, 256, 800):
        yield f"instrument {size}×{size}", *instrument(size=size)
    for name, sizes in (("skull", (64, 256, 800)), ("statue_angel", (256, 800))):
        for path in present(f"scenes/{name}.ply"):
            scene = load_scene(path)
            for size in sizes:
                yield f"{name} {size}×{size}", scene, orbit(scene, 1, 3, width=size, height=size)
    yield "a million 800×800", *instrument(MILLION, size=800)


def sweep_row(frame: str, image: SceneImage, camera: Camera) -> SortRow:
    """What every number of levels makes of one frame."""
    endless = build_frame(image, camera, ENDLESS)
    crowded: list[int] = []
    entries: list[int] = []
    streamed: list[float] = []
    squares = sum(not group.continued for group in endless.groups)
    held = (a.most_held(0, 1 << DEFAULT.depth_bits) for a in count_arrivals(endless.groups, image, endless, DEFAULT))
    whole = max(sum(int(image.grid.count[group.voxels].sum()) for group in endless.groups), 1)
    for levels in LEVELS:
        groups = in_slabs(image, endless, replace(DEFAULT, sort_levels=levels)).groups
        follows = [False, *(group.continued for group in groups)]
        crowded.append(sum(now and not before for before, now in pairwise(follows)))
        entries.append(len(groups))
        streamed.append(round(sum(int(image.grid.count[group.voxels].sum()) for group in groups) / whole, 3))
    return SortRow(
        frame=frame, gaussians=len(image), squares=squares, deepest=max(held),
        crowded=crowded, entries=entries, streamed=streamed,
    )  # fmt: skip


def record(docs: Path, progress: Callable[[str], None]) -> list[Path]:
    """Counts on every frame, and writes JSON and table."""
    rows: list[SortRow] = []
    for frame, scene, camera in frames():
        progress(frame)
        rows.append(sweep_row(frame, build_scene_image(scene, DEFAULT), camera))
    paths = [docs / "sweeps" / "splat-sort.json", docs / "sweeps" / "splat-sort.md"]
    write_json(
        paths[0], {"schema": 1, "levels": LEVELS, "banks": DEFAULT.sort_banks, "rows": [asdict(r) for r in rows]}
    )
    write_text(paths[1], markdown(rows))
    return paths


def markdown(rows: list[SortRow]) -> str:
    """A row a frame, a column a number of levels; the chosen one in bold."""
    names = [f"**{n}**" if n == DEFAULT.sort_levels else str(n) for n in LEVELS]
    held = [f"{DEFAULT.sort_banks * ((1 << n) - 1):,}" for n in LEVELS]
    titles = [f"{name} ({many})" for name, many in zip(names, held, strict=True)]
    lines = [
        "Squares cut into slabs, of all · passes over all squares · Gaussians streamed, over those of a buffer without",
        f"end; by `sort_levels` (survivors that {DEFAULT.sort_banks} banks hold). Deepest: the most candidates of a",
        "square that would wait at once.", "",
        f"| frame | Gaussians | deepest | {' | '.join(titles)} |", f"|---|--:|--:|{'--:|' * len(titles)}",
    ]  # fmt: skip
    for row in rows:
        cells = [
            f"{cut} of {row.squares} · {passes} · {ratio:.2f}"
            for cut, passes, ratio in zip(row.crowded, row.entries, row.streamed, strict=True)
        ]
        lines.append(f"| {row.frame} | {row.gaussians:,} | {row.deepest:,} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
