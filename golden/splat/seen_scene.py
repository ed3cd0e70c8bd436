"""A scene as the engine's formats can hold it for one view.

Most scenes are taken as they are: voxels of one size around the scene's middle serve every view.
Where they do not, because something lies too far out or the camera comes too close, the host
stores the scene anew for the view.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.scenes.camera import Camera
from golden.scenes.scene import Scene
from golden.splat.camera_limits import MAX_REACH
from golden.splat.scene_image import scene_edge, support_sigmas, widest
from golden.splat.spec import MIN_ALPHA, Spec

#: Voxel edges from the scene's middle within which every Gaussian and the camera have numbers that fit.
AROUND = 1 << 13
REACH = MAX_REACH - 2  # a voxel's corner may be sqrt(3) edges further away than what lies in the voxel
#: What a camera sees has |x/z| and |y/z| below this, but for Gaussians so wide that they reach in from beside it.
FURTHEST_TANGENT = 8.0
#: Voxel edges of depth from which on Gaussians are brought nearer: twice as deep, they are within reach.
DEEP = REACH / (2 * np.sqrt(1 + 2 * FURTHEST_TANGENT**2))
NEAR_EDGES = 64  # the near plane is at most so many edges away: nothing nearer is drawn, smaller ones help nobody
FRONT = 0.05  # the share of the Gaussians on the image that may be too near for the voxels' steps

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SeenScene:
    """What to build a `SceneImage` of, and what it costs."""

    scene: Scene
    edge: float
    origin: Doubles | None = None  #: of the voxel grid; None for the scene's middle
    narrowed: int = 0  #: Gaussians in front of the camera that are wider than any code, and drawn as wide as one
    lost: int = 0  #: Gaussians that would be seen and are not drawn, because they are out of reach

    def notices(self) -> list[str]:
        """What the picture lacks, a line each."""
        lines: list[str] = []
        if self.narrowed:
            lines.append(f"{self.narrowed} Gaussians are wider than 4096 voxels of {self.edge:g}: drawn narrower")
        if self.lost:
            lines.append(f"{self.lost} Gaussians are more than {REACH} voxels of {self.edge:g} away: not drawn")
        return lines


def see(scene: Scene, camera: Camera, spec: Spec, *, near: float, edge: float | None = None) -> SeenScene:
    """The scene for a view: itself wherever the formats hold it.

    * Of a scene with `mip`, the opacities are the view's.
    * The voxel edge is the scene's, unless its steps would move what is on the image by more than a
      centre's own step. `edge` overrides this.
    * Where not everything fits around the scene's middle, the grid's origin is the camera. What lies
      deeper than `DEEP` voxels is then brought nearer, towards the camera, and made smaller by the
      same factor: its picture stays the same, and so does the order of depths.
    """
    if scene.mip:
        from golden.splat.ewa import mip_opacities  # of torch, which the others do without

        scene = replace(scene, opacities=mip_opacities(scene, camera).numpy())
    relative = scene.means - camera.position
    point = relative @ camera.world_to_camera[:3, :3].T
    drawn = scene.opacities >= MIN_ALPHA
    if edge is None:
        edge = _view_edge(scene_edge(scene, spec), point[drawn], camera, spec, near)
    origin = None
    lost = 0
    middle = np.median(scene.means[drawn] if drawn.any() else scene.means[:1], axis=0)
    away = np.abs(scene.means[drawn] - middle).max(initial=np.abs(camera.position - middle).max())
    if away >= AROUND * edge:
        origin = camera.position
        factor = _nearer(point, edge)
        reached = np.linalg.norm(relative, axis=1) * factor <= REACH * edge
        lost = int((_in_view(scene, point, camera, near) & drawn & ~reached).sum())
        scene = replace(
            scene,
            means=camera.position + relative * factor[:, None],
            scales=(scene.scales * factor[:, None]).astype(np.float32),
            opacities=np.where(reached, scene.opacities, 0),
            books=None,  # sizes are no entries any more
        )
    wide = drawn & (widest(scene, spec) > edge) & _in_view(scene, point, camera, near)
    return SeenScene(scene=scene, edge=edge, origin=origin, narrowed=int(wide.sum()), lost=lost)


def _view_edge(edge: float, point: Doubles, camera: Camera, spec: Spec, near: float) -> float:
    """The scene's edge, or the smaller one at which a step of position is no more than one of the screen."""
    z = point[:, 2]
    half = np.array([max(camera.cx, camera.width - camera.cx), max(camera.cy, camera.height - camera.cy)])
    on_image = (z > near) & (np.abs(point[:, :2]) * [camera.fx, camera.fy] <= half * z[:, None]).all(axis=1)
    if on_image.any():
        front = float(np.quantile(z[on_image], FRONT))
        steps = 2.0 ** (spec.position_bits - spec.screen_fraction)
        edge = min(edge, steps * front / max(camera.fx, camera.fy))
    return max(edge, near / NEAR_EDGES)


def _nearer(point: Doubles, edge: float) -> Doubles:
    """What to multiply each Gaussian's way from the camera by: 1 up to `DEEP`; depth beyond grows as its logarithm."""
    deep = DEEP * edge
    ratio = np.maximum(point[:, 2] / deep, 1)
    return (1 + np.log(ratio) / max(1.0, np.log(ratio.max()))) / ratio


def _in_view(scene: Scene, point: Doubles, camera: Camera, near: float) -> Flags:
    """Gaussians whose support reaches between the image's four sides, as the coarse filter bounds it."""
    reach = scene.scales.max(axis=1) * support_sigmas(scene.opacities.astype(np.float64))
    seen = point[:, 2] > near
    sides = ((camera.cx, camera.width, camera.fx), (camera.cy, camera.height, camera.fy))
    for axis, (centre, size, focal) in enumerate(sides):
        low, high = -centre / focal, (size - centre) / focal
        margin = reach * np.sqrt(1 + max(abs(low), abs(high)) ** 2)
        seen &= (point[:, axis] - high * point[:, 2] <= margin) & (low * point[:, 2] - point[:, axis] <= margin)
    return seen
