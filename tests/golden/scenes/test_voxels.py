"""The voxel grid holds every Gaussian once, in its own cube."""

from __future__ import annotations

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import load_scene
from golden.scenes.voxels import MAX_INDEX, choose_edge, voxelise


@pytest.mark.parametrize("edge", [0.05, 0.3, 10.0])
def test_every_gaussian_lies_in_its_voxel(seed: int, edge: float) -> None:
    scene = load_scene("embedded")
    kept = np.sort(np.random.default_rng(seed).permutation(len(scene))[:5000])
    grid = voxelise(scene, kept, edge)
    assert np.array_equal(np.sort(grid.order), kept)
    assert np.array_equal(grid.first, np.cumsum(grid.count) - grid.count)
    assert grid.count.sum() == len(kept)
    assert grid.count.min() > 0
    assert len(np.unique(grid.index, axis=0)) == len(grid)
    world = grid.origin + edge * grid.position
    assert np.abs(world - scene.means[grid.order]).max() < 1e-5
    index = np.repeat(grid.index, grid.count, axis=0)
    assert (grid.position >= index).all()
    assert (grid.position < index + 1).all()
    for first, count in zip(grid.first[:50], grid.count[:50], strict=True):
        assert (np.diff(grid.order[first : first + count]) > 0).all()  # the scene's order, in a voxel


@pytest.mark.parametrize("crowd", [4, 64])
def test_the_chosen_edge_has_the_crowd(crowd: int) -> None:
    scene = load_scene("embedded")
    everything = np.arange(len(scene))
    edge = choose_edge(scene, everything, crowd)
    assert np.log2(edge) * 4 == pytest.approx(round(np.log2(edge) * 4))

    def crowding(at: float) -> float:
        count = voxelise(scene, everything, at).count
        return float((count**2).sum() / count.sum())

    assert crowding(edge / 2**0.25) < crowd <= crowding(edge)


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        (0.0, "must be positive, it is 0"),
        (-1.0, "must be positive, it is -1"),
        (np.nan, "must be positive, it is nan"),
        (1e-5, f"within {MAX_INDEX} voxels of the middle, at edge 1e-05"),
    ],
)
def test_refused_edges(edge: float, message: str) -> None:
    scene = load_scene("embedded")
    with pytest.raises(InputError, match=message):
        voxelise(scene, np.arange(len(scene)), edge)
