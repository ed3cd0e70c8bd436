"""One way to run: a workload through RTL, model or reference, compared and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from amaranth.lib import wiring

from golden.errors import InputError
from hw.lib.counters import CounterLayout
from sim.kernel.compare import Axes, CheckError, Results, StageStream, first_difference, first_stage
from sim.kernel.folders import run_folder
from sim.kernel.jobs import Job, JobResult, MemorySettings, run_job
from sim.kernel.quality import defined
from sim.kernel.report import make_report
from sim.kernel.roofline import Roofline, dram_bytes
from sim.kernel.waves import Waves


class Backend(StrEnum):
    """What computes a workload's results."""

    RTL = "rtl"  #: the generated Verilog in simulation
    MODEL = "model"  #: the bit-true model
    REFERENCE = "reference"  #: the published algorithm in float32


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
    words: Callable[[W], int | None] = lambda _: None  #: that a run writes to memory, where known before it
    axes: Axes = field(default_factory=dict)
    sources: Sequence[Path] = ()  #: Verilog that the top's harness needs


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
    job: JobResult | None = None  #: of the RTL
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
        building = self.job.generate_seconds + self.job.build_seconds
        return f"{self.seconds:.1f} s (building {building:.1f} s, simulating {self.job.run_seconds:.1f} s)"

    def report(self) -> dict[str, Any]:
        """The run as JSON, in the schema that all engines share."""
        config = self.workload.config
        verdict = {"rtl_equals_model": True, "words_compared": self.words} if self.checked else {}
        timing = {"backend": str(self.backend), "seconds": round(self.seconds, 3)}
        return make_report(
            engine=self.operation.engine,
            config=config,
            seed=self.memory.seed,
            workload={**self.workload.info(), **timing},
            memory=vars(self.memory),
            roofline=self.roofline,
            counters=self.counters,
            dram_bytes=dram_bytes(self.counters, config.word_bytes) if self.job else None,
            quality={**self.quality, **verdict},
        )


def run_operation(
    operation: Operation[W], workload: W, *, backend: Backend = Backend.RTL,
    memory: MemorySettings = MemorySettings(), check: bool = False, waves: Waves | None = None, rebuild: bool = False,
) -> Run:  # fmt: skip
    """Computes the workload's results; with `check` every word of the RTL's is compared with the model's.

    Raises:
        InputError: `check` or `waves` for a backend without RTL.
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
        job = simulate(operation, workload, memory=memory, waves=waves, rebuild=rebuild)
        wrong = operation.sound(workload, job)
        if wrong:
            raise CheckError(wrong)
        results = operation.read(workload, job)
        roofline = operation.roofline(workload, job, memory)
    if check and job:
        compare(operation, workload, results, model, memory)
    return Run(
        operation=operation, workload=workload, backend=backend, memory=memory, results=results,
        seconds=time.perf_counter() - begin, checked=check, model=model, job=job, roofline=roofline,
        quality=defined(operation.quality(workload, results)),
    )  # fmt: skip


def refuse_without_rtl(backend: Backend, *, check: bool, waves: bool) -> None:
    """Only RTL can be compared with the model, and only RTL has waves.

    Raises:
        InputError: `check` or `waves` for another backend.
    """
    if backend != Backend.RTL:
        for name, wanted in (("--check", check), ("--waves", waves)):
            if wanted:
                raise InputError(f"{name} needs --backend rtl, it is '{backend}'")


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
    operation: Operation[W], workload: W, results: Results, model: Any, memory: MemorySettings = MemorySettings()
) -> None:
    """Compares every word of the results with the model's whole answer.

    Raises:
        CheckError: one differs. The job is run again with the stages' streams recorded, and the message names the
            first stage that differs as well.
    """
    difference = first_difference(operation.expected(workload, model), results, operation.axes)
    if difference:
        stage = stage_difference(operation, workload, model, memory)
        raise CheckError(f"{difference}; the first stage that differs: {stage}" if stage else difference)


def stage_difference(
    operation: Operation[W], workload: W, model: Any, memory: MemorySettings = MemorySettings()
) -> str | None:
    """Runs with taps, or in parts, and names the first difference of the earliest stage that has one, if any has."""
    streams = operation.streams(workload, model)
    if not streams:
        return operation.narrow(operation, workload, memory)
    with run_folder(f"{operation.engine}-taps") as folder:
        return first_stage(streams, simulate(operation, workload, memory=memory, taps=folder).taps)
