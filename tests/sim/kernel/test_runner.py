from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hw.generate import Generated
from hw.lib.checked import Checked
from sim.kernel.designs import design
from sim.kernel.runner import MAKE_VARIABLES, SimulationError, build, run
from tests.sim.kernel.faulty import Faulty

BENCH = "tests.sim.kernel.behaviour_bench"


@pytest.fixture(scope="module")
def small() -> Generated:
    """A design that builds in seconds, the one of test_streams."""
    return design(lambda: Checked(Faulty()), "faulty", None)


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty build folder."""
    monkeypatch.setattr("sim.kernel.runner.BUILD", tmp_path)
    return tmp_path / "verilator"


def test_a_passing_bench_returns_its_folder(small: Generated) -> None:
    """A run that passes leaves its files where `run` says."""
    folder = run(build(small), BENCH, env={"TESSERA_BEHAVIOUR": "pass"})
    assert (folder / "ran").exists()
    assert (folder / "results.xml").exists()


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [("fail", "AssertionError: expected 1, got 2"), ("raise", "LookupError: the bench itself is wrong")],
)
def test_a_failing_bench_raises(small: Generated, behaviour: str, message: str) -> None:
    """An assertion or an error in a bench raises, with the end of its log."""
    with pytest.raises(SimulationError, match=f"^{BENCH}: 1 of 1 tests failed(.|\n)*{message}"):
        run(build(small), BENCH, env={"TESSERA_BEHAVIOUR": behaviour})


def test_a_simulator_that_dies_raises(small: Generated) -> None:
    """A simulator that ends without a result is a failure."""
    with pytest.raises(SimulationError, match=BENCH):
        run(build(small), BENCH, env={"TESSERA_BEHAVIOUR": "exit"})


def test_a_bench_without_tests_raises(small: Generated) -> None:
    """A module in which nothing runs proves nothing, so it fails."""
    with pytest.raises(SimulationError, match=r"sim\.kernel\.roofline"):
        run(build(small), "sim.kernel.roofline")


def test_a_design_that_does_not_build_raises(small: Generated, private: Path) -> None:
    """The error names the design and ends with Verilator's own words; nothing counts as built."""
    broken = replace(
        small, name="broken", verilog="module broken(input clk, output o); assign o = nothing; endmodule\n"
    )
    for _ in range(2):
        with pytest.raises(SimulationError, match=r"^broken does not build(.|\n)*nothing"):
            build(broken)
    assert not list(private.glob("*/built"))


def test_the_hook_replaces_what_cocotb_hard_codes(
    small: Generated, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only ports are visible, and make gets the wheel's missing variables."""
    commands: list[list[str]] = []
    monkeypatch.setattr("sim.kernel.runner._Runner._execute_cmds", lambda _self, given, *_: commands.extend(given))
    built = build(small, waves="vcd")
    verilate, make = commands
    assert "--public-flat-rw" not in verilate
    assert "--trace" in verilate
    assert make[0] == "make"
    assert set(MAKE_VARIABLES) < set(make)
    control = (built.folder / "control.vlt").read_text()
    assert all(f'-var "{port["name"]}"' in control for port in small.ports)


def test_a_calling_make_has_no_say(small: Generated, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build is the same below a `make` with flags, variables and a job server of its own."""
    monkeypatch.setenv("MAKEFLAGS", "Bn -j4 --jobserver-auth=9,10 -- OPT_FAST=-broken CXX=false")
    monkeypatch.setenv("MAKELEVEL", "1")
    monkeypatch.setenv("MAKEFILES", "/nowhere")
    run(build(small), BENCH, env={"TESSERA_BEHAVIOUR": "pass"})


def test_the_same_text_is_built_once(small: Generated) -> None:
    """Equal text and flags find the old build, and mark it as used."""
    first = build(small)
    written, used = ((first.folder / name).stat().st_mtime_ns for name in ("design.v", "built"))
    assert build(small) == first
    assert (first.folder / "design.v").stat().st_mtime_ns == written
    assert (first.folder / "built").stat().st_mtime_ns > used


def test_a_build_begins_with_an_empty_folder(small: Generated, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one that failed or was interrupted has left is gone: half a source file would be taken for whole."""
    monkeypatch.setattr("sim.kernel.runner._Runner.build", lambda *_, **__: None)
    built = build(small)
    (built.folder / "built").unlink()
    (built.folder / "Vtop__ALL.cpp").write_text("")
    build(small)
    assert {path.name for path in built.folder.iterdir()} == {"lock", "built", "design.v", "control.vlt"}


def test_other_flags_are_another_build(small: Generated, private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, sources, waves and threads all count."""
    monkeypatch.setattr("sim.kernel.runner._Runner.build", lambda *_, **__: None)
    extra = private.parent / "extra.v"
    extra.write_text("// nothing\n")
    other = replace(small, verilog=small.verilog + "\n")
    builds = [
        build(small),
        build(other),
        build(small, waves="vcd"),
        build(small, threads=2),
        build(small, sources=[extra]),
    ]
    assert len({b.folder for b in builds}) == len(builds)
