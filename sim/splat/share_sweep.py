"""What sorting once for a window of frames costs: the splatting model with shared lists and order, along orbits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from golden.scenes import Camera, load_scene, orbit_path
from golden.scenes.motion import predict
from golden.splat.frame import build_frame
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.spec import DEFAULT
from sim.kernel.quality import psnr

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.splat.shared_order import SharedOrder

#: Windows of frames and margins of pixels, Lumina's six among them.
SETTINGS = ((2, 0), (2, 8), (6, 0), (6, 4), (6, 8), (6, 16))
FAST = ((6, 8),)  # at the steps that are tried only to see where sharing must end
FIRST = 2 * math.pi / 3  # the angle of view 1/3
PHOTO_DB = 33.5  # Lumina's synthetic scenes against their photographs


@dataclass(frozen=True, kw_only=True)
class ShareRow:
    """One window and margin on one path: means over its frames, in dB against the frames that sort themselves."""

    scene: str
    step: float  #: degrees a frame
    window: int  #: frames
    margin: int  #: pixels
    shared_db: float
    worst_db: float  #: of the frame that is furthest off
    loss_db: float  #: of PSNR against the float reference
    photo_loss_db: float  #: of a PSNR of PHOTO_DB against photographs, the errors being independent
    entries: float  #: of the lists, over the coarse filter's survivors of a frame that sorts itself


def measure(
    source: str, step: float, settings: Sequence[tuple[int, int]], progress: Callable[[str], None], *,
    frames: int = 6, size: int = 256,
) -> list[ShareRow]:  # fmt: skip
    """Every setting over `frames` frames of a path, after two from which the first pose is predicted."""
    from golden.splat.model import render
    from golden.splat.reference import render as render_reference
    from golden.splat.shared_order import render_shared

    scene = load_scene(source)
    image = build_scene_image(scene, DEFAULT)
    angles = [FIRST + math.radians(step) * k for k in range(frames + 2)]
    cameras = orbit_path(scene, angles, width=size, height=size)
    orders: dict[tuple[int, int], SharedOrder] = {}
    figures: dict[tuple[int, int], list[tuple[float, float, float]]] = {setting: [] for setting in settings}
    for number in range(2, len(cameras)):
        frame = build_frame(image, cameras[number], DEFAULT)
        own = render(image, frame, DEFAULT)
        reference = render_reference(scene, cameras[number]).numpy()
        base = psnr(_values(own.image), reference)
        for setting in settings:
            if (number - 2) % setting[0] == 0:
                orders[setting] = _sort(image, cameras, number, *setting)
            shared = render_shared(image, frame, orders[setting], DEFAULT)
            db = psnr(_values(shared.image), _values(own.image))
            loss = base - psnr(_values(shared.image), reference)
            figures[setting].append((db, loss, shared.work.streamed / own.work.candidates))
        progress(f"{scene.name}, {step:g}°, frame {number}")
    return [_row(Path(source).stem, step, *setting, rows) for setting, rows in figures.items()]


def _sort(image: SceneImage, cameras: Sequence[Camera], number: int, window: int, margin: int) -> SharedOrder:
    """At the pose that the two frames before promise for the middle of the window that begins at `number`."""
    from golden.splat.shared_order import sort_squares

    middle = predict(cameras[number - 2], cameras[number - 1], (window + 1) / 2)
    return sort_squares(image, build_frame(image, middle, DEFAULT), DEFAULT, margin)


def _values(image: Tensor) -> npt.NDArray[np.float64]:
    """Colours of 0 to 1, [H, W, 3]."""
    return image.numpy()[..., :3] / 255.0


def _row(scene: str, step: float, window: int, margin: int, figures: Sequence[tuple[float, float, float]]) -> ShareRow:
    decibels, losses, entries = zip(*figures, strict=True)
    count = len(figures)
    photo = sum(10 * math.log10(1 + 10 ** ((PHOTO_DB - db) / 10)) for db in decibels) / count
    return ShareRow(
        scene=scene, step=step, window=window, margin=margin, shared_db=round(sum(decibels) / count, 2),
        worst_db=round(min(decibels), 2), loss_db=round(sum(losses) / count, 3), photo_loss_db=round(photo, 3),
        entries=round(sum(entries) / count, 3),
    )  # fmt: skip


def markdown(rows: Sequence[ShareRow]) -> str:
    """A table for every step of the path: windows and margins down, scenes across."""
    lines: list[str] = []
    for step in dict.fromkeys(row.step for row in rows):
        here = {(row.scene, row.window, row.margin): row for row in rows if row.step == step}
        scenes = list(dict.fromkeys(scene for scene, *_ in here))
        lines += [f"### {step:g}° a frame", "", f"| window, margin | {' | '.join(scenes)} |"]
        lines.append("|---" * (len(scenes) + 1) + "|")
        for window, margin in dict.fromkeys((w, m) for _, w, m in here):
            cells = (_cell(here[scene, window, margin]) for scene in scenes)
            lines.append(f"| {window} frames, {margin} px | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(row: ShareRow) -> str:
    return f"{row.shared_db:.1f} dB (worst {row.worst_db:.1f}) · −{row.photo_loss_db:.2f} · {row.entries:.2f} ×"
