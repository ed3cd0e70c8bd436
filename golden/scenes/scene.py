"""The scene every loader returns: N anisotropic 3-D Gaussians with spherical-harmonic colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.books import Books

#: Y00, the constant spherical harmonic: colour = 0.5 + SH_C0 * sh[0] for a scene of degree 0.
SH_C0 = 0.28209479177387814

#: exp() of a larger log-scale leaves float32's useful range; such a Gaussian is dropped as not finite.
#: A smaller one than its negative, -inf with it, is a flat Gaussian: it is drawn at that scale.
MAX_ABS_LOG_SCALE = 40.0

#: Of the spherical harmonics that are drawn.
MAX_DEGREE = 3
#: A position further from the origin leaves float32's range; such a Gaussian is dropped as not finite.
MAX_POSITION = float(np.finfo(np.float32).max)

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """N Gaussians, in the order of the file.

    Positions are float64, for maps put scenes at coordinates of millions; who needs float32 takes
    them relative to the camera first. All else is float32. `quaternions` are unit length, order
    w, x, y, z. `scales` are the standard deviations along the Gaussian's own axes, in scene units
    (not their logarithms). `opacities` lie in [0, 1]. `sh` is coefficient-major with (degree + 1)² coefficients per
    channel, so that colour = max(0, 0.5 + Σ_k sh[:, k] · Y_k(direction)).
    """

    name: str
    means: Doubles  # [N, 3]
    scales: Floats  # [N, 3]
    quaternions: Floats  # [N, 4]
    opacities: Floats  # [N]
    sh: Floats  # [N, (degree+1)², 3]
    notes: tuple[str, ...] = ()  #: what else the file says that is not drawn, a sentence each
    dropped: int = 0  #: Gaussians of the file that were left out: not finite, or without a rotation
    mip: bool = False  #: trained with the 2-D mip filter: dilation may not add to a Gaussian's light
    books: Books | None = None  #: where `scales`, `quaternions` and `sh` are entries of codebooks: these

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        return int(np.sqrt(self.sh.shape[1])) - 1

    def select(self, index: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Scene:
        """The same scene with only the Gaussians of `index`, in that order."""
        return Scene(
            name=self.name,
            means=self.means[index],
            scales=self.scales[index],
            quaternions=self.quaternions[index],
            opacities=self.opacities[index],
            sh=self.sh[index],
            notes=self.notes,
            dropped=self.dropped,
            mip=self.mip,
            books=self.books.select(index) if self.books else None,
        )


def make_scene(
    name: str,
    *,
    means: Floats | Doubles,
    log_scales: Floats,
    quaternions: Floats,
    opacities: Floats,
    sh: Floats,
    mip: bool = False,
) -> Scene:
    """Checks raw arrays and returns a `Scene`.

    Gaussians with a NaN or an infinity in any parameter, a position beyond `MAX_POSITION`, a
    log-scale above `MAX_ABS_LOG_SCALE` or a zero quaternion are dropped and counted in
    `Scene.dropped`; they cannot be drawn. Log-scales below -`MAX_ABS_LOG_SCALE`, -inf with them,
    become that limit: flat Gaussians, drawn as discs. Quaternions are normalised.

    Raises:
        InputError: no Gaussian at all, none that can be drawn, or an opacity outside [0, 1].
    """
    count = len(means)
    if count == 0:
        raise InputError(f"{name}: a scene needs at least one Gaussian, the file holds 0")
    log_scales = np.maximum(log_scales, np.float32(-MAX_ABS_LOG_SCALE))  # a NaN stays one
    flat = [a.reshape(count, -1) for a in (means, log_scales, quaternions, opacities, sh)]
    drawable = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in flat])
    drawable &= (np.abs(means) <= MAX_POSITION).all(axis=1) & (log_scales <= MAX_ABS_LOG_SCALE).all(axis=1)
    drawable[drawable] = quaternions[drawable].any(axis=1)  # a signalling NaN would raise a warning here
    kept = int(drawable.sum())
    if kept == 0:
        raise InputError(
            f"{name}: every Gaussian must be finite, all {count} hold NaN, infinity, a scale out of range "
            "or a zero rotation"
        )

    length = np.linalg.norm(quaternions[drawable].astype(np.float64), axis=1)
    opacity = opacities[drawable]
    if opacity.min() < 0 or opacity.max() > 1:
        index = int(np.flatnonzero(drawable)[np.argmax(np.abs(opacity - 0.5))])
        raise InputError(f"{name}: opacity must lie in [0, 1], Gaussian {index} has {opacities[index]:g}")
    return Scene(
        name=name,
        means=np.ascontiguousarray(means[drawable], np.float64),
        scales=np.exp(log_scales[drawable].astype(np.float64)).astype(np.float32),
        quaternions=(quaternions[drawable] / length[:, None]).astype(np.float32),
        opacities=np.ascontiguousarray(opacity, np.float32),
        sh=np.ascontiguousarray(sh[drawable], np.float32),
        dropped=count - kept,
        mip=mip,
    )


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow for large negative x.

    In double precision, as the other functions here: NumPy's float32 functions differ by a unit in
    the last place from one CPU to another, the rounded doubles do not.
    """
    with np.errstate(invalid="ignore"):
        e = np.exp(-np.abs(x.astype(np.float64)))
        return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(np.float32)


def degree_note(degree: int) -> tuple[str, ...]:
    """What a scene's notes say of spherical harmonics of that degree; nothing where all of them are drawn."""
    if degree <= MAX_DEGREE:
        return ()
    return (f"spherical harmonics of degree {degree}: the bands above degree {MAX_DEGREE} are left out",)
