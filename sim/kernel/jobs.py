"""Runs one job of an engine on the simulator's memory: image in, bytes and counters out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hw.generate import Generated
from hw.lib.counters import CounterLayout
from hw.lib.fields import unpack
from sim.kernel import runner
from sim.kernel.console import follow
from sim.kernel.designs import design
from sim.kernel.dram import Dram
from sim.kernel.dram_parts import counted_parts, part_plusargs, parts_of
from sim.kernel.folders import run_folder
from sim.kernel.memory import DRAM_COUNTERS, IDLE_LIMIT, SOURCES, MemoryHarness
from sim.kernel.waves import Waves, waves_hint

Bytes = npt.NDArray[np.uint8]
MIN_LOG2_BYTES = 23  # images up to 8 MiB share one build


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """How the simulated memory behaves. `bandwidth` and `stalls` are in 256ths."""

    latency: int = 100  #: cycles
    bandwidth: int = 256  #: words in 256 cycles
    stalls: int = 0  #: chance of a pause of each port in a cycle, in 256
    seed: int = 1
    dram: Dram | None = None  #: a DRAM's timing in place of latency and bandwidth; results never depend on it

    def words_a_cycle(self, word_bytes: int) -> float:
        """At most, reads and writes together: of a DRAM its published bandwidth, of any memory one word."""
        return min(1.0, self.dram.peak / word_bytes) if self.dram else self.bandwidth / 256

    def plusargs(self) -> dict[str, object]:
        """What `external_memory.v`, and what else the engine's harness holds, reads."""
        own = {name: value for name, value in vars(self).items() if name != "dram" and value is not None}
        return {**own, **(self.dram.plusargs() if self.dram else {})}

    def record(self) -> dict[str, Any]:
        """For reports."""
        return {**vars(self), "dram": self.dram.settings() if self.dram else None}


