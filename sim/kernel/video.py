"""Sequences of pictures as a video: GIF by Pillow, MP4 (H.264) by FFmpeg."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from golden.errors import InputError
from sim.kernel.files import whole_file

Bytes = npt.NDArray[np.uint8]
KINDS = (".mp4", ".gif")
FFMPEG = "imageio_ffmpeg"  # brings its own FFmpeg
FASTEST = {".mp4": 240, ".gif": 50}  # frames a second: GIF counts hundredths, and players slow down below two of them
QUALITY = ("-crf", "14", "-preset", "medium")  # of H.264; 0 is lossless, 18 can hardly be told from it


def require_video(path: Path, fps: int) -> None:
    """Says before long work what `video` would say after it.

    Raises:
        InputError: another kind of file, a rate that it does not have, or MP4 without its package.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise InputError(f"{path}: a video's name ends in {' or '.join(KINDS)}")
    if not 1 <= fps <= FASTEST[kind]:
        raise InputError(f"--fps must lie in 1..{FASTEST[kind]} for a {kind} file, it is {fps}")
    if kind == ".mp4" and find_spec(FFMPEG) is None:
        raise InputError(f"{path}: MP4 needs a package: pip install 'tessera[video]' (GIF needs none)")


@contextmanager
def video(path: Path, fps: int) -> Iterator[Callable[[Bytes], None]]:
    """Gives a function that adds a picture, uint8 [H, W, 3]; the file appears when the block ends well.

    Every picture has the first one's size. MP4 has even sides: an odd one gets its last row or column twice.
    """
    require_video(path, fps)
    with whole_file(path) as temporary, (_gif if path.suffix.lower() == ".gif" else _mp4)(temporary, fps) as add:
        yield add


@contextmanager
def _gif(path: Path, fps: int) -> Iterator[Callable[[Bytes], None]]:
    pictures: list[Image.Image] = []
    yield lambda pixels: pictures.append(Image.fromarray(np.ascontiguousarray(pixels)).quantize(256))
    first, *others = pictures
    first.save(path, format="GIF", save_all=True, append_images=others, duration=round(1000 / fps), loop=0)


@contextmanager
def _mp4(path: Path, fps: int) -> Iterator[Callable[[Bytes], None]]:
    ffmpeg: Any = import_module(FFMPEG)
    writers: list[Any] = []

    def add(pixels: Bytes) -> None:
        height, width = pixels.shape[:2]
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if not writers:
            size = (even.shape[1], even.shape[0])
            writers.append(
                ffmpeg.write_frames(
                    str(path), size, fps=fps, quality=None, macro_block_size=1, output_params=list(QUALITY)
                )
            )
            writers[0].send(None)
        writers[0].send(np.ascontiguousarray(even))

    try:
        yield add
    finally:
        for writer in writers:
            writer.close()
