"""The voxel grid holds every Gaussian once, in its own cube."""

from __future__ import annotations

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import load_scene
from golden.scenes.voxels import MAX_INDEX, choose_edge, voxelise
from tests.golden.splat.scenes import scene_of


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


def test_strays_do_not_set_the_edge(seed: int) -> None:
    """Of few Gaussians or many, however far outside a few more lie."""
    rng = np.random.default_rng(seed)
    for count in (100, 2000):
        means = rng.normal(size=(count, 3))
        scenes = [scene_of(np.concatenate([means, rng.uniform(-far, far, (3, 3))])) for far in (1.0, 1e3, 1e9)]
        edges = [choose_edge(scene, np.arange(count + 3), 64) for scene in scenes]
        assert max(edges) / min(edges) <= 2**0.5
        assert max(edges) < 2


def test_cells_far_apart_keep_their_order(seed: int) -> None:
    """Voxels come in the order of x, y, z and the size class, also where the numbers of all would not fit 64 bits."""
    rng = np.random.default_rng(seed)
    place = rng.choice([-1e4, -3.0, 0.5, 1.5, 2e4], (500, 3)) + rng.uniform(0, 0.4, (500, 3))
    classes = rng.integers(0, 3, 500) << 40
    grid = voxelise(scene_of(place), np.arange(500), 1.0, classes, origin=np.zeros(3))
    keys = np.concatenate([grid.index, classes[grid.order[grid.first]][:, None]], axis=1)
    cells = np.concatenate([np.floor(place).astype(np.int64), classes[:, None]], axis=1)
    assert np.array_equal(keys, np.unique(cells, axis=0))
    assert np.array_equal(cells[grid.order], np.repeat(keys, grid.count, axis=0))


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
