"""Codebooks of a scene, by k-means: StreamingGS's vector quantisation, with what a Gaussian's symmetries save.

A Gaussian is the same with its axes in another order or turned round, if its rotation knows. So axes go from the
longest to the shortest, and of the four quaternions that are left the one nearest to no rotation is taken: scales
then fill a sixth of their space, quaternions an eighth of theirs, and books of the same size are so much finer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from golden.kmeans import build_book
from golden.scenes.books import BOOKS, Books
from golden.scenes.scene import Doubles, Floats, Scene
from golden.splat.spec import MIN_ALPHA, Spec

ITERATIONS = 16  # of k-means
THINNEST = 2.0**-10  # of the longest axis: what is thinner looks no other
FEWEST, MOST = 0.01, 20.0  # times the mean weight: neither haze nor one large Gaussian decides
ROUND = 0.02  # weight of a ball's rotation beside a needle's
TURNS = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])  # of the axes, that leave a Gaussian as it is


def passes(iterations: int = ITERATIONS) -> int:
    """How often `with_books` calls its `report`."""
    return len(BOOKS) * (iterations + 1)


def with_books(
    scene: Scene, spec: Spec, *, iterations: int = ITERATIONS, seed: int = 1, report: Callable[[], None] = lambda: None
) -> Scene:
    """The scene with the scales, quaternions and harmonics of four codebooks of `spec`'s sizes.

    A Gaussian weighs as the root of opacity · area of its two longest axes; Gaussians that colour nothing are left
    out. Positions are rounded to float32 around the scene's middle, as a file of it holds them.
    """
    scene = scene.select(scene.opacities >= MIN_ALPHA) if (scene.opacities >= MIN_ALPHA).any() else scene
    scales, quaternions = canonical(scene.scales, scene.quaternions)
    scales = np.maximum(scales, scales[:, :1] * THINNEST)
    weight = np.sqrt(scene.opacities * scales[:, 0] * scales[:, 1])
    weight = (weight / max(weight.mean(), 1e-300)).clip(FEWEST, MOST)
    slender = (2 * scales[:, 0] - scales[:, 1] - scales[:, 2]) / scales[:, 0]
    rest = scene.sh[:, 1 : (min(scene.sh_degree, spec.sh_degree) + 1) ** 2]
    vectors = (np.log2(scales), quaternions, scene.sh[:, 0], rest.reshape(len(scene), -1))
    weights = (weight, weight * np.maximum(slender, ROUND), weight, weight)
    found = [
        build_book(v.astype(np.float64), w, size, iterations=iterations, seed=seed, report=report)
        for v, w, size in zip(vectors, weights, spec.book_entries, strict=True)
    ]
    scale, rotation, dc, sh = (book.entries for book in found)
    books = Books(
        scales=np.exp2(scale).astype(np.float32),
        quaternions=(rotation / np.linalg.norm(rotation, axis=1, keepdims=True)).astype(np.float32),
        dc=dc.astype(np.float32),
        sh=sh.reshape(len(sh), *rest.shape[1:]).astype(np.float32),
        index=np.stack([book.index for book in found], axis=1),
    )
    middle = np.median(scene.means, axis=0)
    means = middle + (scene.means - middle).astype(np.float32)
    return replace(scene, means=means, **books.gathered(), books=books)


def canonical(scales: Floats, quaternions: Floats) -> tuple[Doubles, Doubles]:
    """The same Gaussians, axes from the longest to the shortest, rotations of the largest w: [N, 3] and [N, 4]."""
    order = np.argsort(-scales, axis=1, kind="stable")
    axes = np.take_along_axis(_matrices(quaternions.astype(np.float64)), order[:, None], axis=2)
    axes[..., 2] *= np.where(np.linalg.det(axes) < 0, -1, 1)[:, None]
    diagonal = np.einsum("nkk->nk", axes)
    axes = axes * TURNS[np.argmax(diagonal @ TURNS.T, axis=1)][:, None]
    w = np.sqrt(1 + np.einsum("nkk->n", axes)) / 2  # at least 1/2, for no turn gives more
    vector = [axes[:, (k + 2) % 3, (k + 1) % 3] - axes[:, (k + 1) % 3, (k + 2) % 3] for k in range(3)]
    quaternion = np.stack([w, *(v / (4 * w) for v in vector)], axis=1)
    sorted_scales = np.take_along_axis(scales, order, axis=1).astype(np.float64)
    return sorted_scales, quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)


def _matrices(quaternions: Doubles) -> npt.NDArray[np.float64]:
    """Rotation matrices of unit quaternions, [N, 3, 3]."""
    w, x, y, z = quaternions.T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=1)
