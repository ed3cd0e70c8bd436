"""Everything that changes the composition's results, speed and area: its rules, and the configs of both engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from golden.chips.lumina.spec import COLOUR, Spec, published
from golden.errors import InputError, Limits, check_limits
from golden.radiance.spec import Spec as CacheSpec
from hw.radiance import config as radiance
from hw.splat import config as splat

SMALLEST_BANK = 4  # sets


@dataclass(frozen=True, kw_only=True)
class Config:
    """The rules that RTL follows, and what the engines are made of. Their specs are those of the rules.

    In RTL a pixel asks with a full record, gets and leaves its own colour, and shares entries with the whole region.
    """

    spec: Spec
    splat: splat.Config
    radiance: radiance.Config
    fill_banks: int = 4  #: pixels that go into the cache in a cycle, if their sets lie in different banks

    LIMITS: ClassVar[Limits] = {"fill_banks": (2, 8)}
    POWERS: ClassVar = ("fill_banks",)

    def __post_init__(self) -> None:
        check_limits("lumina", self)
        if self.fill_banks * SMALLEST_BANK > self.spec.radiance.sets:
            raise InputError(
                f"lumina: sets must be at least {SMALLEST_BANK} times fill_banks = {self.fill_banks}, "
                f"it is {self.spec.radiance.sets}"
            )
        check_rules(self.spec)
        for name, part in (("splat", self.splat), ("radiance", self.radiance)):
            if part.spec != getattr(self.spec, name):
                raise InputError(f"lumina: the spec of the {name} config must be that of the rules")
        if self.splat.lane_share > 1:
            raise InputError(f"lumina: lane_share must be 1, it is {self.splat.lane_share}")
        if self.splat.shared_sort:
            raise InputError("lumina: shared_sort must be 0: the cache's ids travel through the depth sort, it is 1")
        if self.splat.memory_width != self.radiance.memory_width:
            raise InputError(
                f"lumina: both engines must have one memory_width, they have {self.splat.memory_width} "
                f"and {self.radiance.memory_width}"
            )

    @property
    def parts(self) -> list[Any]:
        """Settings whose fields can be changed by name; of a name that several have the first's is meant."""
        return [self.splat, self.spec.splat, self.radiance, self.spec.radiance, self.spec, self]

    def changed(self, changes: Sequence[Mapping[str, Any]]) -> Config:
        """With changes of the fields of each of the `parts`; regions stay groups.

        Raises:
            InputError: what a part refuses, or parts that do not fit.
        """
        engine, drawing, cache, caching, rules, own = changes
        splat_spec = replace(self.spec.splat, **drawing)
        side = splat_spec.group_size
        radiance_spec = replace(self.spec.radiance, **{"region": side, **caching})
        spec = replace(self.spec, **{"splat": splat_spec, "radiance": radiance_spec, "near": side, **rules})
        return compose(replace(self.splat, spec=splat_spec, **engine), spec, replace(self.radiance, **cache), **own)

    @property
    def bank_bits(self) -> int:
        """Of a set's number, the lowest, which name the bank that it lies in."""
        return self.fill_banks.bit_length() - 1

    @property
    def bank_spec(self) -> CacheSpec:
        """Of one bank: its sets are numbered without those bits, which its tags have."""
        return replace(self.spec.radiance, sets=self.spec.radiance.sets // self.fill_banks)

    @property
    def memory_width(self) -> int:
        return self.splat.memory_width

    @property
    def word_bytes(self) -> int:
        return self.splat.word_bytes


def check_rules(spec: Spec) -> None:
    """Raises: InputError: a rule that RTL does not follow."""
    rules = {"value": COLOUR, "through": 0, "near": spec.radiance.region, "refresh": 0}
    for name, needed in rules.items():
        if getattr(spec, name) != needed:
            raise InputError(f"lumina: RTL draws with {name} = {needed} alone, it is {getattr(spec, name)}")


def compose(engine: splat.Config, rules: Spec, cache: radiance.Config, **own: Any) -> Config:
    """A splatting engine with the rules' cache, whose queues are those of `cache`; `own`: fields of the whole."""
    check_rules(rules)
    width = engine.memory_width
    return Config(spec=rules, splat=engine, radiance=replace(cache, spec=rules.radiance, memory_width=width), **own)


def _published(engine: splat.Config, cache: radiance.Config, **changes: Any) -> Config:
    rules = published(engine.spec, replace(cache.spec, **changes))
    return compose(engine, rules, cache)


def nano() -> Config:
    """`tiny` with 4 lanes, each with a back end of its own, and the shortest queues."""
    return _published(replace(splat.nano(), lane_share=1), radiance.nano(), id_bits=24)


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
