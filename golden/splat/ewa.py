"""Projection of 3-D Gaussians to the image in float32 torch: the reference's first half.

EWA splatting (Zwicker et al., "EWA Volume Splatting", 2001) with the constants of the public
rasteriser of 3D Gaussian Splatting (Kerbl et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.scenes.camera import Camera
from golden.scenes.scene import Scene
from golden.splat.camera_limits import guard_band

DILATION = 0.3  # px², added to the diagonal of the 2-D covariance (low-pass)
MAX_ALPHA = 0.99
MIN_ALPHA = 1 / 255
DEFAULT_NEAR = 0.2


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Where published rasterisers differ. Defaults are INRIA's; `reference.GSPLAT` is gsplat's."""

    near: float = DEFAULT_NEAR
    radius_sigmas: float = 3.0
    square: bool = True  #: one radius from the larger eigenvalue, rounded up; else one per axis
    max_alpha: float = MAX_ALPHA


@dataclass(frozen=True, kw_only=True)
class Projected:
    """2-D Gaussians in depth order, only those in front of the near plane and on the image."""

    index: Tensor  # [M] int64, place in the scene
    depth: Tensor  # [M]
    mean: Tensor  # [M, 2] pixels
    conic: Tensor  # [M, 3] inverse covariance a, b, c
    radius: Tensor  # [M, 2] pixels, as published
    reach: Tensor  # [M, 2] pixels along x and y beyond which α < 1/255, rounded up; only speed depends on it
    opacity: Tensor  # [M]
    color: Tensor  # [M, 3]

    def __len__(self) -> int:
        return len(self.index)


def spherical_harmonics(sh: Tensor, direction: Tensor) -> Tensor:
    """Colour = max(0, 0.5 + Σ_k sh[:, k]·Y_k(direction)).

    Args:
        sh: [N, (degree+1)², 3], degree 0 to 3.
        direction: [N, 3] unit vectors from the camera to the Gaussian.

    Returns:
        [N, 3].
    """
    x, y, z = direction.unbind(-1)
    basis = [torch.full_like(x, 0.28209479177387814)]
    if sh.shape[1] > 1:
        basis += [-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x]
    if sh.shape[1] > 4:
        basis += [
            1.0925484305920792 * x * y,
            -1.0925484305920792 * y * z,
            0.31539156525252005 * (2 * z * z - x * x - y * y),
            -1.0925484305920792 * x * z,
            0.5462742152960396 * (x * x - y * y),
        ]
    if sh.shape[1] > 9:
        basis += [
            -0.5900435899266435 * y * (3 * x * x - y * y),
            2.890611442640554 * x * y * z,
            -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
            0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
            1.445305721320277 * z * (x * x - y * y),
            -0.5900435899266435 * x * (x * x - 3 * y * y),
        ]
    return (torch.einsum("kn,nkc->nc", torch.stack(basis), sh) + 0.5).clamp_min(0)


def rotation_matrix(q: Tensor) -> Tensor:
    """Unit quaternions [N, 4] (w, x, y, z) to rotation matrices [N, 3, 3]."""
    w, x, y, z = q.unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def covariance_2d(
    scale: Tensor, quaternion: Tensor, view: Tensor, point: Tensor, camera: Camera, *, dilation: float = DILATION
) -> Tensor:
    """Σ' = J·W·R·S·S·Rᵀ·Wᵀ·Jᵀ + 0.3·I, the EWA projection (Zwicker et al. 2001, equation 31).

    Args:
        scale, quaternion: [N, 3] and [N, 4].
        view: [3, 3] rotation W from world to camera.
        point: [N, 3] centre in camera space.

    Returns:
        [N, 3] the entries xx, xy, yy of Σ'.
    """
    x, y, z = point.unbind(-1)
    limit_x, limit_y = guard_band(camera)
    tx = (x / z).clamp(*limit_x) * z
    ty = (y / z).clamp(*limit_y) * z
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [camera.fx / z, zero, -camera.fx * tx / (z * z), zero, camera.fy / z, -camera.fy * ty / (z * z)], -1
    ).reshape(-1, 2, 3)
    a = jacobian @ view @ (rotation_matrix(quaternion) * scale[:, None, :])
    xx, xy, yy = (a[:, 0] ** 2).sum(-1), (a[:, 0] * a[:, 1]).sum(-1), (a[:, 1] ** 2).sum(-1)
    return torch.stack([xx + dilation, xy, yy + dilation], -1)


