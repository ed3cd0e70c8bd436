"""Writes GaussianSplats3D's `.ksplat`, from the definition of the format."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from tests.golden.scenes.writers import SH_C0, Array, Cloud

BLOCK, STEPS = 24.0, 32767  # a bucket's edge, which holds every cloud, and its steps to either side
BUCKET = 8  # Gaussians of a full one
SH_LOW, SH_HIGH = -2.0, 1.5
BANDS = ((1, 4), (4, 9), (9, 16))


def ksplat_bytes(clouds: Sequence[Cloud], level: int, *, minor: int = 1, room: int = 0) -> bytes:
    """A section for each cloud, with space for `room` more Gaussians than it has.

    Of the last Gaussians, that fill no bucket, the first has one of its own and the others share one.
    """
    sections = [_section(cloud, level, room) for cloud in clouds]
    count = sum(map(len, clouds))
    head = struct.pack(
        "<BB2x4IH2x3f2f", 0, minor, len(clouds), len(clouds), count, count, level, 0, 0, 0, SH_LOW, SH_HIGH
    )
    return head.ljust(4096, b"\0") + b"".join(h for h, _ in sections) + b"".join(data for _, data in sections)


def _section(cloud: Cloud, level: int, room: int) -> tuple[bytes, bytes]:
    degree = round(cloud.sh.shape[1] ** 0.5) - 1
    full, left = divmod(len(cloud), BUCKET)
    partial = ([1] if left else []) + ([left - 1] if left > 1 else [])
    buckets = full + len(partial)
    if level == 0:
        full, partial, buckets = 0, [], 0
    which = np.repeat(np.arange(buckets), [BUCKET] * full + partial)
    sums = np.stack([np.bincount(which, cloud.means[: len(which), k], buckets) for k in range(3)], axis=1)
    centres = (sums / np.maximum(1, np.bincount(which, minlength=buckets))[:, None]).astype("<f4")
    records = _records(cloud, level, centres[which] if level else None)
    data = np.array(partial, "<u4").tobytes() + centres.tobytes() + records
    data += bytes(len(records) // len(cloud) * room)
    head = struct.pack(
        "<4IfH2x4IH",
        len(cloud), len(cloud) + room, BUCKET if level else 0, buckets, BLOCK if level else 0, 12 if level else 0,
        STEPS if level else 0, len(data), full, len(partial), degree,
    )  # fmt: skip
    return head.ljust(1024, b"\0"), data


def _records(cloud: Cloud, level: int, centres: Array | None) -> bytes:
    real, rest = ("<f4" if level == 0 else "<f2"), 3 * (cloud.sh.shape[1] - 1)
    record = np.empty(
        len(cloud),
        [
            ("mean", "<f4" if level == 0 else "<u2", 3),
            ("scale", real, 3),
            ("rotation", real, 4),
            ("rgba", "u1", 4),
            ("sh", "u1" if level == 2 else real, rest),
        ],
    )
    record["mean"] = cloud.means if centres is None else np.rint((cloud.means - centres) / (BLOCK / 2 / STEPS)) + STEPS
    record["scale"], record["rotation"] = np.exp(cloud.log_scales), cloud.quaternions
    rgb = 0.5 + SH_C0 * cloud.sh[:, 0]
    record["rgba"] = np.rint(255 * np.concatenate([rgb, cloud.opacities[:, None]], axis=1))
    bands = [cloud.sh[:, a:b].transpose(0, 2, 1).reshape(len(cloud), -1) for a, b in BANDS if a < cloud.sh.shape[1]]
    sh = np.concatenate([np.empty((len(cloud), 0)), *bands], axis=1)
    record["sh"] = np.rint((sh - SH_LOW) / (SH_HIGH - SH_LOW) * 255) if level == 2 else sh
    return record.tobytes()
