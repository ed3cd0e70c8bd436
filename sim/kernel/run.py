"""One way to run: a workload through RTL, model or reference, compared and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy.typing as npt
from amaranth.lib import wiring

from golden.errors import InputError
from hw.lib.counters import CounterLayout
from sim.kernel.compare import (
    Axes,
    CheckError,
    Results,
    StageStream,
    first_difference,
    first_stage,
    last_write,
    picture_difference,
)  # fmt: skip
from sim.kernel.console import note, warn
from sim.kernel.differences import Difference
from sim.kernel.dram_parts import part_lines
from sim.kernel.files import write_png
from sim.kernel.folders import LOGS, run_folder
from sim.kernel.jobs import Job, JobResult, MemorySettings, run_job
from sim.kernel.memory import WRITES
from sim.kernel.quality import defined
from sim.kernel.report import make_report
from sim.kernel.roofline import Roofline, above_record, dram_bytes
from sim.kernel.waves import Waves, waves_hint


class Backend(StrEnum):
    """What computes a workload's results."""

    RTL = "rtl"  #: the generated Verilog in simulation
    MODEL = "model"  #: the bit-true model
    REFERENCE = "reference"  #: the published algorithm in float32
    FPGA = "fpga"  #: the hardware, on a board behind a serial port


class Workload(Protocol):
    """A job for an engine: the config it was laid out for, the bytes in memory, and what identifies it in reports."""

    @property
    def config(self) -> Any: ...
    @property
    def memory(self) -> Job: ...
    def info(self) -> Mapping[str, Any]: ...


W = TypeVar("W", bound=Workload)


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[W]):
    """Something an engine can be asked to do, and all that a run must know of it.

    `model`, `reference` and `quality` may import torch when they are called; nothing else here may.
    """

    engine: str
    top: Callable[[W], wiring.Component]
    counters: CounterLayout
    read: Callable[[W, JobResult], Results]  #: from the bytes that the RTL left in memory
    model: Callable[[W], Any]  #: the model's whole answer
    expected: Callable[[W, Any], Results]  #: of that answer, what `read` must give
    reference: Callable[[W], Results]  #: under names of its own where it computes other things
    roofline: Callable[[W, JobResult, MemorySettings], Roofline]
    quality: Callable[[W, Results], Mapping[str, Any]] = lambda _, __: {}  #: of the results, whatever computed them
    streams: Callable[[W, Any], Mapping[str, StageStream]] = lambda _, __: {}  #: of the stages with taps, in order
    #: Where no stream is recorded: runs parts of the workload, and says which of them is the first that goes wrong.
    narrow: Callable[[Operation[W], W, MemorySettings], str | None] = lambda _, __, ___: None
    sound: Callable[[W, JobResult], str | None] = lambda _, __: None  #: what the counters say went wrong
    #: For a result, of every word the byte of the result region that it was read from.
    offsets: Callable[[W], Mapping[str, npt.NDArray]] = lambda _: {}
    words: Callable[[W], int | None] = lambda _: None  #: that a run writes to memory, where known before it
    axes: Axes = field(default_factory=dict)
    #: The highest ratio to the bound that docs/ records for the workload's config, at the default memory, if any.
    recorded_ratio: Callable[[W], float | None] = lambda _: None
    sources: Sequence[Path] = ()  #: Verilog that the top's harness needs


