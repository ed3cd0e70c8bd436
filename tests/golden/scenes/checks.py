"""What a loaded scene must satisfy, and how far it may lie from what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from golden.scenes import Scene, load_scene
from tests.golden.scenes.writers import Array, Cloud


def load_bytes(folder: Path, name: str, data: bytes) -> Scene:
    """Writes `data` under `name` and loads it."""
    path = folder / name
    path.write_bytes(data)
    return load_scene(path)


def assert_sound(scene: Scene) -> None:
    """Every promise of the `Scene` contract that does not depend on the file."""
    count = len(scene)
    assert count > 0
    assert scene.means.shape == scene.scales.shape == (count, 3)
    assert scene.quaternions.shape == (count, 4)
    assert scene.opacities.shape == (count,)
    assert scene.sh.shape in [(count, k, 3) for k in (1, 4, 9, 16)]
    for array in (scene.means, scene.scales, scene.quaternions, scene.opacities, scene.sh):
        assert array.dtype == (np.float64 if array is scene.means else np.float32)
        assert np.isfinite(array).all()
    assert (scene.scales > 0).all()
    assert np.abs(np.linalg.norm(scene.quaternions.astype(np.float64), axis=1) - 1).max() < 1e-6
    assert scene.opacities.min() >= 0
    assert scene.opacities.max() <= 1


def quaternion_gap(a: Array, b: Array) -> float:
    """Largest distance between unit quaternions, of which q and -q are the same rotation."""
    return float(np.minimum(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1)).max())


def assert_same(
    scene: Scene,
    cloud: Cloud,
    *,
    means: float | Array = 1e-5,
    log_scales: float | Array = 1e-5,
    quaternions: float = 1e-6,
    opacities: float = 1e-6,
    sh_0: float = 1e-5,
    sh_rest: float = 1e-6,
) -> None:
    """The scene holds the cloud's Gaussians, in order, each parameter within its step."""
    assert_sound(scene)
    assert len(scene) == len(cloud)
    assert scene.dropped == 0
    assert scene.sh.shape == cloud.sh.shape
    assert (np.abs(scene.means - cloud.means) <= means).all()
    assert (np.abs(np.log(scene.scales) - cloud.log_scales) <= log_scales).all()
    assert quaternion_gap(scene.quaternions, cloud.quaternions) <= quaternions
    assert np.abs(scene.opacities - cloud.opacities).max() <= opacities
    assert np.abs(scene.sh[:, 0] - cloud.sh[:, 0]).max() <= sh_0
    if scene.sh_degree:
        assert np.abs(scene.sh[:, 1:] - cloud.sh[:, 1:]).max() <= sh_rest
