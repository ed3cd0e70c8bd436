"""GaussianSplats3D's `.ksplat`: sections of Gaussians, positions in buckets; compression levels 0, 1 and 2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import SH_C0, Floats, Scene, make_scene
from golden.scenes.splat_file import logarithms

HEADER_BYTES, SECTION_BYTES = 4096, 1024
#: Name -> type and place, of the file's header and of a section's.
HEADER_FIELDS = {
    "major": ("u1", 0),
    "minor": ("u1", 1),
    "sections": ("<u4", 4),
    "count": ("<u4", 16),
    "level": ("<u2", 20),
    "sh_low": ("<f4", 36),
    "sh_high": ("<f4", 40),
}
SECTION_FIELDS = {
    "count": ("<u4", 0),
    "room": ("<u4", 4),
    "bucket_size": ("<u4", 8),
    "buckets": ("<u4", 12),
    "block": ("<f4", 16),
    "bucket_bytes": ("<u2", 20),
    "range": ("<u4", 24),
    "full": ("<u4", 32),
    "partial": ("<u4", 36),
    "degree": ("<u2", 40),
}
#: Of each level: the types of a coordinate, of scales and rotations, of SH coefficients.
LEVELS = (("<f4", "<f4", "<f4"), ("<u2", "<f2", "<f2"), ("<u2", "<f2", "u1"))
CENTRE_BYTES = 12  # of a bucket
DEFAULT_RANGE = 32767  # steps to either side of a bucket's centre, where the section names none
DEFAULT_SH_LIMIT = 1.5  # of level 2's bytes, where the header names none
REST = (0, 3, 8, 15)  # coefficients a channel, by SH degree
#: A band's coefficients lie channel by channel; of each band the first coefficient and how many there are.
BANDS = ((0, 3), (3, 5), (8, 7))


def _layout(fields: dict[str, tuple[str, int]], size: int) -> np.dtype:
    formats, offsets = zip(*fields.values(), strict=True)
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": size})


HEADER, SECTION = _layout(HEADER_FIELDS, HEADER_BYTES), _layout(SECTION_FIELDS, SECTION_BYTES)


def load_ksplat(path: Path) -> Scene:
    """Reads a `.ksplat` file of version 0.1; sections of a lower SH degree get zeros for the rest.

    Raises:
        InputError: another version, level or SH degree, counts that contradict each other, or fewer bytes than the
            headers promise.
    """
    file, raw = path.name, path.read_bytes()
    if len(raw) < HEADER_BYTES:
        raise InputError(f"{file}: a .ksplat header has {HEADER_BYTES} bytes, found {len(raw)}")
    header = np.frombuffer(raw, HEADER, 1)[0]
    if header["major"] != 0 or header["minor"] < 1:
        raise InputError(f"{file}: .ksplat version 0.1 is read, this file is {header['major']}.{header['minor']}")
    if header["level"] >= len(LEVELS):
        raise InputError(f"{file}: the compression level must be 0, 1 or 2, the header says {header['level']}")
    place = HEADER_BYTES + int(header["sections"]) * SECTION_BYTES
    if place > len(raw):
        raise InputError(
            f"{file}: {header['sections']} section headers end at byte {place}, the file has {len(raw)} bytes"
        )
    sections = np.frombuffer(raw, SECTION, header["sections"], HEADER_BYTES)
    if int(sections["count"].sum(dtype=np.int64)) != header["count"]:
        raise InputError(
            f"{file}: the sections must hold the {header['count']} Gaussians of the header, "
            f"they hold {sections['count'].sum(dtype=np.int64)}"
        )
    if len(sections) and sections["degree"].max() >= len(REST):
        raise InputError(f"{file}: the SH degree must be 0 to 3, a section says {sections['degree'].max()}")
    parts = []
    for number, section in enumerate(sections):
        part, place = _section(f"{file}, section {number}", raw, place, section, int(header["level"]))
        parts.append(part)
    return _scene(file, parts, header)


def _section(where: str, raw: bytes, place: int, section: np.void, level: int) -> tuple[tuple[np.ndarray, Floats], int]:
    """The records of a section and their centres, and where the next section begins."""
    count, room, buckets, partial = (int(section[name]) for name in ("count", "room", "buckets", "partial"))
    coordinate, real, coefficient = LEVELS[level]
    record = np.dtype(
        [
            ("mean", coordinate, 3),
            ("scale", real, 3),
            ("rotation", real, 4),
            ("rgba", "u1", 4),
            ("sh", coefficient, 3 * REST[section["degree"]]),
        ]
    )
    bytes_a_bucket = int(section["bucket_bytes"])
    if buckets and bytes_a_bucket != CENTRE_BYTES:
        raise InputError(f"{where}: a bucket has {CENTRE_BYTES} bytes, the header says {bytes_a_bucket}")
    if count > room:
        raise InputError(f"{where}: there is room for {room} Gaussians, the header says {count}")
    centres_at = place + 4 * partial
    records_at = centres_at + CENTRE_BYTES * buckets
    end = records_at + record.itemsize * room
    if end > len(raw):
        raise InputError(
            f"{where}: {room} Gaussians in {buckets} buckets end at byte {end}, the file has {len(raw)} bytes"
        )
    records = np.frombuffer(raw, record, count, records_at)
    if level == 0:
        return (records, records["mean"].astype(np.float32)), end
    lengths = np.frombuffer(raw, "<u4", partial, place).astype(np.int64)
    bucket = _buckets(count, int(section["full"]), int(section["bucket_size"]), lengths)
    if count and bucket.max() >= buckets:
        raise InputError(f"{where}: {count} Gaussians need {bucket.max() + 1} buckets, the section has {buckets}")
    centres = np.frombuffer(raw, "<f4", 3 * buckets, centres_at).reshape(buckets, 3).astype(np.float64)
    steps = int(section["range"]) or DEFAULT_RANGE
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is dropped later
        offset = (records["mean"].astype(np.float64) - steps) * (float(section["block"]) / 2 / steps)
        return (records, (offset + centres[bucket]).astype(np.float32)), end


def _buckets(count: int, full: int, size: int, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The bucket of each Gaussian: `full` buckets of `size`, then one of each of `lengths`."""
    index = np.arange(count)
    behind = index - min(full * size, count)
    return np.where(behind < 0, index // max(1, size), full + np.searchsorted(np.cumsum(lengths), behind, side="right"))


def _scene(file: str, parts: list[tuple[np.ndarray, Floats]], header: np.void) -> Scene:
    def joined(name: str) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # a signalling NaN
            return np.concatenate([records[name].astype(np.float64) for records, _ in parts])

    if not header["count"]:
        raise InputError(f"{file}: a scene needs at least one Gaussian, the file holds 0")
    rgba = joined("rgba") / 255
    rest = max(records["sh"].shape[1] // 3 for records, _ in parts)
    sh = np.zeros((len(rgba), 1 + rest, 3), np.float32)
    sh[:, 0] = (rgba[:, :3] - 0.5) / SH_C0
    first = 0
    for records, means in parts:
        _fill_bands(sh[first : first + len(means), 1:], _coefficients(records["sh"], header))
        first += len(means)
    return make_scene(
        file,
        means=np.concatenate([means for _, means in parts]),
        log_scales=logarithms(file, joined("scale")),
        quaternions=joined("rotation").astype(np.float32),
        opacities=rgba[:, 3].astype(np.float32),
        sh=sh,
    )


def _coefficients(stored: np.ndarray, header: np.void) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is dropped later
        if stored.dtype != np.uint8:
            return stored.astype(np.float32)
        low = float(header["sh_low"]) or -DEFAULT_SH_LIMIT
        high = float(header["sh_high"]) or DEFAULT_SH_LIMIT
        return (low + stored / 255 * (high - low)).astype(np.float32)


def _fill_bands(sh: Floats, stored: Floats) -> None:
    for first, size in BANDS:
        if 3 * first < stored.shape[1]:
            band = stored[:, 3 * first : 3 * (first + size)].reshape(len(stored), 3, size)
            sh[:, first : first + size] = band.transpose(0, 2, 1)
