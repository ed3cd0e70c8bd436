"""Everything that changes the composition's results, speed and area: its rules, and the configs of both engines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from golden.chips.lumina.spec import COLOUR, Spec, published
from golden.errors import InputError, Limits
from hw.radiance import config as radiance
from hw.splat import config as splat


@dataclass(frozen=True, kw_only=True)
class Config:
    """The rules that RTL follows, and what the engines are made of. Their specs are those of the rules.

    In RTL a pixel asks with a full record, gets and leaves its own colour, and shares entries with the whole region.
    """

    spec: Spec
    splat: splat.Config
    radiance: radiance.Config

    LIMITS: ClassVar[Limits] = {}
    POWERS: ClassVar = ()

    def __post_init__(self) -> None:
        rules = {"value": COLOUR, "through": 0, "near": self.spec.radiance.region, "refresh": 0}
        for name, needed in rules.items():
            if getattr(self.spec, name) != needed:
                raise InputError(f"lumina: RTL has {name} = {needed} alone, it is {getattr(self.spec, name)}")
        for name, part in (("splat", self.splat), ("radiance", self.radiance)):
            if part.spec != getattr(self.spec, name):
                raise InputError(f"lumina: the spec of the {name} config must be that of the rules")
        if self.splat.lane_share > 1:
            raise InputError(f"lumina: lane_share must be 1, it is {self.splat.lane_share}")
        if self.splat.memory_width != self.radiance.memory_width:
            raise InputError(
                f"lumina: both engines must have one memory_width, they have {self.splat.memory_width} "
                f"and {self.radiance.memory_width}"
            )

    @property
    def memory_width(self) -> int:
        return self.splat.memory_width

    @property
    def word_bytes(self) -> int:
        return self.splat.word_bytes


def compose(engine: splat.Config, rules: Spec, cache: radiance.Config) -> Config:
    """A splatting engine of this config with the rules' cache, whose queues and widths are those of `cache`."""
    width = engine.memory_width
    return Config(spec=rules, splat=engine, radiance=replace(cache, spec=rules.radiance, memory_width=width))


def _published(engine: splat.Config, cache: radiance.Config, **changes: Any) -> Config:
    rules = published(engine.spec, replace(cache.spec, **changes))
    return compose(engine, rules, cache)


def nano() -> Config:
    """`tiny` with 4 lanes and the shortest queues."""
    return _published(splat.nano(), radiance.nano(), id_bits=24)


def tiny() -> Config:
    """16 lanes on squares of 16 pixels, records of three ids, 4 ways of 16 sets: unit tests, small FPGAs."""
    return _published(splat.tiny(), radiance.tiny(), id_bits=24)


def default() -> Config:
    """64 lanes on squares of 64 pixels, five ids hashed to 40 bits, 4 ways of 1,024 sets."""
    return _published(splat.default(), radiance.default())


def paper() -> Config:
    """Lumina's key: 18 bits of each of five ids. Coverage is cached as well."""
    return _published(splat.paper(), radiance.paper())


CONFIGS = {"nano": nano, "tiny": tiny, "default": default, "paper": paper}
