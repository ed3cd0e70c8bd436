from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from golden.errors import InputError
from sim.kernel.files import require_writable, to_bytes, whole_file, write_array, write_json, write_png, write_text


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """What stood before stays until the block ends well; a failure leaves it, and nothing else."""
    path = tmp_path / "new" / "file.txt"
    write_text(path, "old")

    def fail() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old"
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]
    write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("ask", [require_writable, lambda path: write_text(path, "x")])
def test_a_place_that_cannot_be_written_is_refused(ask: object, tmp_path: Path) -> None:
    """One line with the path, before anything is written."""
    (tmp_path / "taken").write_text("")
    assert callable(ask)
    with pytest.raises(InputError, match="cannot be written"):
        ask(tmp_path / "taken" / "file.txt")


def test_asking_leaves_no_trace(tmp_path: Path) -> None:
    """A place that can be written is not written, and what stands there stays."""
    write_text(tmp_path / "a", "old")
    for name in ("a", "b"):
        require_writable(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"
    with pytest.raises(InputError, match="it is a folder"):
        require_writable(tmp_path)


def test_values_become_bytes_by_rounding() -> None:
    """0 to 1 is 0 to 255 to the nearest, beyond it is cut."""
    assert to_bytes(np.array([-1, 0, 0.4999 / 255, 0.5001 / 255, 0.5, 1, 9])).tolist() == [0, 0, 0, 1, 128, 255, 255]


def test_pictures_arrays_and_json_come_back(tmp_path: Path, seed: int) -> None:
    """What was written is what is read; JSON has no NaN."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    write_png(tmp_path / "a.png", pixels)
    assert (np.array(Image.open(tmp_path / "a.png")) == pixels).all()
    write_array(tmp_path / "a.npy", pixels[..., :3] / 255)
    array = np.load(tmp_path / "a.npy")
    assert array.dtype == np.float32
    assert array.shape == (5, 7, 3)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not (tmp_path / "a.json").exists()