class Job(Protocol):
    """What an engine reads and writes: `data` from address 0, a result of `result_bytes` behind it.

    A job may have `parts` too, a mapping of names to first byte addresses: a DRAM then counts by part (`parts_of`).
    """

    @property
    def data(self) -> Bytes: ...
    @property
    def header_address(self) -> int: ...
    @property
    def result_address(self) -> int: ...
    @property
    def result_bytes(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a job left in memory, what it counted, and how long it took."""

    data: Bytes  # the result region
    counters: dict[str, int]
    bytes_read: int  # as the memory counted them
    bytes_written: int
    generate_seconds: float  # Amaranth to Verilog, near 0 where it was kept
    build_seconds: float  # Verilator and the C++ compiler, near 0 where it was kept
    run_seconds: float  # the whole process: start, image, job, dump
    free_seconds: float  # from start to done, the simulator running free
    dram: dict[str, int] | None = None  # what the DRAM counted, where there was one
    dram_parts: dict[str, dict[str, int]] = field(default_factory=dict)  # and of each of the job's parts
    taps: dict[str, Path] = field(default_factory=dict)


def run_job(
    make: Callable[[], Any], name: str, config: Any, job: Job, counters: CounterLayout, *,
    memory: MemorySettings = MemorySettings(), taps: Path | None = None, waves: Waves | None = None,
    rebuild: bool = False, timeout: int = 100_000_000, sources: Sequence[Path] = (), words: int | None = None,
) -> JobResult:  # fmt: skip
    """Builds the engine that `make` returns with a memory large enough, runs the job, reads the result.

    `sources`: Verilog files that the engine's own harness needs.
    `taps`: a folder for the recorded streams. `words`: how many the job writes, where that is known before, so that
    the time left can be shown. Nothing else is left behind but waves, and the log of a run that failed.

    Raises:
        SimulationError: not done after `timeout` cycles, no word moved for so long that the engine must hang
            (`IDLE_LIMIT` cycles), or an access beyond the memory.
        InputError: waves of a scope that is not there.
    """
    word = config.word_bytes
    begin = time.perf_counter()
    harness = job_design(make, name, config, job)
    generate_seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    if waves:
        waves.window(harness)  # before the build: is there such a scope?
    built = runner.build(harness, sources=[*SOURCES, *sources], waves=waves and waves.format, again=rebuild)
    build_seconds = time.perf_counter() - begin

    with run_folder(name) as folder:
        plusargs = {**memory_files(job, word, memory, folder), **({"taps": taps} if taps else {})}
        env = {
            "TESSERA_TIMEOUT": str(timeout),
            "TESSERA_ADDRESS": str(job.header_address),
            "TESSERA_RESULT": str(folder / "result.json"),
            "TESSERA_PROGRESS": str(folder / "progress"),
        }
        begin = time.perf_counter()
        with follow(folder / "progress", words):
            runner.run(
                built, "sim.kernel.job_bench", plusargs=plusargs, env=env, folder=folder, seed=memory.seed, waves=waves
            )
        run_seconds = time.perf_counter() - begin
        result = json.loads((folder / "result.json").read_text())
        _refuse_unfinished(name, result, timeout)
        data = read_dump(folder / "dump.hex")
    return JobResult(
        data=data,
        counters=unpack(int(result["counters"], 16), counters),
        bytes_read=result["words_read"] * word,
        bytes_written=result["words_written"] * word,
        generate_seconds=generate_seconds,
        build_seconds=build_seconds,
        run_seconds=run_seconds,
        free_seconds=result["seconds"],
        dram=memory.dram.counted(unpack(int(result["memory"], 16), DRAM_COUNTERS)) if memory.dram else None,
        dram_parts=counted_parts(parts_of(job), int(result["parts"], 16), memory.dram) if memory.dram else {},
        taps={path.stem: path for path in taps.iterdir()} if taps else {},
    )


def _refuse_unfinished(name: str, result: Mapping[str, Any], timeout: int) -> None:
    if result["fault"]:
        raise runner.SimulationError(f"{name}: access to address {result['fault_address']:#x}, beyond the memory's end")
    if result["stuck"]:
        raise runner.SimulationError(
            f"{name}: hangs: no word has moved for {IDLE_LIMIT} cycles, at cycle {result['cycle']}; "
            f"{waves_hint(result['cycle'] - IDLE_LIMIT)}"
        )
    if not result["done"]:
        raise runner.SimulationError(f"{name}: not done after {timeout} cycles")


def job_design(make: Callable[[], Any], name: str, config: Any, job: Job) -> Generated:
    """The engine that `make` returns with a memory large enough for the job."""
    word = config.word_bytes
    total = job.result_address + job.result_bytes
    log2_words = max(MIN_LOG2_BYTES, (total - 1).bit_length()) - (word.bit_length() - 1)
    variant = {"width": 8 * word, "log2_words": log2_words}
    return design(lambda: MemoryHarness(make(), **variant), f"{name}_job", config, variant=variant)


def memory_files(job: Job, word: int, memory: MemorySettings, folder: Path) -> dict[str, object]:
    """Writes the folder's image.bin, and returns the plus-arguments of external_memory.v, which will write dump.hex."""
    _write_image(job.data, word, folder / "image.bin")
    return {
        "image": folder / "image.bin",
        "dump": folder / "dump.hex",
        "dump_first": job.result_address // word,
        "dump_last": (job.result_address + job.result_bytes) // word - 1,
        **memory.plusargs(),
        **(part_plusargs(parts_of(job)) if memory.dram else {}),
    }


def read_dump(path: Path) -> Bytes:
    """The bytes of a dump.hex, which holds a word a line and the highest byte first."""
    lines = (line for line in path.read_text().splitlines() if not line.startswith(("@", "//")))
    return np.frombuffer(b"".join(bytes.fromhex(line)[::-1] for line in lines), np.uint8)


def _write_image(data: Bytes, word: int, path: Path) -> None:
    """$fread takes the first byte of a word as its highest; memory images are little endian."""
    padded = np.concatenate([data, np.zeros(-len(data) % word, np.uint8)])
    padded.reshape(-1, word)[:, ::-1].tofile(path)
