"""What changes the results of the composition: the two engines' specs, which must fit each other, and its own rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from golden.errors import InputError, Limits, OneOf, check_limits
from golden.radiance import spec as radiance
from golden.splat import spec as splat

COLOUR, REMAINDER = "colour", "remainder"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A splatting engine with a radiance cache: a region of the cache is a group of the rasteriser.

    A pixel asks once: when it has met `gaussians` significant Gaussians, or before that, at the first that leaves
    `through`/256 of its light or less.
    """

    splat: splat.Spec
    radiance: radiance.Spec
    through: int = 0  #: 256ths of transmittance; 0: a pixel asks only with a full record, as published
    near: int = 64  #: pixels a side of the squares whose pixels share entries; as published: the region's side
    refresh: int = 0  #: pixel p of frame f draws a hit anew, and its entry, where refresh divides p + f; 0: none does
    value: str = COLOUR  #: what is cached: `colour`: the pixel's; `remainder`: that of what the record lets through

    LIMITS: ClassVar[Limits] = {
        "through": (0, 255), "near": (1, 64), "refresh": (0, 256), "value": OneOf((COLOUR, REMAINDER)),
    }  # fmt: skip
    POWERS: ClassVar = ("near",)

    def __post_init__(self) -> None:
        check_limits("lumina", self)
        region = self.radiance.region
        if region != self.splat.group_size:
            raise InputError(
                f"lumina: region must be group_size, the square of pixels that is drawn at once, "
                f"it is {region} for {self.splat.group_size}"
            )
        if self.near > region:
            raise InputError(f"lumina: near must be at most region = {region}, it is {self.near}")
        if self.gaussians < 1:
            raise InputError("lumina: near below region takes a place of the record: record_length must be at least 2")
        if self.radiance.key == radiance.PUBLISHED and (self.through, self.near) != (0, region):
            raise InputError(
                f"lumina: key = {radiance.PUBLISHED} has no bits for records of several lengths or for places: "
                f"it needs through = 0 and near = {region}, it is {self.through} and {self.near}"
            )

    @property
    def gaussians(self) -> int:
        """Ids of Gaussians in a full record; a pixel's square, where there are several, comes before them."""
        return self.radiance.record_length - (self.near < self.radiance.region)

    @property
    def most_transmittance(self) -> int:
        """`through` as a code of the rasteriser's transmittance."""
        return self.through << self.splat.transmittance_bits - 8


def published(engine: splat.Spec, cache: radiance.Spec = radiance.PAPER) -> Spec:
    """Lumina's rule: the colour of pixels that meet the same first significant Gaussians. Coverage is kept as well."""
    return Spec(splat=engine, radiance=replace(cache, region=engine.group_size, channels=4), near=engine.group_size)


def chosen(engine: splat.Spec, cache: radiance.Spec = radiance.DEFAULT) -> Spec:
    """What docs/sweeps/radiance.md chooses for a loss of 0.3 dB: remainders, and records of twelve."""
    setting = replace(cache, region=engine.group_size, record_length=12)
    return Spec(splat=engine, radiance=setting, near=engine.group_size, value=REMAINDER)
