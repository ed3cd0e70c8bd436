from __future__ import annotations

from pathlib import Path

import pytest

from golden.errors import InputError
from hw.generate import Generated, generate
from hw.lib.checked import Checked
from sim.kernel import waves
from sim.kernel.memory import MemoryHarness
from sim.kernel.waves import Waves, find_scopes, waves_file, waves_hint
from tests.sim.conftest import Tessera
from tests.sim.kernel.faulty import Faulty
from tests.sim.kernel.memory_run import LOG2_WORDS, WIDTH, Passthrough


@pytest.fixture(scope="module")
def harness() -> Generated:
    """A design with a module of another file below it."""
    return generate(MemoryHarness(Passthrough(), width=WIDTH, log2_words=LOG2_WORDS), "job")


def test_scopes_are_found_by_name_path_and_module(harness: Generated) -> None:
    """The top by default, or every instance that is meant."""
    assert find_scopes(harness, None) == ["job"]
    for name in ("memory", "job.memory", "external_memory"):
        assert find_scopes(harness, name) == ["job.memory"]
    assert set(find_scopes(harness, "stream_tap")) == {"job.tap_memory_writes"}


def test_a_scope_that_is_not_there(harness: Generated) -> None:
    """The message names similar ones."""
    with pytest.raises(InputError, match="no module 'memroy' in job; there are for example memory"):
        find_scopes(harness, "memroy")


def test_the_window_is_in_picoseconds() -> None:
    """Whole cycles: from the first's rising edge to the end of the last."""
    design = generate(Checked(Faulty()), "faulty")
    assert Waves(path=Path("a.vcd"), first=3, last=7).window(design) == "3000 7999 faulty"
    assert Waves(path=Path("a.fst"), scope="check_i").window(design) == f"0 {2**64 - 1} faulty.check_i"


@pytest.mark.parametrize(
    ("path", "first", "last", "message"),
    [
        ("waves.txt", 0, None, "waves.txt: waves are written as .fst, .vcd or .saif"),
        ("waves", 0, None, "waves are written as .fst, .vcd or .saif"),
        ("w.vcd", -1, None, "the first cycle of waves must be at least 0, it is -1"),
        ("w.vcd", 9, 8, "the last cycle of waves must be at least the first, 9, it is 8"),
    ],
)
def test_bad_waves(path: str, first: int, last: int | None, message: str) -> None:
    """Rule and value."""
    with pytest.raises(InputError, match=message):
        Waves(path=Path(path), first=first, last=last)


def test_waves_of_a_failed_run_stay(tmp_path: Path) -> None:
    """They are needed most there; an interrupted run, or one that wrote none, leaves nothing."""

    def fail(name: str, text: bytes, error: BaseException) -> None:
        with waves_file(tmp_path / name) as file:
            file.write_bytes(text)
            raise error

    for name, text, error in (("0", b"$", RuntimeError), ("1", b"", RuntimeError), ("2", b"$", KeyboardInterrupt)):
        with pytest.raises(error):
            fail(name, text, error())
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_the_root_scope_has_a_name_that_readers_take(tmp_path: Path) -> None:
    """In place, whatever the size of the file."""
    with waves_file(tmp_path / "a.vcd") as file:
        file.write_bytes(b"$version x $end\n $scope module $rootio $end\n $upscope $end\n#0\n")
    assert (tmp_path / "a.vcd").read_text() == "$version x $end\n $scope module _rootio $end\n $upscope $end\n#0\n"


def test_a_large_file_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While it grows, with the way out."""
    monkeypatch.setattr(waves, "LARGE", 100)
    scale = waves._Scale(tmp_path / "x", tmp_path / "w.vcd")
    for size in (10, 1000, 2000):
        (tmp_path / "x").write_bytes(b"0" * size)
        scale.look()
    assert capsys.readouterr().err.count("--waves-from, --waves-to and --waves-scope record less") == 1


def test_a_hint_is_a_window() -> None:
    """Some cycles before the one, and a few after."""
    assert waves_hint(1000) == "to see it add --waves waves.vcd --waves-from 800 --waves-to 1020"
    assert "--waves-from 0 --waves-to 25" in waves_hint(5)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Waves]:
    """The waves that a command asks for; nothing is simulated."""
    asked: list[Waves] = []

    def run(*_: object, waves: Waves, **__: object) -> None:
        asked.append(waves)
        raise InputError("asked")

    monkeypatch.setattr("sim.kernel.run.run_job", run)
    return asked


@pytest.mark.parametrize("possible", [True, False])
def test_fst_where_it_can_be_had(
    tessera: Tessera, written: list[Waves], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, possible: bool
) -> None:
    """Otherwise VCD, and a line says which packages are missing; cycles and scope arrive either way."""
    monkeypatch.setattr("sim.commands.options.fst_possible", lambda: possible)
    outcome = tessera(
        "reduce", "--size", 64, "--config", "tiny", "--waves", tmp_path / "w.fst", "--waves-from", 5, "--waves-to", 9,
        "--waves-scope", "engine",
    )  # fmt: skip
    suffix = "fst" if possible else "vcd"
    assert written == [Waves(path=tmp_path / f"w.{suffix}", first=5, last=9, scope="engine")]
    assert ("liblz4-dev" in outcome.err) != possible


@pytest.mark.parametrize(("option", "value"), [("--waves-from", 3), ("--waves-to", 3), ("--waves-scope", "engine")])
def test_what_goes_with_waves_does_not_go_alone(tessera: Tessera, option: str, value: object) -> None:
    """A window of nothing is refused."""
    outcome = tessera("reduce", "--size", 64, option, value)
    assert outcome.status == 2
    assert outcome.err == f"tessera: error: {option} needs --waves FILE\n"
