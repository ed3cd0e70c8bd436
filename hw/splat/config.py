"""The splatting engine's specification, and everything that changes only its speed and area."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from golden.errors import InputError, Limits, check_limits
from golden.splat.memory_map import INDEX_RECORD_BYTES, VOXEL_BYTES, record_bytes
from golden.splat.spec import DEFAULT as DEFAULT_SPEC
from golden.splat.spec import NANO as NANO_SPEC
from golden.splat.spec import PAPER as PAPER_SPEC
from golden.splat.spec import TINY as TINY_SPEC
from golden.splat.spec import Spec
from hw.splat.layouts import carried_bits

SMALLEST_CACHE = 16  # words


@dataclass(frozen=True, kw_only=True)
class Config:
    """The spec, and widths and depths that change no pixel."""

    spec: Spec = field(default_factory=Spec)
    memory_width: int = 512  #: bits of a memory word; one word a cycle is the peak bandwidth
    coarse_lanes: int = 4  #: Gaussians that the coarse filter takes a cycle
    coarse_interval: int = 1  #: cycles from one row of the coarse filter to the next; more take fewer multipliers
    fine_units: int = 1  #: candidates that the fine filter takes a cycle, if their records lie in one memory word
    fine_interval: int = 1  #: cycles from one candidate of the fine filter to the next; more take fewer multipliers
    outstanding: int = 256  #: bursts under way at the memory, all readers together
    list_words: int = 32  #: words of the visiting lists that are read ahead
    coarse_words: int = 128  #: words of coarse halves that are read ahead
    record_words: int = 128  #: words of records that are read ahead
    row_depth: int = 62  #: rows of Gaussians in the coarse filter, with those that wait with survivors
    candidate_depth: int = 192  #: candidates that wait for their records
    splat_depth: int = 128  #: sorted splats that wait for the rasteriser
    lane_groups: int = 4  #: groups of subtile² pixel lanes, each with its own splat and sub-tile in every cycle
    lane_share: int = 1  #: lanes that share a back end, behind the test on their exponent (Lumina's NRU); 1: none
    lane_depth: int = 512  #: splats that wait for a lane group
    issue_window: int = 3  #: splats among which a lane group looks for a free sub-tile
    pixel_depth: int = 17  #: finished sub-tiles that wait for memory; from 17 on they follow each other at its pace
    pixel_interval: int = 1  #: cycles from one word of pixels to the next while bursts are read; more suit a DRAM
    coarse_cache: int = 0  #: words of coarse halves kept for other groups and later frames of a path; 0: none
    record_cache: int = 0  #: words of records kept for other groups and later frames of a path; 0: none
    shared_sort: int = 0  #: 1: it draws frames whose lists are in drawing order too (Lumina's S²), past the depth sort
    lean: int = 0  #: 1: queues without a depth here are registers, what has no interval here comes in turn
    order_rows: int = 64  #: rows of the voxel table that the voxel sorting unit reads ahead
    order_voxels: int = 8192  #: voxels in view that the voxel sorting unit orders
    order_sides: int = 256  #: columns of groups, or rows, and one more, that it tests voxels against

    LIMITS: ClassVar[Limits] = {
        "memory_width": (128, 512), "coarse_lanes": (1, 8), "coarse_interval": (1, 8), "fine_units": (1, 2),
        "fine_interval": (1, 16), "outstanding": (4, 1024),
        "list_words": (1, 64), "coarse_words": (1, 512), "record_words": (2, 512),
        "row_depth": (4, 510), "candidate_depth": (1, 1024), "splat_depth": (4, 512), "lane_groups": (1, 16),
        "lane_share": (1, 8),
        "lane_depth": (1, 1024), "issue_window": (1, 16), "pixel_depth": (1, 1024), "pixel_interval": (1, 64),
        "coarse_cache": (0, 1 << 15), "record_cache": (0, 1 << 15),
        "shared_sort": (0, 1), "lean": (0, 1),
        "order_rows": (0, 256), "order_voxels": (16, 1 << 17), "order_sides": (4, 2048),
    }  # fmt: skip
    POWERS: ClassVar = (
        "memory_width",
        "coarse_lanes",
        "coarse_interval",
        "fine_units",
        "fine_interval",
        "lane_groups",
        "lane_share",
        "coarse_cache",
        "record_cache",
        "order_voxels",
        "order_sides",
    )

    def __post_init__(self) -> None:
        check_limits("splat", self)
        if self.coarse_lanes * 64 > self.memory_width:
            raise InputError(
                f"splat: coarse_lanes must not exceed memory_width / 64 = {self.memory_width // 64}, "
                f"it is {self.coarse_lanes}"
            )
        if self.lane_groups > self.spec.columns:
            raise InputError(
                f"splat: lane_groups must not exceed group_size / subtile = {self.spec.columns}, "
                f"it is {self.lane_groups}"
            )
        if self.lane_share > 1 and (self.spec.alpha_check != "pixel" or not self.spec.preemptive):
            raise InputError(
                f"splat: lane_share must be 1 unless alpha_check is pixel and preemptive 1, it is {self.lane_share}"
            )
        if self.lane_share > self.spec.lanes:
            raise InputError(f"splat: lane_share must not exceed subtile² = {self.spec.lanes}, it is {self.lane_share}")
        for name in ("coarse_cache", "record_cache"):
            if 0 < getattr(self, name) < SMALLEST_CACHE:
                raise InputError(
                    f"splat: {name} must be 0 or at least {SMALLEST_CACHE} words, it is {getattr(self, name)}"
                )
        if self.writes_order and (room := carried_bits(self.spec)) < 8 * VOXEL_BYTES:
            raise InputError(
                f"splat: shared_sort must be 0 unless a splat and what it touches have {8 * VOXEL_BYTES} bits, in "
                f"which the depth sort carries an entry of a list: they have {room}"
            )
        if self.fine_units > 1 and self.fine_interval > 1:
            raise InputError(f"splat: fine_interval must be 1 with two fine_units, it is {self.fine_interval}")
        size = INDEX_RECORD_BYTES if self.spec.codebooks else record_bytes(0)
        records = self.word_bytes // size
        if self.fine_units > 1 and self.fine_units > min(records, self.coarse_lanes):
            raise InputError(
                f"splat: fine_units above 1 must not exceed memory_width / {8 * size} = {records} nor "
                f"coarse_lanes = {self.coarse_lanes}, it is {self.fine_units}"
            )

    def depth(self, places: int) -> int:
        """Of a queue whose depth is no field: `places`, or, if `lean`, 1."""
        return 1 if self.lean else places

    def rows_ahead(self, rows: int) -> int:
        """Rows of tables that a reader asks for ahead: `rows`, or, if `lean`, none."""
        return 0 if self.lean else rows

    @property
    def order_interval(self) -> int:
        """Cycles from one product, or test, of the voxel sorting unit to the next."""
        return 4 if self.lean else 1

    @property
    def setup_interval(self) -> int:
        """Cycles from one splat on a sub-tile to the next in a lane group's set-up."""
        return 4 if self.lean and self.lane_share > 1 else 1

    @property
    def writes_order(self) -> bool:
        """It writes lists in drawing order, too: with codebooks equal depths have another order than the lists'."""
        return self.shared_sort == 1 and not self.spec.codebooks

    @property
    def sort_inputs(self) -> int:
        """Survivors that the depth sort takes a cycle; what may go past it goes one by one."""
        return 1 if self.shared_sort else min(self.fine_units, self.spec.sort_banks)

    @property
    def sides_bits(self) -> int:
        """Bits of a column's or row's number."""
        return (self.order_sides - 1).bit_length()

    @property
    def word_bytes(self) -> int:
        return self.memory_width // 8

    @property
    def lanes(self) -> int:
        """Pixels drawn in a cycle by all lane groups."""
        return self.lane_groups * self.spec.lanes

    @property
    def places(self) -> int:
        """Sub-tiles of a square of pixels that one lane group draws."""
        return self.spec.columns**2 // self.lane_groups