def _place(scene: Scene, camera: Camera) -> tuple[Tensor, Tensor, Tensor]:
    """Positions relative to the camera, along world axes and in camera space, and the rotation between them.

    In double precision until the camera is the origin: float32 would lose a Gaussian's place in a
    scene at coordinates of millions.
    """
    view = torch.from_numpy(camera.world_to_camera[:3, :3])
    relative = torch.from_numpy(scene.means - camera.position)
    return relative.float(), (relative @ view.T).float(), view.float()


def mip_opacities(scene: Scene, camera: Camera) -> Tensor:
    """Opacities without the light that dilation adds, [N]: Mip-Splatting's 2-D filter (Yu et al. 2024).

    The opacity times the root of the determinants' ratio, before and after dilation.
    """
    _, point, view = _place(scene, camera)
    scale, quaternion = torch.from_numpy(scene.scales), torch.from_numpy(scene.quaternions)
    sharp = covariance_2d(scale, quaternion, view, point, camera, dilation=0.0)
    dilated = sharp + torch.tensor([DILATION, 0, DILATION])
    ratio = _determinant(sharp) / _determinant(dilated)
    return torch.from_numpy(scene.opacities) * ratio.nan_to_num(1).clamp(0, 1).sqrt()


def project(scene: Scene, camera: Camera, rules: Rules = Rules()) -> Projected:
    """Culls, projects and depth-sorts (stable: equal depths keep the scene's order)."""
    relative, point, view = _place(scene, camera)
    depth = point[:, 2]
    order = torch.argsort(depth, stable=True)
    order = order[depth[order] > rules.near]

    point, depth = point[order], depth[order]
    focal = torch.tensor([camera.fx, camera.fy])
    mean = point[:, :2] / depth[:, None] * focal + torch.tensor([camera.cx, camera.cy])
    cov = covariance_2d(
        torch.from_numpy(scene.scales)[order], torch.from_numpy(scene.quaternions)[order], view, point, camera
    )
    xx, xy, yy = cov.unbind(-1)
    determinant = _determinant(cov)
    conic = torch.stack([yy, -xy, xx], -1) / determinant[:, None]
    radius = _radius(cov, determinant, rules)

    size = torch.tensor([camera.width, camera.height])
    kept = (determinant > 0) & (mean + radius > 0).all(-1) & (mean - radius < size).all(-1)
    order = order[kept]
    opacity = (mip_opacities(scene, camera) if scene.mip else torch.from_numpy(scene.opacities))[order]
    sigmas = (2 * (opacity / MIN_ALPHA).clamp_min(1).log()).sqrt()
    direction = relative[order]
    return Projected(
        index=order,
        depth=depth[kept],
        mean=mean[kept],
        conic=conic[kept],
        radius=radius[kept],
        reach=1.01 * sigmas[:, None] * cov[kept][:, [0, 2]].sqrt() + 1,
        opacity=opacity,
        color=spherical_harmonics(torch.from_numpy(scene.sh)[order], torch.nn.functional.normalize(direction, dim=-1)),
    )


def _determinant(cov: Tensor) -> Tensor:
    xx, xy, yy = cov.unbind(-1)
    return xx * yy - xy * xy


def _radius(cov: Tensor, determinant: Tensor, rules: Rules) -> Tensor:
    xx, _, yy = cov.unbind(-1)
    if not rules.square:
        return (rules.radius_sigmas * torch.stack([xx, yy], -1).sqrt()).ceil()
    middle = 0.5 * (xx + yy)
    largest = middle + (middle * middle - determinant).clamp_min(0.1).sqrt()
    return (rules.radius_sigmas * largest.sqrt()).ceil()[:, None].expand(-1, 2)
