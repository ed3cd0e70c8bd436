"""DRAM parts and controllers as numbers: what `dram_timing.v` is told, and the presets.

Times are DRAM clocks from command to command. docs/memory.md has the presets' sources, and what they leave out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar

from golden.errors import InputError, Limits, OneOf, check_limits

FLAT = "flat"  # the memory of a latency and a bandwidth
ALL_BANKS, PER_BANK = "all-bank", "per-bank"
PARTS = ("lpddr3", "lpddr4", "lpddr5")
TIME = (1, 4096)


@dataclass(frozen=True, kw_only=True)
class Dram:
    """Channels of one rank each, pages left open, one queue for reads and one for writes a channel.

    A byte's place, from the lowest bits of its address: the byte in its burst, the bank group, columns up to
    `interleave` bytes, then what `mapping` names from its last word to its first; columns end with the row.
    """

    name: str
    megahertz: int  #: of the DRAM's clock CK, on which commands come
    engine_megahertz: int = 1000  #: of the engine's clock
    channels: int = 4
    channel_bytes: int  #: that a channel moves in a beat
    burst_beats: int  #: beats of an access
    burst: int  #: clocks that an access takes on the data bus
    banks: int = 8  #: of a channel, in all groups
    groups: int = 1  #: bank groups
    row_bytes: int = 2048  #: of an open row
    rows: int = 32768  #: of a bank

    cl: int  #: tCL: read to its first beat, with tDQSCK
    cwl: int  #: tCWL: write to its first beat, with tDQSS
    rcd: int  #: tRCD: activate to read or write
    rp: int  #: tRP: precharge to activate
    ras: int  #: tRAS: activate to precharge
    rc: int  #: tRC: activate to activate of a bank
    rrd: int  #: tRRD: activate to activate of other banks
    faw: int  #: tFAW: four activates of a channel lie in no shorter time
    ccd: int  #: tCCD: read to read, write to write
    ccd_long: int  #: tCCD_L: the same within a bank group
    wtr: int  #: tWTR: a write's last beat to read
    rtw: int  #: tRTW: read to write
    wr: int  #: tWR: a write's last beat to precharge
    rtp: int  #: tRTP: read to precharge
    refi: int  #: tREFI: a refresh of every bank each so many; 0: none
    rfc: int  #: tRFC: refresh to activate
    refresh: str = ALL_BANKS  #: all banks at once, or one after the other
    activate_clocks: int = 1  #: that an activate takes on the command bus
    column_clocks: int = 1  #: the same of a read or write
    precharge_clocks: int = 1  #: the same of a precharge or refresh

    queue: int = 64  #: reads, and writes, that wait in a channel
    window: int = 64  #: of these, how many the scheduler looks at; 1: in order
    cap: int = 16  #: accesses that may pass an older one of their bank that needs another row
    path: int = 16  #: clocks from the data's last beat to the engine's port: controller, PHY, interconnect
    interleave: int = 64  #: bytes that follow each other in a channel
    mapping: str = "row-bank-column-channel"  #: of the address above `interleave`, from the highest bits down
    hash: int = 0  #: 1: the bank is exclusive-or of itself and the row's lowest bits, the channel of all bits above it

    LIMITS: ClassVar[Limits] = {
        "name": OneOf(PARTS), "megahertz": (1, 4000), "engine_megahertz": (10, 4000),
        "channels": (1, 16), "channel_bytes": (1, 16),
        "burst_beats": (1, 64), "burst": (1, 64), "banks": (1, 32), "groups": (1, 8), "row_bytes": (256, 16384),
        "rows": (16, 1 << 18), **dict.fromkeys(("cl", "cwl", "rcd", "rp", "ras", "rc", "rrd", "faw"), TIME),
        **dict.fromkeys(("ccd", "ccd_long", "wtr", "rtw", "wr", "rtp", "rfc"), TIME), "refi": (0, 1 << 20),
        "refresh": OneOf((ALL_BANKS, PER_BANK)),
        **dict.fromkeys(("activate_clocks", "column_clocks", "precharge_clocks"), (1, 8)),
        "queue": (4, 64), "window": (1, 64), "cap": (1, 1024), "path": (0, 1024), "interleave": (8, 1 << 16),
        "mapping": OneOf(
            ("row-bank-column-channel", "row-column-bank-channel", "row-bank-channel-column", "row-column-channel-bank",
             "row-channel-bank-column", "bank-row-column-channel")
        ),
        "hash": (0, 1),
    }  # fmt: skip
    POWERS: ClassVar = (
        "channels",
        "channel_bytes",
        "burst_beats",
        "banks",
        "groups",
        "row_bytes",
        "rows",
        "interleave",
    )

    def __post_init__(self) -> None:
        check_limits(f"dram {self.name}", self)
        least, most = self.burst_bytes * self.groups, self.row_bytes * self.groups
        if not least <= self.interleave <= most:
            raise InputError(
                f"dram {self.name}: interleave must lie in a burst's and a row's bytes of all groups, {least}..{most}, "
                f"it is {self.interleave}"
            )
        if self.burst_bytes < 16:
            raise InputError(f"dram {self.name}: a burst must have at least 16 bytes, it has {self.burst_bytes}")
        if self.groups > self.banks:
            raise InputError(f"dram {self.name}: groups must not exceed banks = {self.banks}, it is {self.groups}")
        if self.megahertz > 8 * self.engine_megahertz:
            raise InputError(
                f"dram {self.name}: megahertz must not exceed 8 · engine_megahertz = {8 * self.engine_megahertz}, "
                f"it is {self.megahertz}"
            )

    @property
    def burst_bytes(self) -> int:
        """Of an access."""
        return self.channel_bytes * self.burst_beats

    @property
    def peak(self) -> float:
        """Bytes an engine cycle, the published bandwidth: every channel's data bus always busy."""
        return self.channels * self.burst_bytes / self.burst * self.megahertz / self.engine_megahertz

    def places(self) -> dict[str, tuple[int, int]]:
        """Of channel, bank and row the lowest bit in an access's number, and how many bits."""
        low = _log2(self.interleave // self.burst_bytes)  # with the group's bits
        columns = _log2(self.row_bytes // self.burst_bytes) + _log2(self.groups) - low
        bits = {
            "channel": _log2(self.channels), "bank": _log2(self.banks // self.groups), "column": columns,
            "row": _log2(self.rows),
        }  # fmt: skip
        found: dict[str, tuple[int, int]] = {}
        for name in reversed(self.mapping.split("-")):
            found[name] = low, bits[name]
            low += bits[name]
        return found

    def plusargs(self) -> dict[str, int]:
        """What `dram_timing.v` reads."""
        places = self.places()
        told = {name: value for name, value in self.settings().items() if isinstance(value, int)}
        told |= {f"{name}_shift": places[name][0] for name in ("channel", "bank", "row")}
        told |= {"row_bits": places["row"][1], "burst_bits": _log2(self.burst_bytes)}
        told |= {"per_bank": int(self.refresh == PER_BANK)}
        return {f"dram_{name}": value for name, value in told.items()}

    def settings(self) -> dict[str, int | str]:
        """Every field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def counted(self, counters: Mapping[str, int]) -> dict[str, int]:
        """`DRAM_COUNTERS` with the bytes that crossed the pins."""
        moved = {f"{port}_bytes": counters[f"{port}_bursts"] * self.burst_bytes for port in ("read", "write")}
        return {**counters, **moved}


def _log2(value: int) -> int:
    return value.bit_length() - 1


DRAMS = {
    dram.name: dram
    for dram in (
        Dram(
            name="lpddr3", megahertz=800, channel_bytes=4, burst_beats=8, burst=4, row_bytes=4096, rows=16384,
            cl=12 + 4, cwl=6 + 1, rcd=15, rp=15, ras=34, rc=49, rrd=8, faw=40, ccd=4, ccd_long=4, wtr=6, rtw=16,
            wr=12, rtp=6, refi=3120, rfc=104, path=16,
        ),
        Dram(
            name="lpddr4", megahertz=1600, channel_bytes=2, burst_beats=16, burst=8,
            cl=28 + 3, cwl=14 + 1, rcd=29, rp=29, ras=68, rc=97, rrd=16, faw=64, ccd=8, ccd_long=8, wtr=16, rtw=26,
            wr=29, rtp=12, refi=6246, rfc=144, refresh=PER_BANK,
            activate_clocks=4, column_clocks=4, precharge_clocks=2, path=32,
        ),
        Dram(
            name="lpddr5", megahertz=800, channel_bytes=2, burst_beats=16, burst=2, banks=16, groups=4,
            cl=17 + 1, cwl=9, rcd=15, rp=15, ras=34, rc=49, rrd=4, faw=16, ccd=2, ccd_long=4, wtr=10, rtw=13,
            wr=28, rtp=6, refi=3125, rfc=168, activate_clocks=2, path=16, interleave=128,
        ),
    )
}  # fmt: skip


def dram_named(text: str) -> Dram | None:
    """A preset, `flat` (None), or a preset with fields changed: `lpddr4,channels=8,queue=16`.

    Raises:
        InputError: no such preset or field, a flat memory's field, or a value that the part refuses.
    """
    name, *changes = text.split(",")
    if name not in (FLAT, *DRAMS):
        raise InputError(f"--dram must be one of {', '.join((FLAT, *DRAMS))}, it is '{name}'")
    if name == FLAT:
        if changes:
            raise InputError(f"--dram: {FLAT} has no fields, it is given '{changes[0]}'")
        return None
    chosen: dict[str, Any] = {}
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals:
            raise InputError(f"--dram takes NAME,FIELD=VALUE, got '{change}'")
        known = [name for name in Dram.LIMITS if name != "name"]
        if field not in known:
            like = get_close_matches(field, known) or known
            raise InputError(f"--dram: no field '{field}', there is {', '.join(like)}")
        try:
            chosen[field] = value if isinstance(Dram.LIMITS[field], OneOf) else int(value, 0)
        except ValueError as error:
            raise InputError(f"--dram: {field} must be a whole number, it is '{value}'") from error
    return replace(DRAMS[name], **chosen)