def nano() -> Config:
    """`tiny` with 4 lanes on one back end, paced filters, narrow formats and short queues: for a small FPGA."""
    return replace(
        tiny(),
        spec=NANO_SPEC,
        coarse_interval=8,
        fine_interval=16,
        outstanding=8,
        list_words=1,
        coarse_words=1,
        record_words=64,
        row_depth=64,
        candidate_depth=1,
        splat_depth=64,
        lane_share=4,
        lane_depth=1,
        issue_window=1,
        pixel_depth=1,
        lean=1,
        order_rows=0,
        order_voxels=256,
        order_sides=64,
    )


def tiny() -> Config:
    """16 lanes, SH of degree 1, 16×16 groups, 128-bit memory: unit tests, proofs, small FPGAs."""
    return Config(
        spec=TINY_SPEC,
        memory_width=128,
        coarse_lanes=1,
        outstanding=32,
        list_words=4,
        coarse_words=64,
        record_words=64,
        row_depth=30,
        candidate_depth=32,
        splat_depth=8,
        lane_groups=1,
        lane_depth=8,
        issue_window=2,
        order_rows=16,
        order_voxels=1024,
        order_sides=64,
    )


def default() -> Config:
    """64 pixel lanes in four groups, four coarse filter lanes to two fine units, 64 bytes a cycle."""
    return Config(spec=DEFAULT_SPEC, fine_units=2, lane_depth=1024, issue_window=5, coarse_cache=1024)


def paper() -> Config:
    """StreamingGS as far as it is known: its codebooks, four coarse filter units to one fine unit, 64 pixel lanes.

    docs/splat.md lists what differs.
    """
    return Config(spec=PAPER_SPEC)


CONFIGS = {"nano": nano, "tiny": tiny, "default": default, "paper": paper}