#: Runs a workload's job on hardware of its own.
Execute = Callable[[Operation[Any], Any], JobResult]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a workload gave and what it cost."""

    operation: Operation[Any]
    workload: Any
    backend: Backend
    memory: MemorySettings
    results: Results
    seconds: float  #: of the backend, and of the model where it was compared
    checked: bool = False  #: every result equals the model's
    model: Any = None  #: the model's whole answer, where it was asked
    job: JobResult | None = None  #: of the RTL, in simulation or on a board
    roofline: Roofline | None = None  #: of the RTL
    quality: dict[str, Any] = field(default_factory=dict)  #: None for a figure that has no value

    @property
    def counters(self) -> dict[str, int]:
        """Counters of the hardware; none for other backends."""
        return self.job.counters if self.job else {}

    @property
    def words(self) -> int:
        """Words of the results."""
        return sum(array.size for array in self.results.values())

    @property
    def took(self) -> str:
        """How long it took, for people."""
        if self.job is None:
            return f"{self.seconds:.1f} s"
        if self.backend == Backend.FPGA:
            link = self.job.run_seconds - self.job.free_seconds
            return f"{self.seconds:.1f} s (link {link:.1f} s, job {self.job.free_seconds:.3f} s)"
        building = self.job.generate_seconds + self.job.build_seconds
        return f"{self.seconds:.1f} s (building {building:.1f} s, simulating {self.job.run_seconds:.1f} s)"

    def memory_use(self) -> str | None:
        """How the DRAM of the RTL's run was used, for people, if it had one."""
        if self.job is None or self.job.dram is None or self.memory.dram is None or self.roofline is None:
            return None
        counted, peak = self.job.dram, self.memory.dram.peak
        accesses = counted["read_bursts"] + counted["write_bursts"]
        hits = counted["read_row_hits"] + counted["write_row_hits"]
        moved = counted["read_bytes"] + counted["write_bytes"]
        return (
            f"{self.memory.dram.name}: {moved} B, {moved / (self.roofline.cycles * peak):.1%} of {peak:g} B a cycle, "
            f"{hits / max(accesses, 1):.1%} row hits, "
            f"{counted['read_activations'] + counted['write_activations']} activations, "
            f"waited {counted['read_waits']} cycles for reads and {counted['write_waits']} for writes"
        )

    def memory_parts(self) -> list[str]:
        """The same by part of the memory, a line each; none without a DRAM."""
        return part_lines(self.job.dram_parts) if self.job else []

    def report(self) -> dict[str, Any]:
        """The run as JSON, in the schema that all engines share."""
        config = self.workload.config
        hardware = "board" if self.backend == Backend.FPGA else "rtl"
        verdict = {f"{hardware}_equals_model": True, "words_compared": self.words} if self.checked else {}
        timing = {"backend": str(self.backend), "seconds": round(self.seconds, 3)}
        return make_report(
            engine=self.operation.engine,
            config=config,
            seed=self.memory.seed,
            workload={**self.workload.info(), **timing},
            memory={} if self.backend == Backend.FPGA else self.memory.record(),  # a board's is its own
            roofline=self.roofline,
            counters=self.counters,
            dram_bytes=dram_bytes(self.counters, config.word_bytes) if self.job else None,
            dram={**self.job.dram, "parts": self.job.dram_parts} if self.job and self.job.dram else None,
            quality={**self.quality, **verdict},
        )


def run_operation(
    operation: Operation[W], workload: W, *, backend: Backend = Backend.RTL,
    memory: MemorySettings = MemorySettings(), check: bool = False, waves: Waves | None = None, rebuild: bool = False,
    beside: Path | None = None, execute: Execute | None = None,
) -> Run:  # fmt: skip
    """Computes the workload's results; with `check` every word of the RTL's is compared with the model's.

    `beside`: a file in whose folder a picture of the difference goes, if there is one. `execute`: the board of the
    backend `fpga`.

    Raises:
        InputError: `check` or `waves` for a backend without RTL, or a board is wanted and there is none.
        CheckError: RTL and model differ, or the hardware counted an error.
        SimulationError: the RTL did not finish, or left its memory.
    """
    refuse_without_rtl(backend, check=check, waves=waves is not None)
    begin = time.perf_counter()
    model = operation.model(workload) if backend == Backend.MODEL or check else None
    job = roofline = None
    if backend == Backend.REFERENCE:
        results = operation.reference(workload)
    elif backend == Backend.MODEL:
        results = operation.expected(workload, model)
    else:
        if backend == Backend.FPGA:
            job = board_of(execute)(operation, workload)
        else:
            job = simulate(operation, workload, memory=memory, waves=waves, rebuild=rebuild)
        wrong = operation.sound(workload, job)
        if wrong:
            raise CheckError(wrong)
        results = operation.read(workload, job)
        roofline = operation.roofline(workload, job, memory)
        if backend == Backend.RTL and memory == type(memory)(seed=memory.seed):
            slow = above_record(roofline, operation.recorded_ratio(workload))
            if slow:
                warn(f"{operation.engine}: {slow}")
    if check and job:
        compare(operation, workload, results, model, memory, beside, stages=backend == Backend.RTL)
    return Run(
        operation=operation, workload=workload, backend=backend, memory=memory, results=results,
        seconds=time.perf_counter() - begin, checked=check, model=model, job=job, roofline=roofline,
        quality=defined(operation.quality(workload, results)),
    )  # fmt: skip


