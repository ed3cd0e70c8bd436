"""Streams of keys with the redundancy of video, built from real keys.

Keys of text repeat little; the tokens of one patch of a video in neighbouring frames are almost
alike. Here a frame is `patches` tokens. Each patch of each scene has an anchor, a key-value pair
drawn from a real layer; in every frame it is mixed with a fresh draw, so that neighbouring frames
of a scene correlate by `correlation` in every dimension and each token keeps the mean and the
spread of the real ones.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from golden.errors import InputError

Mode = Literal["shot", "drift"]


def video_stream(
    keys: Tensor, values: Tensor, tokens: int, *, correlation: float, patches: int = 16, scene_frames: int = 32,
    mode: Mode = "shot", seed: int = 1,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`tokens` keys and values [heads, tokens, d] from real ones [heads, N, d].

    shot:  x_f = sqrt(c)·anchor + sqrt(1 - c)·fresh: a fixed camera; any two frames of a scene correlate by c.
    drift: x_f = c·x_(f-1) + sqrt(1 - c²)·fresh: neighbouring frames correlate by c, distant ones by c**n.

    Raises:
        InputError: correlation outside 0..1, or fewer than one token, patch or frame.
    """
    if not 0 <= correlation <= 1:
        raise InputError(f"kv: a frame-to-frame correlation must lie in 0..1, it is {correlation}")
    for name, value in (("tokens", tokens), ("patches", patches), ("scene_frames", scene_frames)):
        if value < 1:
            raise InputError(f"kv: {name} of a stream must be at least 1, it is {value}")
    source = torch.cat([keys, values], -1)
    centre = source.mean(1, keepdim=True)
    centred = source - centre
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Tensor:
        return centred[:, torch.randint(source.shape[1], (patches,), generator=generator)]

    frames: list[Tensor] = []
    anchor = current = draw()
    for f in range(-(-tokens // patches)):
        first = f % scene_frames == 0
        if first and f:
            anchor = current = draw()
        fresh = draw()
        if mode == "shot":
            current = math.sqrt(correlation) * anchor + math.sqrt(1 - correlation) * fresh
        elif not first:
            current = correlation * current + math.sqrt(1 - correlation**2) * fresh
        frames.append(current)
    stream = torch.cat(frames, 1)[:, :tokens] + centre
    d = keys.shape[-1]
    return stream[..., :d].contiguous(), stream[..., d:].contiguous()
