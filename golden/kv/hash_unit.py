"""Hash bits of keys: on which side of each hyperplane they lie (V-Rex, ReSV step 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from golden.kv.spec import Spec


def plane_signs(spec: Spec) -> Tensor:
    """The hyperplanes' components, [D, hash_bits], each +1 or -1."""
    words = torch.tensor(spec.planes)
    return 2 * (words[:, None] >> torch.arange(spec.hash_bits) & 1) - 1


def project(keys: Tensor, spec: Spec) -> Tensor:
    """K · H, [T, hash_bits], of key codes [T, heads, head_size]."""
    return keys.reshape(len(keys), -1) @ plane_signs(spec)


def hash_unit(keys: Tensor, offsets: Tensor, spec: Spec) -> Tensor:
    """Bit b of a token's hash is set where K · H_b > offset_b. [T], as integers.

    The offset is the projection of the layer's mean key (0 in the paper): real keys share a large
    common part, which would otherwise decide most bits the same way for all tokens.
    """
    bits = project(keys, spec) > offsets
    return (bits.long() << torch.arange(spec.hash_bits)).sum(1)
