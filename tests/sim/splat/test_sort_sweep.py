"""The sweep of the depth sort's room: what more levels save, on a scene that crowds it."""

from __future__ import annotations

import pytest

from golden.splat.scene_image import build_scene_image
from golden.splat.spec import DEFAULT
from sim.splat.dense import instrument, slab_from_above
from sim.splat.sort_sweep import LEVELS, markdown, sweep_row


def test_more_levels_cut_less() -> None:
    """A slab of 6,000 Gaussians in one square: passes and streamed Gaussians fall, until none is cut."""
    scene, camera = slab_from_above(6_000)
    row = sweep_row("a slab", build_scene_image(scene, DEFAULT), camera)
    assert (row.squares, row.crowded) == (1, [int(row.deepest > 4 * (2**n - 1)) for n in LEVELS])
    assert row.entries == sorted(row.entries, reverse=True)
    assert row.streamed == sorted(row.streamed, reverse=True)
    assert row.entries[0] > 3
    assert (row.entries[-1], row.streamed[-1]) == (1, 1.0)
    assert f"| a slab | {row.gaussians:,} | {row.deepest:,} | 1 of 1 · {row.entries[0]} · " in markdown([row])


@pytest.mark.parametrize("size", [64, 128])
def test_the_instrument_fills_its_frame(size: int) -> None:
    """As many Gaussians as are asked for, around the middle of a frame of the size that is asked for."""
    scene, camera = instrument(2_000, size=size)
    point = scene.means @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    seen = abs(point[:, :2] / point[:, 2:] * camera.fx) < size / 2
    assert (len(scene), camera.width, camera.height) == (2_000, size, size)
    assert seen.all(axis=1).mean() > 0.8
