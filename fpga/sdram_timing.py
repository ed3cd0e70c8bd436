"""An SDR SDRAM chip: how large it is, and how long it wants between commands, in ns and in clock cycles."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import ceil

from golden.errors import InputError

DATA_BITS = 16  # of a column
CAS_LATENCY = 2  # cycles from READ to its data
FASTEST_MHZ = 100.0  # with this latency: the chips below want 10 ns a cycle
INITIAL_REFRESHES = 8  # behind the power-up: some makers want 2, some 8
RECOVERY = 2  # cycles from a written column to its row's PRECHARGE that ISSI wants at any clock


@dataclass(frozen=True, kw_only=True)
class SdramClocks:
    """The shortest time from one command to another in clock cycles; of REFRESH also the longest."""

    power_up: int  #: from a steady clock to the first command
    mode_to_activate: int  #: from LOAD MODE on
    activate_to_column: int  #: a row to its READ or WRITE
    activate_to_precharge: int  #: a row to its end
    activate_to_activate: int  #: a row to another one of its bank
    precharge_to_activate: int  #: the end of a row to the next one, or to REFRESH
    write_to_precharge: int  #: a written column to the end of its row
    refresh_to_activate: int  #: REFRESH to anything
    read_to_write: int  #: a READ to a WRITE, whose data must not meet on the pins
    refresh_interval: int  #: between two REFRESH, on average

    def longest_access(self, columns: int) -> int:
        """More cycles than any word of so many columns takes, with what it waits for."""
        return columns + sum(
            getattr(self, field.name) for field in fields(self) if field.name not in ("power_up", "refresh_interval")
        )


@dataclass(frozen=True, kw_only=True)
class SdramChip:
    """Four banks of `rows` rows of `columns` columns of 16 bits; times in ns.

    Raises:
        InputError: rows or columns are no power of two, a time is not above 0, or the times contradict each other.
    """

    rows: int  #: of a bank
    columns: int  #: of a row; bit 10 of the address is a command's, so 1,024 at most
    power_up: float  #: of a steady clock and supply before the first command
    row_to_column: float  #: t_RCD
    row_open: float  #: t_RAS at least
    row_longest: float  #: t_RAS at most
    row_cycle: float  #: t_RC
    other_row: float  #: t_RRD, to a row of another bank
    precharge: float  #: t_RP
    write_recovery: float  #: t_WR
    refresh_cycle: float  #: t_RFC
    mode: float  #: t_MRD
    refresh: float  #: in which every row must be refreshed

    banks = 4

    def __post_init__(self) -> None:
        for name, most in (("rows", 8192), ("columns", 1024)):
            value = getattr(self, name)
            if value < 2 or value > most or value & (value - 1):
                raise InputError(f"an SDRAM's {name} must be a power of two of 2 to {most}, there are {value}")
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise InputError(f"an SDRAM's {field.name} must be above 0, it is {getattr(self, field.name)}")
        # Rows are opened `row_cycle` apart in whatever banks, and closed for every refresh.
        if self.other_row > self.row_cycle:
            raise InputError(
                f"an SDRAM's other_row of {self.other_row} ns must be within row_cycle, {self.row_cycle} ns"
            )
        if 2 * self.refresh / self.rows > self.row_longest:
            raise InputError(
                f"an SDRAM's rows may be open for {self.row_longest} ns, which two refreshes must be within"
            )

    @property
    def size(self) -> int:
        """Bytes."""
        return self.banks * self.rows * self.columns * DATA_BITS // 8

    def clocks(self, mhz: float) -> SdramClocks:
        """At so many MHz.

        Raises:
            InputError: that is too fast for a CAS latency of 2.
        """
        if mhz > FASTEST_MHZ:
            raise InputError(
                f"an SDRAM of CAS latency {CAS_LATENCY} takes {FASTEST_MHZ:g} MHz at most, not {mhz:g} MHz"
            )

        def cycles(time: float) -> int:
            return ceil(time * mhz / 1000 - 1e-9)

        return SdramClocks(
            power_up=cycles(self.power_up),
            mode_to_activate=max(2, cycles(self.mode)),  # JEDEC counts this one in cycles
            activate_to_column=cycles(self.row_to_column),
            activate_to_precharge=cycles(self.row_open),
            activate_to_activate=cycles(self.row_cycle),
            precharge_to_activate=cycles(self.precharge),
            write_to_precharge=max(RECOVERY, cycles(self.write_recovery)),
            refresh_to_activate=cycles(self.refresh_cycle),
            read_to_write=CAS_LATENCY + 2,  # between the last data read and the first written the pins rest for a cycle
            # A refresh waits for the word under way, less than an interval: so one more must be in time.
            refresh_interval=int(self.refresh * mhz / 1000 / (self.rows + 1)),
        )


#: The ULX3S's chip of 32 MiB. Boards carry one of several makers' (AS4C16M16SA, IS42S16160G, MT48LC16M16A2,
#: W9825G6KH), so each time is the longest of theirs. Sources: Alliance's data sheet of the AS4C16M16SA (rev. 3.0,
#: table 16, grade -7) for t_RCD, t_RP and the refreshes, 7.8 us apart; the table of chips in LiteDRAM for those of ISSI
#: (t_RFC 70 ns, t_WR 20 ns) and Micron (t_RAS 44 ns). From memory: t_RC as t_RAS + t_RP, t_RRD and t_MRD rounded up,
#: a longest t_RAS of 100 us (Alliance: 120), the power-up.
SDRAM_32_MIB = SdramChip(
    rows=8192, columns=512, power_up=200e3, row_to_column=21, row_open=44, row_longest=100e3, row_cycle=66,
    other_row=15, precharge=21, write_recovery=20, refresh_cycle=70, mode=15, refresh=64e6,
)  # fmt: skip
