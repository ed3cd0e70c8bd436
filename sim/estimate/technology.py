"""The technologies that a design can be mapped to: named libraries, and any liberty files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from golden.errors import InputError
from sim.estimate import embedded
from sim.estimate.liberty import Cell, Library, read_library
from sim.estimate.slim import slim_text, usable_cells
from sim.kernel.data import VARIABLE, data_folder
from sim.kernel.files import write_text
from sim.kernel.folders import BUILD

LIBRARIES = BUILD / "estimate" / "libraries"


@dataclass(frozen=True, kw_only=True)
class Technology:
    """A library of cells, and how it is used."""

    name: str
    liberty: tuple[Path, ...]
    node_nm: int | None  #: None for a library that a user brought without saying so
    period_ps: int  #: what buffers and drive strengths are chosen for
    unused: tuple[str, ...] = ()  #: patterns of cells that mapping may not choose
    macros: str | None = None  #: of the technology's SRAM macros, the folder beside the library's

    @cached_property
    def library(self) -> Library:
        """All cells."""
        return read_library(self.liberty)

    @cached_property
    def usable(self) -> dict[str, Cell]:
        """The cells that mapping may choose.

        Raises:
            InputError: among them is no inverter, no gate of two inputs or no flip-flop, so that nothing can be mapped.
        """
        cells = usable_cells(self.library, self.unused)
        names = ", ".join(path.name for path in self.liberty)
        if not any(cell.is_flip_flop for cell in cells.values()):
            raise InputError(f"{names}: a library to map to must have a flip-flop, this one has none that may be used")
        if not any(len(cell.pins) == 3 and not cell.state for cell in cells.values()):
            raise InputError(f"{names}: a library to map to must have gates of two inputs, this one has none")
        return cells

    @cached_property
    def digest(self) -> str:
        """Of the liberty files and of what is used of them."""
        digest = hashlib.sha256(repr((self.unused, self.period_ps)).encode())
        for path in self.liberty:
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    @cached_property
    def slim(self) -> Path:
        """A liberty file of the usable cells without power tables, for Yosys, abc and static timing."""
        path = LIBRARIES / f"{self.name}-{self.digest}.lib"
        if not path.exists():
            write_text(path, slim_text(self.library, self.usable))
        return path

    @cached_property
    def buffer(self) -> Cell:
        """The smallest buffer, which drives a module's inputs and whose inputs load its outputs."""
        return self._smallest("buffer", _passes)

    @cached_property
    def driver(self) -> Cell:
        """The largest buffer of up to twice the smallest one's area, for nets that load many pins."""
        buffers = [cell for cell in self.usable.values() if _passes(cell)]
        return max(
            (cell for cell in buffers if cell.area_um2 <= 2 * self.buffer.area_um2), key=lambda cell: cell.area_um2
        )

    @cached_property
    def flip_flop(self) -> Cell:
        """The smallest flip-flop that stores one pin at the rising edge."""
        return self._smallest("plain flip-flop", lambda cell: cell.is_flip_flop and _is_plain(cell))

    def _smallest(self, what: str, fits: Callable[[Cell], bool]) -> Cell:
        found = [cell for cell in self.usable.values() if fits(cell)]
        if not found:
            raise InputError(f"{self.name}: a library to map to must have a {what}, this one has none that may be used")
        return min(found, key=lambda cell: cell.area_um2)


def _passes(cell: Cell) -> bool:
    """Whether the cell is a buffer."""
    functions = [pin.function.strip("() ") for pin in cell.outputs]
    return not cell.state and len(cell.pins) == 2 and functions[0] in cell.pins


def _is_plain(cell: Cell) -> bool:
    (state,) = cell.group.all("ff")
    return state.attributes["next_state"].strip("!() ") in cell.pins and state.attributes["clocked_on"] in cell.pins


#: Named libraries: folder below `liberty`, node in nm, period in ps, cells that are not for data paths.
#: The patterns are those of OpenROAD-flow-scripts (DONT_USE_CELLS of each platform) and clock and delay cells.
_NAMED = {
    "nangate45": ("nangate45", 45, 1000, ("CLK*", "ANTENNA*", "FILL*"), "fakeram45"),
    "sky130": (
        "sky130hd", 130, 3000, ("*__probe*", "*__lpflow*", "*__dly*", "*__clk*", "*__macro*"), "sky130_sram"
    ),
    "ihp": ("ihp-sg13g2", 130, 3000, ("*_dly*", "*_sighold", "*_lgcp*", "*_antenna*"), "ihp_sram"),
    "asap7": ("asap7", 7, 500, ("*x1p*", "*xp*", "SDF*", "ICG*", "*DLY*", "HB*"), None),
}  # fmt: skip
NAMED = ("embedded", *_NAMED)


def named(name: str) -> Technology:
    """A technology by name; all but `embedded` need the library's files in the data folder.

    Raises:
        InputError: the name is none of `NAMED`, or its files are not there.
    """
    if name not in NAMED:
        raise InputError(f"--technology must be one of {', '.join(NAMED)}, it is '{name}'")
    if name == "embedded":
        return _embedded()
    folder, node, period, unused, macros = _NAMED[name]
    place = data_folder() / "liberty" / folder
    files = tuple(sorted(path for path in place.glob("*.lib*") if path.name.endswith((".lib", ".lib.gz"))))
    if not files:
        raise InputError(
            f"{name}: no liberty file in {place}; set {VARIABLE} to the folder that has liberty/{folder}, or name the "
            "files with --liberty"
        )
    return Technology(name=name, liberty=files, node_nm=node, period_ps=period, unused=unused, macros=macros)


def _embedded() -> Technology:
    """The table of this project, as a liberty file among the generated ones."""
    text = embedded.liberty_text()
    path = LIBRARIES / f"table-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lib"
    if not path.exists():
        write_text(path, text)
    return Technology(name="embedded", liberty=(path,), node_nm=embedded.NODE_NM, period_ps=1000)


def from_files(files: Sequence[Path], *, name: str, node_nm: int | None, period_ps: int) -> Technology:
    """A technology of liberty files that a user names."""
    return Technology(name=name, liberty=tuple(files), node_nm=node_nm, period_ps=period_ps)
