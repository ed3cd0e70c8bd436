"""How large voxels and groups of pixels shall be: what a frame streams and reads with other sizes.

No frame is drawn: the lanes have the same to do whatever the sizes, and the filters tell the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from golden.scenes import Camera, Scene, load_scene, orbit
from golden.splat.frame import build_frame
from golden.splat.memory_map import GROUP_BYTES, PIXEL_BYTES, VOXEL_BYTES
from golden.splat.scene_image import DEFAULT_CROWD, build_scene_image, scene_edge
from golden.splat.slabs import in_slabs
from golden.splat.spec import DEFAULT
from golden.splat.traffic import voxel_words
from hw.splat.config import default
from sim.kernel.files import write_json, write_text
from sim.kernel.sweep import Sweep, SweepRow, plot
from sim.splat.views import VIEWS
from sim.splat.workload import known_scenes

CROWDS = (16, 32, 64, 128, 256)  # Gaussians in an average Gaussian's voxel
GROUPS = (32, 64, 128)  # pixels a side
SIZE = 256  # pixels a side of the frame
CHOSEN = {"voxel_gaussians": int(DEFAULT_CROWD), "group_size": DEFAULT.group_size}


@dataclass(frozen=True, kw_only=True)
class VoxelRow:
    """A frame with one size changed."""

    scene: str
    field: str  #: of `CHOSEN`
    value: int
    edge: float  #: of a voxel, in scene units
    passes: int  #: entries of the group table: groups, and the host's slabs of those that would crowd the depth sort
    entries: int  #: of the visiting lists
    streamed: int  #: Gaussians through the coarse filter
    candidates: int  #: Gaussians that pass it
    words: int  #: that the frame moves


def sweep_row(scene: Scene, camera: Camera, field: str, value: int) -> VoxelRow:
    """Counts one frame, everything but `field` as chosen. Groups that become opaque are not cut short."""
    sizes = CHOSEN | {field: value}
    # A group has at most 16 sub-tiles a side; the filters do not know how large they are.
    spec = replace(DEFAULT, group_size=sizes["group_size"], subtile=max(DEFAULT.subtile, sizes["group_size"] // 16))
    word = default().word_bytes
    edge = scene_edge(scene, spec, sizes["voxel_gaussians"])
    image = build_scene_image(scene, spec, edge=edge)
    frame = in_slabs(image, build_frame(image, camera, spec), spec)
    voxels = voxel_words(image, frame, spec, word_bytes=word)
    entries = sum(len(group.voxels) for group in frame.groups)
    rest = len(frame.groups) * GROUP_BYTES + entries * VOXEL_BYTES + camera.width * camera.height * PIXEL_BYTES
    return VoxelRow(
        scene=scene.name, field=field, value=value, edge=round(edge, 6), passes=len(frame.groups), entries=entries,
        streamed=sum(int(image.grid.count[group.voxels].sum()) for group in frame.groups),
        candidates=voxels.candidates, words=voxels.coarse + voxels.record + -(-rest // word),
    )  # fmt: skip


def record(docs: Path, progress: Callable[[str], None]) -> list[Path]:
    """Counts view 1 of 3 of every known scene, and writes JSON, table and curves."""
    rows: list[VoxelRow] = []
    for source in known_scenes():
        scene = load_scene(source)
        camera = orbit(scene, 1, VIEWS, width=SIZE, height=SIZE)
        for field, values in (("voxel_gaussians", CROWDS), ("group_size", GROUPS)):
            for value in values:
                progress(f"{scene.name}, {field} {value}")
                rows.append(sweep_row(scene, camera, field, value))
    names = ["sweeps/splat-voxels.json", "sweeps/splat-voxels.md", "images/splat-voxels.png"]
    paths = [docs / name for name in names]
    write_json(paths[0], {"schema": 1, "size": SIZE, "chosen": CHOSEN, "rows": [asdict(row) for row in rows]})
    write_text(paths[1], markdown(rows))
    plot(curves(rows), paths[2], "words, × chosen")
    return paths


def curves(rows: list[VoxelRow]) -> Sweep:
    """Words of every frame over those with the sizes that were chosen."""
    scenes = list(dict.fromkeys(row.scene for row in rows))
    words = {(row.scene, row.field, row.value): row.words for row in rows}

    def over(field: str, value: int) -> list[float]:
        return [round(words[scene, field, value] / words[scene, field, CHOSEN[field]], 3) for scene in scenes]

    points = dict.fromkeys((row.field, row.value) for row in rows if row.value != CHOSEN[row.field])
    return Sweep(
        engine="splat", measure="words of a frame over the chosen size's", inputs=scenes, chosen=CHOSEN,
        rows=[
            SweepRow(field=None, value=None, quality=[1.0] * len(scenes)),
            *(SweepRow(field=field, value=value, quality=over(field, value)) for field, value in points),
        ],
    )  # fmt: skip


def markdown(rows: list[VoxelRow]) -> str:
    """A row a scene and size; the chosen ones in bold."""
    lines = [
        f"View 1 of {VIEWS}, {SIZE}×{SIZE}, by the model; a word has {default().word_bytes} bytes.",
        "Bold: the chosen size.",
        "",
        "| scene | size | voxel edge | groups and slabs | list entries | streamed | candidates | words |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        size = f"`{row.field}` {row.value}"
        cells = (row.passes, row.entries, row.streamed, row.candidates, row.words)
        lines.append(
            f"| {row.scene} | {f'**{size}**' if row.value == CHOSEN[row.field] else size} | {row.edge:.4g} | "
            f"{' | '.join(f'{cell:,}' for cell in cells)} |"
        )
    return "\n".join([*lines, ""])
