"""Everything that changes what the radiance cache returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from golden.errors import InputError, Limits, OneOf, check_limits

PUBLISHED, HASH = "published", "hash"
PUBLISHED_LOW, PUBLISHED_BITS = 2, 18  #: of an id: bits [1:0] go to the set, bits [17:2] to the tag
START = 1  #: the hash of no id at all: records of another length have another hash
WORD_BITS = 32  # models keep long keys as int64 words of so many bits
CHANNEL_BITS = 8

#: By width of the hash, its polynomial without the leading term: the first irreducible one from 2**width times the
#: golden ratio's fraction on by which records that differ in one to four bits of 160 never have the same hash.
POLYNOMIALS = {
    32: 0x9E3779D3, 33: 0x13C6EF38B, 34: 0x278DDE6FF, 35: 0x4F1BBCDE3,
    36: 0x9E3779BAF, 37: 0x13C6EF375D, 38: 0x278DDE6E6B, 39: 0x4F1BBCDCDF,
    40: 0x9E3779B995, 41: 0x13C6EF37385, 42: 0x278DDE6E61F, 43: 0x4F1BBCDCCE9,
    44: 0x9E3779B9823, 45: 0x13C6EF37301F, 46: 0x278DDE6E5FFB, 47: 0x4F1BBCDCBFA9,
    48: 0x9E3779B97F5B,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Formats and sizes of the radiance cache. Every field changes hits, colours or what lies in memory."""

    record_length: int = 5  #: ids of the first significant Gaussians that make a pixel's record
    id_bits: int = 24  #: of a Gaussian's id
    key: str = HASH  #: `published`: bits of the ids side by side; `hash`: a hash that depends on their order
    key_bits: int = 40  #: of the hash
    ways: int = 4  #: entries of a set
    sets: int = 1024  #: of a region's cache
    channels: int = 4  #: bytes of a cached colour: red, green, blue, and coverage
    region: int = 64  #: pixels a side of the square that one cache serves

    LIMITS: ClassVar[Limits] = {
        "record_length": (1, 15), "id_bits": (16, 32), "key": OneOf((PUBLISHED, HASH)), "key_bits": (32, 48),
        "ways": (2, 8), "sets": (4, 4096), "channels": (3, 4), "region": (4, 64),
    }  # fmt: skip
    POWERS: ClassVar = ("ways", "sets", "region")

    def __post_init__(self) -> None:
        check_limits("radiance", self)
        if not self.hashed:
            if self.id_bits < PUBLISHED_BITS:
                raise InputError(
                    f"radiance: key = {PUBLISHED} needs id_bits of at least {PUBLISHED_BITS}, it is {self.id_bits}"
                )
            most = 1 << PUBLISHED_LOW * self.record_length
            if self.sets > most:
                raise InputError(
                    f"radiance: key = {PUBLISHED} makes at most {most} sets of {self.record_length} ids, "
                    f"sets is {self.sets}"
                )

    @property
    def hashed(self) -> bool:
        """Keys are hashes."""
        return self.key == HASH

    @property
    def whole_key_bits(self) -> int:
        """Set index and tag together."""
        return self.key_bits if self.hashed else PUBLISHED_BITS * self.record_length

    @property
    def set_bits(self) -> int:
        """The key's lowest bits."""
        return self.sets.bit_length() - 1

    @property
    def tag_bits(self) -> int:
        """The rest of the key."""
        return self.whole_key_bits - self.set_bits

    @property
    def tag_words(self) -> int:
        """int64 words of `WORD_BITS` that a model keeps a tag in."""
        return -(-self.tag_bits // WORD_BITS)

    @property
    def value_bits(self) -> int:
        """A cached colour."""
        return CHANNEL_BITS * self.channels

    @property
    def pixels(self) -> int:
        """Pixels of a region, row by row: the order of everything that has one."""
        return self.region**2

    @cached_property
    def hash_columns(self) -> tuple[int, ...]:
        """x**(k + id_bits) modulo the polynomial, for k from 0 to key_bits - 1.

        hash' = XOR of the columns of the bits that are set in hash ^ id << key_bits - id_bits: the remainder of
        a cyclic redundancy check after another id_bits bits, highest first.
        """
        top, polynomial = 1 << self.key_bits, POLYNOMIALS[self.key_bits]
        power, columns = 1, []
        for k in range(self.key_bits + self.id_bits):
            if k >= self.id_bits:
                columns.append(power)
            power <<= 1
            if power & top:
                power ^= top | polynomial
        return tuple(columns)


DEFAULT = Spec()
#: Lumina: 16 bits of each of five ids as tag, 4 ways × 1024 sets, 3 bytes of colour.
PAPER = Spec(key=PUBLISHED, channels=3)
#: Unit tests, proofs and small FPGAs: three ids, 16 sets, 8×8 pixels.
TINY = Spec(record_length=3, id_bits=16, key_bits=32, sets=16, region=8)
