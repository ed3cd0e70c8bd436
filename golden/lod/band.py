"""How far a quantised cut is from the float one: the band of sizes in which decisions differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from golden.lod.hierarchy import Hierarchy, Ints
from golden.lod.reference import find_cut, pixel_size


@dataclass(frozen=True, kw_only=True)
class Band:
    """A cut beside the reference's."""

    smallest_split: float  #: size / tau of the smallest node that the cut has split; 1 or more in the reference
    largest_kept: float  #: size / tau of the largest inner node on the cut; below 1 in the reference
    nodes: int
    reference_nodes: int
    different: int  #: nodes that are on one of the two cuts only


def compare(tree: Hierarchy, cut: Ints, position: np.ndarray, focal: float, tau: float) -> Band:
    """Compares `cut`, ascending node numbers, with the reference's for one camera."""
    place = torch.from_numpy(position)
    size = pixel_size(tree, place, focal).numpy() / tau
    split = tree.above(cut)
    kept = cut[~tree.leaf[cut]]
    reference = np.flatnonzero(find_cut(tree, place, focal, tau).cut.numpy())
    return Band(
        smallest_split=float(size[split].min()) if split.any() else np.inf,
        largest_kept=float(size[kept].max()) if len(kept) else 0.0,
        nodes=len(cut),
        reference_nodes=len(reference),
        different=len(np.setxor1d(cut, reference)),
    )