def refuse_without_rtl(backend: Backend, *, check: bool, waves: bool) -> None:
    """Only RTL can be compared with the model, in simulation or on a board, and only a simulation has waves.

    Raises:
        InputError: `check` or `waves` for another backend.
    """
    if check and backend not in (Backend.RTL, Backend.FPGA):
        raise InputError(f"--check needs --backend rtl or fpga, it is '{backend}'")
    if waves and backend != Backend.RTL:
        raise InputError(f"--waves needs --backend rtl, it is '{backend}'")


def board_of(execute: Execute | None) -> Execute:
    """The way to the board.

    Raises:
        InputError: there is none.
    """
    if execute is None:
        raise InputError("--backend fpga holds one engine on one board: what takes several runs needs another backend")
    return execute


def simulate(
    operation: Operation[W], workload: W, *, memory: MemorySettings = MemorySettings(), taps: Path | None = None,
    waves: Waves | None = None, rebuild: bool = False,
) -> JobResult:  # fmt: skip
    """Runs the generated Verilog on the workload's bytes."""
    return run_job(
        lambda: operation.top(workload), operation.engine, workload.config, workload.memory, operation.counters,
        memory=memory, taps=taps, waves=waves, rebuild=rebuild, sources=operation.sources,
        words=operation.words(workload),
    )  # fmt: skip


def compare(
    operation: Operation[W],
    workload: W,
    results: Results,
    model: Any,
    memory: MemorySettings = MemorySettings(),
    beside: Path | None = None,
    *,
    stages: bool = True,
) -> None:
    """Compares every word of the results with the model's whole answer.

    Raises:
        CheckError: one differs. The difference is shown at once, a picture's as a picture beside the file `beside`.
            Then, with `stages`, the job is run again in simulation with the stages' streams recorded, and the message
            names the first stage that differs as well.
    """
    expected = operation.expected(workload, model)
    difference = first_difference(expected, results, operation.axes)
    if not difference:
        return
    note(f"{'RTL' if stages else 'board'} and model differ in {difference.table()}")
    picture = picture_difference(expected, results, operation.axes)
    if picture is not None:
        path = beside.with_name(f"{beside.stem}-difference.png") if beside else LOGS / f"{operation.engine}.png"
        write_png(path, picture)
        note(f"{path}: the pixels that differ in white")
    if not stages:
        raise CheckError(f"{difference}; a board records no streams: --backend rtl names the stage, if it differs too")
    note("looking for the first stage that differs: the job runs again, its streams recorded")
    stage = stage_difference(operation, workload, model, memory, difference)
    if stage is None:
        raise CheckError(f"{difference}; no stage's recorded stream differs")
    if isinstance(stage, Difference):
        note(f"the first stage that differs is {stage.table()}")
        if stage.cycle is not None:
            note(waves_hint(stage.cycle))
    raise CheckError(f"{difference}; the first stage that differs: {stage}")


def stage_difference(
    operation: Operation[W], workload: W, model: Any, memory: MemorySettings = MemorySettings(),
    result: Difference | None = None,
) -> Difference | str | None:  # fmt: skip
    """Runs with taps, or in parts, and names the first difference of the earliest stage that has one, if any has.

    If none has, the difference of `result` with the cycle in which the word was written last, where that is known.
    """
    streams = operation.streams(workload, model)
    if not streams:
        return operation.narrow(operation, workload, memory)
    with run_folder(f"{operation.engine}-taps") as folder:
        taps = simulate(operation, workload, memory=memory, taps=folder).taps
        found = first_stage(streams, taps)
        if found or result is None or result.word is None:
            return found
        offsets = operation.offsets(workload).get(result.word.name)
        if offsets is None:
            return None
        address = workload.memory.result_address + int(offsets[result.word.index])
        cycle = last_write(taps[WRITES], address, workload.config.word_bytes)
    extent = "every stream between the stages is right"
    return replace(result, place=f"memory write, {result.place}", extent=extent, cycle=cycle)
