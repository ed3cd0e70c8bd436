"""Every engine's Verilog by itself, as other programs read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.generate import Generated, generate
from hw.lib.queue import StreamQueue
from sim.engines import ENGINES
from sim.kernel.designs import design as kept_design
from tests.hw.lib.test_shared import Top
from tests.hw.readers import READERS, slang, verible, verilator

CONFIGS = ["tiny", *(pytest.param(name, marks=pytest.mark.slow) for name in ("default", "paper"))]


def design(engine: str, config_name: str) -> Generated:
    entry = ENGINES[engine]
    config = entry.configs[config_name]()
    return kept_design(lambda: entry.top(config), engine, config)


def written(folder: Path, text: str, name: str = "design.v") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("config_name", CONFIGS)
@pytest.mark.parametrize("engine", ENGINES)
def test_readers_accept_an_engine(engine: str, config_name: str, tmp_path: Path) -> None:
    """Verilator's lint with every warning, Verible's parser, slang's parser and elaboration."""
    path = written(tmp_path, design(engine, config_name).verilog)
    for reader in READERS.values():
        reader(path)


@pytest.mark.parametrize("config_name", CONFIGS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_name_is_a_plain_one(engine: str, config_name: str) -> None:
    """No number instead of a name, nothing that must be escaped, no name of the writer's own."""
    text = re.sub(r'//.*|"[^"]*"', "", design(engine, config_name).verilog)
    assert not re.findall(r"\\\S+|\b_\d+_\b|\$(?!signed\b|unsigned\b)\w+", text)


class Faultless(wiring.Component):
    """Something of all that readers complain of elsewhere: states, sums, a field that is not read, a word `units`."""

    def __init__(self) -> None:
        record = data.StructLayout({"first": 4, "second": 4})
        super().__init__({"i": In(record), "global": In(1), "o": Out(5)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.units = units = StreamQueue(shape=4, depth=2)
        kept = Signal(4)
        m.d.comb += [units.i.valid.eq(1), units.i.payload.eq(self.i.first), units.o.ready.eq(1)]
        m.d.comb += self.o.eq(units.o.payload + kept)
        with m.FSM():
            for state, following in ("AB", "BC", "CA"):
                with m.State(state):
                    m.d.sync += kept.eq(getattr(self, "global"))
                    m.next = following
        return m


BUGS: list[tuple[Callable[[Path], None], str, str, str]] = [
    (verilator, r".*lint_off UNUSEDSIGNAL\n", "", "UNUSEDSIGNAL"),
    (verilator, r".*lint_off WIDTHEXPAND\n", "", "WIDTHEXPAND"),
    (verilator, r".*lint_off DECLFILENAME\n", "", "DECLFILENAME"),
    (verilator, r".*default: ;\n", "", "CASEINCOMPLETE"),
    (verilator, r"reg \[3:0\] kept;", "reg [3:0] kept = 4'h0;", "PROCASSINIT"),
    (verilator, r"assign o = ", "assign o = i + ", "WIDTHTRUNC"),
    (verible, r"units_ \(", "units (", "units"),
    (slang, r"assign o = ", "assign o = i + ", "WidthTruncate"),
    (slang, r"endmodule", "  wire other = never_declared;\nendmodule", "UndeclaredIdentifier"),
]


@pytest.fixture(scope="module")
def faultless() -> str:
    return generate(Faultless(), "faultless").verilog


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_readers_accept_what_is_meant(reader: Callable[[Path], None], faultless: str, tmp_path: Path) -> None:
    reader(written(tmp_path, faultless))


@pytest.mark.parametrize(("reader", "what", "instead", "message"), BUGS)
def test_the_readers_find_faults(
    reader: Callable[[Path], None], what: str, instead: str, message: str, faultless: str, tmp_path: Path
) -> None:
    """What the writer takes care of is needed, each of it."""
    text, count = re.subn(what, instead, faultless)
    assert count, f"nothing like {what} is in the Verilog"
    with pytest.raises(AssertionError, match=message):
        reader(written(tmp_path, text))


def test_two_configs_fit_into_one_design(tmp_path: Path) -> None:
    """With prefixes no module of one file has a name of the other; without, slang finds that they collide."""
    plain, left = (generate(Top(), "top", prefix=prefix) for prefix in ("", "left_"))
    slang(written(tmp_path, plain.verilog + left.verilog, "both.v"))
    with pytest.raises(AssertionError, match=r"Redefinition|Duplicate"):
        slang(written(tmp_path, plain.verilog + plain.verilog, "twice.v"))
    assert (left.name, left.modules) == ("left_top", ["left_group", "left_lane", "left_lane_2"])
    assert re.search(r"^module left_top\(", left.verilog, re.MULTILINE)
