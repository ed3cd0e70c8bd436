"""A hierarchy over any scene: a bounding-volume hierarchy whose inner nodes are merged Gaussians."""

from __future__ import annotations

import numpy as np

from golden.lod.hierarchy import Doubles, Hierarchy, Ints, check_hierarchy
from golden.scenes.scene import Scene

SUPPORT = 3.0  # standard deviations that a leaf's box reaches


def build_hierarchy(scene: Scene) -> Hierarchy:
    """Splits at the median of the longest axis, in levels, until a node holds one Gaussian.

    A leaf's box is its centre ± 3 of its largest standard deviation; an inner node's box is the
    union of its children's, its size that box's longest side. An inner Gaussian matches the first
    two moments of its children's mixture, weighted by opacity times mean squared scale.
    """
    parent, first, children, leaf_of = _split(scene.means)
    count = len(parent)
    levels = _levels(parent)
    reach = SUPPORT * scene.scales.max(axis=1).astype(np.float64)[:, None]
    means = scene.means
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    leaf = children == 0
    low[leaf], high[leaf] = (means - reach)[leaf_of[leaf]], (means + reach)[leaf_of[leaf]]
    for level in reversed(levels[1:]):
        np.minimum.at(low, parent[level], low[level])
        np.maximum.at(high, parent[level], high[level])
    return check_hierarchy(
        Hierarchy(
            scene=_merged(scene, parent, levels, leaf_of),
            parent=parent,
            first_child=first,
            children=children,
            gaussian=np.arange(count),
            gaussians=np.ones(count, np.int64),
            kept=np.zeros(count, np.int64),
            low=low,
            high=high,
            size=(high - low).max(axis=1),
        )
    )


def _split(points: Doubles) -> tuple[Ints, Ints, Ints, Ints]:
    """Parents, first children, numbers of children, and the Gaussian of every leaf (-1 above)."""
    parent, first, children, leaf_of = [-1], [0], [0], [-1]
    members: list[Ints] = [np.arange(len(points))]
    node = 0
    while node < len(parent):
        own = members[node]
        if len(own) == 1:
            leaf_of[node] = int(own[0])
        else:
            span = points[own]
            axis = int(np.argmax(span.max(axis=0) - span.min(axis=0)))
            order = own[np.argsort(span[:, axis], kind="stable")]
            first[node], children[node] = len(parent), 2
            for half in (order[: len(own) // 2], order[len(own) // 2 :]):
                members.append(half)
                parent.append(node)
                first.append(0)
                children.append(0)
                leaf_of.append(-1)
        members[node] = own[:0]
        node += 1
    return np.array(parent), np.array(first), np.array(children), np.array(leaf_of)


def _levels(parent: Ints) -> list[Ints]:
    """Nodes by level; parents come before children in the arrays, level by level."""
    depth = np.zeros(len(parent), np.int64)
    for node in range(1, len(parent)):
        depth[node] = depth[parent[node]] + 1
    return [np.flatnonzero(depth == k) for k in range(int(depth.max()) + 1)]


def _merged(scene: Scene, parent: Ints, levels: list[Ints], leaf_of: Ints) -> Scene:
    """One Gaussian a node: the scene's own at leaves, matched moments above."""
    count = len(parent)
    leaf = leaf_of >= 0
    own = leaf_of[leaf]
    rotation = _rotations(scene.quaternions[own].astype(np.float64))
    scales = scene.scales[own].astype(np.float64)
    weight, mean, second = np.zeros(count), np.zeros((count, 3)), np.zeros((count, 3, 3))
    area, color = np.zeros(count), np.zeros((count, *scene.sh.shape[1:]))
    weight[leaf] = scene.opacities[own] * (scales**2).mean(axis=1) + 1e-30
    middle = np.median(scene.means, axis=0)  # second moments about it: about a far origin they would cancel
    mean[leaf], color[leaf] = scene.means[own] - middle, scene.sh[own]
    spread = np.einsum("nij,nj,nkj->nik", rotation, scales**2, rotation)
    second[leaf] = spread + mean[leaf][:, :, None] * mean[leaf][:, None, :]
    for values in (mean, color, second):  # sums, until they are divided at the end
        values[leaf] *= weight[leaf].reshape(-1, *[1] * (values.ndim - 1))
    for level in reversed(levels[1:]):
        for values in (weight, mean, second, color):
            np.add.at(values, parent[level], values[level])
    total = weight
    mean /= total[:, None]
    color /= total[:, None, None]
    covariance = second / total[:, None, None] - mean[:, :, None] * mean[:, None, :]
    inner = ~leaf
    eigenvalue, axes = np.linalg.eigh(covariance[inner])
    axes[np.linalg.det(axes) < 0, :, 0] *= -1
    variance = np.maximum(eigenvalue, 1e-14)
    area[inner] = variance.mean(axis=1)

    result = {
        "means": mean + middle, "scales": np.zeros((count, 3)), "quaternions": np.zeros((count, 4)),
        "opacities": np.zeros(count), "sh": color,
    }  # fmt: skip
    for name in ("scales", "quaternions", "opacities", "means", "sh"):
        result[name][leaf] = getattr(scene, name)[own]
    result["scales"][inner] = np.sqrt(variance)
    result["quaternions"][inner] = _quaternions(axes)
    result["opacities"][inner] = np.clip(total[inner] / area[inner], 0, 1)
    means = result.pop("means")
    single = {name: values.astype(np.float32) for name, values in result.items()}
    return Scene(name=scene.name, means=means, **single, mip=scene.mip)


def _rotations(q: Doubles) -> Doubles:
    """Matrices [n, 3, 3] of unit quaternions w, x, y, z."""
    w, x, y, z = q.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _quaternions(m: Doubles) -> Doubles:
    """Unit quaternions of rotations [n, 3, 3]: the eigenvector of the largest eigenvalue (Bar-Itzhack)."""
    k = np.zeros((len(m), 4, 4))
    xx, xy, xz, yx, yy, yz, zx, zy, zz = (m[:, r, c] for r in range(3) for c in range(3))
    k[:, 0, 0] = xx + yy + zz
    k[:, 1, 1], k[:, 2, 2], k[:, 3, 3] = xx - yy - zz, yy - xx - zz, zz - xx - yy
    k[:, 1, 0], k[:, 2, 0], k[:, 3, 0] = zy - yz, xz - zx, yx - xy
    k[:, 2, 1], k[:, 3, 1], k[:, 3, 2] = xy + yx, xz + zx, yz + zy
    return np.linalg.eigh(k)[1][:, :, 3]
