"""Everything that changes what the splatting engine draws."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from golden.errors import InputError, Limits, OneOf, check_limits
from golden.formats import Format, signed, unsigned
from golden.tables import LinearTable, StepTable

HALF_LOG2E = 0.5 * math.log2(math.e)  # turns ½·dᵀΣ⁻¹d of a base-e exponent into base 2
MAX_ALPHA = 0.99
MIN_ALPHA = 1 / 255
MIN_TRANSMITTANCE = 1e-4
DILATION = 0.3  # px²
LOW_PASS = math.sqrt(DILATION * -2 * math.log(MIN_ALPHA))  # px that the support of a point of opacity 1 reaches
#: Pixels by which a group's planes lie outside its edge: a point reaches so far that it meets the outer pixel's centre,
#: half a pixel inside, and centres are rounded, for which there is a quarter.
SIDE_MARGIN = LOW_PASS - 0.5 + 0.25
SCALE_BIAS = 20  # a scale code of 0 is 2**-20 voxel edges
CAMERA_FRACTION = 16  # of camera-space coordinates, in voxel edges
DEPTH_DROP = 8  # fraction bits of the depth that the coarse test's slope products leave out
SLACK_BITS = 7  # the coarse test's slack for that is 2**-7 voxel edges …
SLACK = 1 << (CAMERA_FRACTION - SLACK_BITS)  # … and this as a code
STRETCH_FRACTION = 7  # of the coarse test's bounds of sqrt(1 + tan²) …
FLAT_SHIFTS = (1, 2)  # … which it has for tangents up to 2**-shift beside the frame's largest, wide before narrow
LEAN_FRACTION = 9  # of the part of a group's width by which a wide support's reach is less than its radius
#: A voxel's slack against a group's sides: twice that, and 2**-12 voxel edges for the roundings of its middle.
LIST_SLACK = 2 * SLACK + (1 << (CAMERA_FRACTION - 12))
RECIPROCAL_BITS = 16  # of 1/focal length
NORMAL_FRACTION = 14  # of the magnitudes of the normals of a group's sides, u3.14
HALF_BITS = 16  # of a half extent of a voxel's box, on the voxel's own power of two
COVARIANCE_FRACTION = 12  # of the 2-D covariance in px² before its normalisation …
COVARIANCE_WIDTH = 36  # … and its bits
VARIANCE_WIDTH = COVARIANCE_WIDTH + 4  # of a variance along (3, 1)
MAX_DOUBLINGS = 11  # a covariance beyond its width is divided by a power of 4, as far as conic_shift holds it
QUOTIENT_BITS = 18  # of x/z on its own power of two, signed: one side of a multiplier
CENTRE_INTEGER = 10  # of a splat's centre on its exponent: a distance from it is one side of a multiplier
FURTHEST = 8  # the highest exponent of a splat's centre: it may lie 2**18 px off
SUM_WIDTH = 35  # sums of squares of the projected axes, u7.28
DIRECTION_FRACTION = 14  # unit view direction and SH polynomials
EXTENT_FACTOR_FRACTION = 8  # 2·ln(255·o), u4.8
GUARD_BITS = 4  # fraction bits that the sums of the pixel steps keep beyond power_fraction
#: A sub-tile whose first pixel has -log2(alpha) of 2**FAR or more has no pixel with alpha of 1/255
#: or more: the root of -log2(alpha) changes by less than 16 across 8 pixels at the sharpest conic.
FAR = 10
MAX_OCTAVE = 15  # the exponential is shifted down by at most so many bits
COLOR_INTEGER = 2  # a colour channel saturates below 4
RADIUS_MANTISSA = 6  # bits behind the leading one in the coarse record's bounding radius
RADIUS_BIAS = 20  # a radius code of exponent 0 is (1.m)·2**-20 voxel edges
RANK_BITS = 25  # of a Gaussian's place in the file, by which equal depths are ordered …
RANK_LOW_BITS = 5  # … and of those, the ones that its coarse half holds
INDEX_RECORD_BITS = 64  # of a record that holds indices of codebooks
#: The numbers of the sub-tile in column c and row r: c, r, c + r, c - r + columns - 1, and along the splat's direction
#: of `SLANTS` x·c + y·r, from 0 on. A splat has a range of each.
RANGES = ("column", "row", "sum", "difference", "slant")
#: Directions (x, y) half-way between the other four: `golden.splat.slant` says which is a splat's.
SLANTS = ((3, 1), (1, 3), (2, 1), (1, 2), (3, -1), (1, -3), (2, -1), (1, -2))
SLANT_REACH = 4  # most that x and y of a direction add up to


def flat_stretch(shift: int) -> int:
    """sqrt(1 + tan²) of tangents up to 2**-shift, rounded up, u1.7."""
    return math.ceil(math.sqrt(1 + 4.0**-shift) * (1 << STRETCH_FRACTION))


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Formats, thresholds and sizes of the splatting engine. Every field changes pixels.

    The defaults come from the sweep in docs/splat.md.
    """

    group_size: int = 64  #: pixels a side of a group, drawn at once
    subtile: int = 4  #: pixels a side of a sub-tile, drawn in one cycle by a lane for each
    sh_degree: int = 3  #: highest spherical-harmonics degree that is evaluated
    position_bits: int = 16  #: fraction of a voxel edge in positions, on each axis
    quaternion_bits: int = 12  #: each of w, x, y, z, two's complement, 1 = 2**(bits-1)
    scale_bits: int = 12  #: log2 of a scale in voxel edges, biased by 20
    scale_fraction: int = 7  #: of scale_bits, those that are fraction
    opacity_bits: int = 11  #: -log2 of the opacity, 3 integer bits
    dc_bits: int = 11  #: base colour, two's complement
    dc_fraction: int = 9  #: of dc_bits, those that are fraction
    sh_bits: int = 8  #: each higher coefficient, two's complement, block exponent a Gaussian
    mantissa_bits: int = 16  #: normalised operands of the projection
    covariance_bits: int = 16  #: normalised 2-D covariance before its determinant
    screen_fraction: int = 6  #: sub-pixel bits of a projected centre
    power_fraction: int = 6  #: fraction of -log2(alpha)
    exp_entries: int = 64  #: of the exponential's table, for one octave of alpha
    exp_linear: int = 0  #: 1: a straight line in each of the table's entries; 0: a constant
    alpha_bits: int = 10  #: alpha, all fraction
    alpha_check: str = "pixel"  #: what is tested: every pixel, any of a 2×2 block, or the block's centre
    preemptive: int = 1  #: 1: alpha >= 1/255 is tested on the exponent, before the table; 0: on alpha
    transmittance_bits: int = 16  #: transmittance, all fraction
    color_fraction: int = 8  #: fraction of a Gaussian's colour channel
    accumulator_fraction: int = 13  #: fraction of a pixel's colour channel
    depth_bits: int = 20  #: sort key: 5 bits exponent, the rest mantissa
    rank_bits: int = RANK_BITS  #: of a Gaussian's place in the file; fewer hold smaller scenes only
    sort_levels: int = 10  #: levels of a bank's heap, which holds 2**levels - 1 survivors
    sort_banks: int = 4  #: heaps that take survivors in turn
    codebooks: int = 0  #: 1: records are indices of codebooks; 0: records hold all codes
    scale_entries: int = 4096  #: of the codebook of scales
    rotation_entries: int = 4096  #: of the codebook of quaternions
    dc_entries: int = 4096  #: of the codebook of base colours
    sh_entries: int = 4096  #: of the codebook of higher coefficients

    LIMITS: ClassVar[Limits] = {
        "group_size": (8, 128), "subtile": (2, 8), "sh_degree": (0, 3), "position_bits": (8, 16),
        "quaternion_bits": (6, 16), "scale_bits": (8, 12), "scale_fraction": (3, 7), "opacity_bits": (6, 14),
        "dc_bits": (8, 14), "dc_fraction": (5, 12), "sh_bits": (4, 8), "mantissa_bits": (11, 17),
        "covariance_bits": (12, 26),
        "screen_fraction": (2, 8), "power_fraction": (4, 10), "exp_entries": (8, 1024),
        "exp_linear": (0, 1), "alpha_bits": (8, 16), "alpha_check": OneOf(("pixel", "quad_any", "quad_centre")),
        "preemptive": (0, 1),
        "transmittance_bits": (12, 18), "color_fraction": (6, 12), "accumulator_fraction": (8, 20),
        "depth_bits": (12, 30), "rank_bits": (RANK_LOW_BITS + 1, RANK_BITS), "sort_levels": (3, 13),
        "sort_banks": (1, 8), "codebooks": (0, 1),
        **{f"{book}_entries": (16, 1 << 16) for book in ("scale", "rotation", "dc", "sh")},
    }  # fmt: skip
    POWERS: ClassVar = (
        "group_size", "subtile", "exp_entries", "sort_banks",
        "scale_entries", "rotation_entries", "dc_entries", "sh_entries",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_limits("splat", self)
        if self.group_size < 2 * self.subtile or self.group_size > 16 * self.subtile:
            raise InputError(
                f"splat: group_size must be 2 to 16 sub-tiles a side, {self.group_size} px / {self.subtile} px is "
                f"{self.group_size / self.subtile:g}"
            )
        if self.mantissa_bits < self.power_fraction + GUARD_BITS + 3:
            raise InputError(
                f"splat: mantissa_bits must be at least power_fraction + {GUARD_BITS + 3}, "
                f"{self.mantissa_bits} for {self.power_fraction}"
            )
        if self.exp_entries << self.exp_linear > 1 << self.power_fraction:
            raise InputError(
                f"splat: exp_entries must be at most 2**(power_fraction - exp_linear) = "
                f"{1 << self.power_fraction >> self.exp_linear}, it is {self.exp_entries}"
            )
        if self.alpha_check != "pixel" and not self.preemptive:
            raise InputError(
                f"splat: preemptive=0 needs alpha_check=pixel, it is {self.alpha_check}: a block is judged by exponents"
            )
        if self.base_record_bits > 128:
            raise InputError(
                "splat: 4·quaternion_bits + 3·scale_bits + opacity_bits + 3·dc_bits must not exceed 128, "
                f"it is {self.base_record_bits}"
            )

        if self.codebooks and self.rank_bits < RANK_BITS:
            raise InputError(f"splat: rank_bits must be {RANK_BITS} with codebooks, it is {self.rank_bits}")
        if self.index_record_bits > INDEX_RECORD_BITS:
            raise InputError(
                f"splat: opacity_bits and the logarithms of the four codebooks' entries must not exceed "
                f"{INDEX_RECORD_BITS} bits, it is {self.index_record_bits}"
            )

    # Sizes -------------------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """Sub-tiles a side of a group."""
        return self.group_size // self.subtile

    @property
    def range_sizes(self) -> tuple[int, int, int, int, int]:
        """How many numbers there are of each kind in `RANGES`."""
        diagonals = 2 * self.columns - 1
        return self.columns, self.columns, diagonals, diagonals, SLANT_REACH * (self.columns - 1) + 1

    @property
    def lanes(self) -> int:
        """Pixels of a sub-tile, and lanes of a group of them."""
        return self.subtile**2

    @property
    def bank_capacity(self) -> int:
        """Survivors that one bank of the depth sort holds back."""
        return (1 << self.sort_levels) - 1

    @property
    def sort_capacity(self) -> int:
        """Survivors that all banks hold back."""
        return self.sort_banks * self.bank_capacity

    @property
    def base_record_bits(self) -> int:
        return 4 * self.quaternion_bits + 3 * self.scale_bits + self.opacity_bits + 3 * self.dc_bits

    @property
    def book_entries(self) -> tuple[int, int, int, int]:
        """Most entries of the books of scales, quaternions, base colours and higher coefficients."""
        return self.scale_entries, self.rotation_entries, self.dc_entries, self.sh_entries

    @property
    def index_record_bits(self) -> int:
        """Of a record with `codebooks`: an index into each book, and the opacity."""
        return sum(entries.bit_length() - 1 for entries in self.book_entries) + self.opacity_bits

    @property
    def rest_coefficients(self) -> int:
        """Coefficients per channel above the constant one."""
        return (self.sh_degree + 1) ** 2 - 1

    @property
    def lean(self) -> int:
        """2/3 · LOW_PASS as a part of a group's width between its planes, rounded down, LEAN_FRACTION."""
        return math.floor(2 / 3 * LOW_PASS / (self.group_size + 2 * SIDE_MARGIN) * (1 << LEAN_FRACTION))

    @property
    def screen_margin(self) -> int:
        """SIDE_MARGIN in steps of the screen, rounded up."""
        return math.ceil(SIDE_MARGIN * (1 << self.screen_fraction))

    # Formats -----------------------------------------------------------------------------------

    @property
    def camera_format(self) -> Format:
        """Camera-space coordinates, in voxel edges."""
        return signed(15, CAMERA_FRACTION)

    @property
    def rotation_format(self) -> Format:
        return signed(1, 16)

    @property
    def quaternion_format(self) -> Format:
        """Components of a stored unit quaternion."""
        return signed(0, self.quaternion_bits - 1)

    @property
    def slope_format(self) -> Format:
        """Tangents of a group's four sides."""
        return signed(2, 13)

    @property
    def furthest(self) -> int:
        """The highest exponent of a splat's centre: lower where the rasteriser's shifts would fall below 1."""
        gradient = self.mantissa_bits + self.screen_fraction - self.power_fraction - GUARD_BITS - 4
        start = (self.mantissa_bits + 2 * self.screen_fraction - self.power_fraction - 3) // 2
        return min(FURTHEST, gradient, start)

    @property
    def mean_format(self) -> Format:
        """Projected centres relative to the group's corner, in pixels."""
        return signed(CENTRE_INTEGER + self.furthest, self.screen_fraction)

    @property
    def centre_format(self) -> Format:
        """The same in a splat, on the splat's own power of two, 0 to `furthest`."""
        return signed(CENTRE_INTEGER, self.screen_fraction)

    @property
    def opacity_fraction(self) -> int:
        return self.opacity_bits - 3

    @property
    def power_format(self) -> Format:
        """-log2(alpha) of a pixel: 12 integer bits hold it wherever a touched sub-tile starts below 2**10."""
        return signed(12, self.power_fraction)

    @property
    def color_format(self) -> Format:
        return unsigned(COLOR_INTEGER, self.color_fraction)

    @property
    def accumulator_format(self) -> Format:
        return unsigned(COLOR_INTEGER, self.accumulator_fraction)

    # Thresholds as codes -----------------------------------------------------------------------

    @property
    def max_power(self) -> int:
        """Largest -log2(alpha) that is drawn: alpha >= 1/255."""
        return math.floor(-math.log2(MIN_ALPHA) * 2**self.power_fraction)

    @property
    def min_alpha(self) -> int:
        """Of an alpha of 1/255, which is cut to its code."""
        return math.floor(MIN_ALPHA * 2**self.alpha_bits)

    @property
    def max_alpha(self) -> int:
        return round(MAX_ALPHA * 2**self.alpha_bits)

    @property
    def full_transmittance(self) -> int:
        """The code nearest to 1 that fits."""
        return (1 << self.transmittance_bits) - 1

    @property
    def min_transmittance(self) -> int:
        return math.ceil(MIN_TRANSMITTANCE * 2**self.transmittance_bits)

    # Tables ------------------------------------------------------------------------------------

    @cached_property
    def reciprocal(self) -> LinearTable:
        """1/x for x in [1, 2): the perspective division, by a bit more of x than it gives."""
        bits = self.mantissa_bits
        return LinearTable(
            function=lambda x: 1 / x, low=1, span=1, in_bits=bits, index_bits=min(8, bits - 2), out_fraction=bits
        )

    @cached_property
    def scaled_reciprocal(self) -> LinearTable:
        """½·log2(e)/x for x in [1, 2): the inverse determinant, in the base-2 exponent's unit."""
        bits = self.mantissa_bits
        return LinearTable(
            function=lambda x: HALF_LOG2E / x,
            low=1,
            span=1,
            in_bits=bits - 1,
            index_bits=min(8, bits - 2),
            out_fraction=bits,
        )

    @cached_property
    def reciprocal_sqrt(self) -> LinearTable:
        """1/sqrt(x) for x in [1, 4), as a code of [0, 4): length of the view direction."""
        return LinearTable(
            function=lambda x: max(x, 1.0) ** -0.5, low=0, span=4, in_bits=16, index_bits=8, out_fraction=16
        )

    @cached_property
    def scale_exp2(self) -> StepTable:
        """2**x for x in [0, 1): mantissa of a scale, u1.16."""
        return StepTable(function=lambda x: 2**x, low=0, span=1, in_bits=self.scale_fraction, out_fraction=16, offset=0)

    @cached_property
    def extent_sqrt(self) -> StepTable:
        """An upper bound of sqrt(x) for x in [0, 4), u1.8, by the top 8 bits: support half-widths."""
        return StepTable(function=math.sqrt, low=0, span=4, in_bits=8, out_fraction=8, offset=1, round_up=True)

    @property
    def exp_index_bits(self) -> int:
        """Of power_fraction, those that choose the exponential's entry."""
        return self.exp_entries.bit_length() - 1

    @cached_property
    def alpha_exp2(self) -> StepTable:
        """2**-x for x in [0, 1), alpha before its shift: in each entry that of the middle code of its step."""
        rest = self.power_fraction - self.exp_index_bits
        return StepTable(
            function=lambda x: 2**-x, low=0, span=1, in_bits=self.exp_index_bits, out_fraction=self.alpha_bits,
            offset=(1 - 2**-rest) / 2,
        )  # fmt: skip

    @cached_property
    def alpha_exp2_linear(self) -> LinearTable:
        """The same by straight lines; a slope's error moves them by less than a tenth of alpha's step."""
        return LinearTable(
            function=lambda x: 2**-x, low=0, span=1, in_bits=self.power_fraction, index_bits=self.exp_index_bits,
            out_fraction=self.alpha_bits, slope_bits=self.alpha_bits,
        )  # fmt: skip


DEFAULT = Spec()
#: Equal to the default: the paper does not publish its formats, and its sizes are the default's.
PAPER = Spec(codebooks=1, sh_entries=512)
#: Unit tests, formal proofs and small FPGAs: 16 lanes, SH of degree 1, a 16×16 group.
TINY = Spec(
    group_size=16, subtile=4, sh_degree=1, sort_levels=8, sort_banks=1,
    scale_entries=256, rotation_entries=256, dc_entries=256, sh_entries=64,
)  # fmt: skip
#: A quarter of its pixels at a time, and the narrowest formats that keep the picture: docs/fpga.md.
NANO = replace(
    TINY, group_size=8, subtile=2, sort_levels=4, position_bits=12, quaternion_bits=8, opacity_bits=9, dc_bits=8,
    dc_fraction=6, sh_bits=6, mantissa_bits=11, covariance_bits=12, screen_fraction=4, power_fraction=4,
    exp_entries=16, alpha_bits=9, transmittance_bits=14, color_fraction=6, accumulator_fraction=10, depth_bits=14,
    rank_bits=16,
)  # fmt: skip
