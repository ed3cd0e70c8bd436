"""A baseline's workload as data: what a kernel gets and what it must answer, so that it can run on another machine.

This file, the kernels of every engine and what they import need nothing but torch, so that `tessera baseline --export`
can pack them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sim.kernel.processor import Processor

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

Settings = Mapping[str, Any]  # numbers, words and truths
Tensors = Mapping[str, "Tensor"]


class WrongAnswerError(RuntimeError):
    """A baseline gives another answer than the reference; its time would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A workload of an engine for one of its kernels."""

    engine: str
    kernel: str  #: a name in `sim.<engine>.kernels.KERNELS`
    workload: Mapping[str, Any]  #: by which records and reports know it
    method: str  #: as records and tables call the kernel
    inputs: Tensors  #: on the device before the time counts
    settings: Settings
    answer: Tensors  #: the golden reference's or model's


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """How a problem is solved on a device, and how its answer is judged."""

    make: Callable[[Tensors, Settings], Callable[[], Any]]  #: from inputs on the device, what is timed
    #: From what was answered and the problem: figures for the record. Raises WrongAnswerError.
    judge: Callable[[Any, Problem], dict[str, Any]]
    #: What it is bound by on a GPU, `memory`; None where launches or a mix of stages decide, so that no roof scales it.
    roof: str | None = None
    kinds: tuple[str, ...] = ("cpu", "cuda")  #: of device that it runs on
    needs: Callable[[], object] = field(default=lambda: None)  #: raises NotMeasuredError where a package is missing


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One of the random workloads that a baseline is measured on."""

    seed: int
    names: Mapping[str, str]  #: for its workload; nothing of the one that the comparison shows


def draws(views: int) -> list[Draw]:
    """The workload that is compared, of seed 1, and so many others, which are no report's."""
    return [Draw(seed=1, names={}), *(Draw(seed=k + 2, names={"view": f"{k}/{views}"}) for k in range(views))]


def kernel_of(problem: Problem) -> Kernel:
    """By the name that the problem gives."""
    return import_module(f"sim.{problem.engine}.kernels").KERNELS[problem.kernel]


def solve(problem: Problem, processor: Processor) -> dict[str, Any] | None:
    """An entry for a record: the answer is judged before its time counts; None if the kernel is not for the device.

    Raises:
        WrongAnswerError: the answer is not the reference's. NotMeasuredError: a package is missing.
    """
    kernel = kernel_of(problem)
    if processor.about["kind"] not in kernel.kinds:
        return None
    kernel.needs()
    run = kernel.make({name: tensor.to(processor.place) for name, tensor in problem.inputs.items()}, problem.settings)
    figures = kernel.judge(run(), problem)
    named = {"workload": dict(problem.workload), "method": problem.method, "roof": kernel.roof}
    return {**named, **processor.measure(run), **figures}
