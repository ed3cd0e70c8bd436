from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from golden.errors import InputError
from sim.kernel import video as module
from sim.kernel.video import FFMPEG, video

HEIGHT, WIDTH = 15, 22


def picture(number: int) -> np.ndarray:
    """A bright bar that moves two columns a frame."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, 2 * number : 2 * number + 4] = (250, 200 - 40 * number, 40 * number)
    return pixels


def test_a_gif_holds_every_frame_at_its_rate(tmp_path: Path) -> None:
    """Size, number, duration and contents."""
    path = tmp_path / "deep" / "v.gif"
    with video(path, 20) as add:
        for number in range(4):
            add(picture(number))
    assert list(path.parent.iterdir()) == [path]
    with Image.open(path) as image:
        assert (image.size, image.n_frames, image.info["duration"]) == ((WIDTH, HEIGHT), 4, 50)
        for number in range(4):
            image.seek(number)
            shown = np.asarray(image.convert("RGB")).astype(int)
            assert np.abs(shown - picture(number)).max() <= 2


def test_an_mp4_holds_every_frame(tmp_path: Path) -> None:
    """Odd sides become even; what FFmpeg reads back is near what was written."""
    ffmpeg = pytest.importorskip(FFMPEG, reason="pip install 'tessera[video]'")
    path = tmp_path / "v.mp4"
    with video(path, 24) as add:
        for number in range(4):
            add(picture(number))
    command = [ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert f"{WIDTH}x{HEIGHT + 1}" in done.stderr.decode()
    frames = np.frombuffer(done.stdout, np.uint8).reshape(4, HEIGHT + 1, WIDTH, 3)
    for number, frame in enumerate(frames):  # chroma is coarser than luma
        assert np.abs(frame[:HEIGHT].mean(-1) - picture(number).mean(-1)).mean() < 12


@pytest.mark.parametrize("name", ["v.gif", "v.mp4"])
def test_a_failed_sequence_leaves_no_file(tmp_path: Path, name: str) -> None:
    """Neither the video nor its temporary name."""
    if name.endswith("mp4"):
        pytest.importorskip(FFMPEG, reason="pip install 'tessera[video]'")

    def draw() -> None:
        with video(tmp_path / name, 24) as add:
            add(picture(0))
            raise RuntimeError("frame 1")

    with pytest.raises(RuntimeError, match="frame 1"):
        draw()
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs it."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"MP4 needs a package: pip install 'tessera\[video\]' \(GIF needs none\)"):
        module.require_video(tmp_path / "v.mp4", 24)
    module.require_video(tmp_path / "v.gif", 24)
