"""When a pixel asks the cache, what it has blended until then, and what is kept of the rest."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.chips.lumina.drawn import Drawn
from golden.chips.lumina.spec import COLOUR, Spec
from golden.formats import saturate, shift_round
from golden.splat.pixel_lane import Pixels, pixel_bytes

VALUE_FRACTION = 7  # of a remainder, u1.7: what is behind may be brighter than 1


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The state of every pixel when it asks; of one that does not, at its end."""

    asks: Tensor  # [R, P] bool
    count: Tensor  # [R, P] significant Gaussians met, at most `gaussians`
    color: Tensor  # [R, P, 3] accumulator_format
    light: Tensor  # [R, P] transmittance
    touches: Tensor  # [R, P] of the sub-tile until then


def ask(drawn: Drawn, spec: Spec, may: Tensor) -> Asked:
    """A pixel asks at its `gaussians`-th significant Gaussian, or the first that leaves `through`/256 of its light.

    Of the pixels [R, P] that `may`; the others are drawn to their end.
    """
    engine, length = spec.splat, spec.gaussians
    weight = drawn.weight[..., :length].long()
    light = engine.full_transmittance - weight.cumsum(-1)
    number = torch.arange(1, length + 1)
    due = (number <= drawn.met[..., None]) & ((number == length) | (light <= spec.most_transmittance))
    asks = due.any(-1) & may
    last = due.int().argmax(-1)
    shift = engine.transmittance_bits + engine.color_fraction - engine.accumulator_fraction
    before = weight * (number <= last[..., None] + 1)
    added = shift_round(before[..., None] * drawn.color[..., :length, :].long(), shift, "half_up").sum(-2)
    at = last[..., None]
    return Asked(
        asks=asks,
        count=torch.where(asks, last + 1, drawn.met.clip(max=length)),
        color=torch.where(asks[..., None], saturate(added, engine.accumulator_format), drawn.final_color),
        light=torch.where(asks, light.gather(-1, at)[..., 0], drawn.final_light),
        touches=torch.where(asks, drawn.touch.gather(-1, at)[..., 0].long(), drawn.touches),
    )


def to_values(drawn: Drawn, asked: Asked, spec: Spec) -> Tensor:
    """The bytes that a pixel drawn to its end gives the cache, [R, P, 4]: of red, green, blue and coverage.

    `colour`: its own. `remainder`: of what was blended after it asked, as if all light had come through the record:
    (C - C_asked) / T_asked and (T_asked - T) / T_asked, rounded to the nearest of u1.7, saturated.
    """
    if spec.value == COLOUR:
        return to_bytes(drawn.final_color, drawn.final_light, spec)
    whole = spec.splat.transmittance_bits + VALUE_FRACTION - spec.splat.accumulator_fraction
    light = asked.light.clip(min=1)[..., None]
    gained = _shifted(drawn.final_color - asked.color, whole)
    covered = (asked.light - drawn.final_light)[..., None] << VALUE_FRACTION
    return ((2 * torch.cat([gained, covered], -1) + light) // (2 * light)).clip(0, 255)


def from_values(values: Tensor, asked: Asked, spec: Spec) -> Tensor:
    """The bytes of a pixel that got the cached `values` [R, P, channels], [R, P, 4].

    Of three channels, coverage is full. `remainder`: C_asked + T_asked·v, and T_asked - T_asked·v.
    """
    if spec.radiance.channels == 3:
        full = 255 if spec.value == COLOUR else 1 << VALUE_FRACTION
        values = torch.cat([values, torch.full_like(values[..., :1], full)], -1)
    if spec.value == COLOUR:
        return values
    engine = spec.splat
    part = asked.light[..., None] * values
    shift = engine.transmittance_bits + VALUE_FRACTION - engine.accumulator_fraction
    color = saturate(asked.color + _rounded(part[..., :3], shift), engine.accumulator_format)
    light = (asked.light - shift_round(part[..., 3], VALUE_FRACTION, "half_up")).clip(min=0)
    return to_bytes(color, light, spec)


def to_bytes(color: Tensor, light: Tensor, spec: Spec) -> Tensor:
    """[R, P, 4] of accumulated colour and transmittance."""
    return pixel_bytes(Pixels(transmittance=light, done=light == 0, color=color), spec.splat)


def _shifted(value: Tensor, left: int) -> Tensor:
    return value << left if left >= 0 else value >> -left


def _rounded(value: Tensor, right: int) -> Tensor:
    return shift_round(value, right, "half_up") if right > 0 else value << -right
