"""Baselines on every processor of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from typing import Any

from sim.kernel.baseline import Measured
from sim.kernel.console import step
from sim.kernel.energy import NotMeasuredError
from sim.kernel.problem import Problem, solve
from sim.kernel.processor import Processor, cpu, cuda

GPU_WAY = (
    "install the build of torch {torch} for the driver's CUDA, by the command that PyTorch's page of downloads names, "
    "then `.venv/bin/pip install -e '.[gpu]'`"
)


def measure_everywhere(entries: Callable[[Processor], list[dict[str, Any]]]) -> tuple[list[Measured], list[str]]:
    """A workload's entries of the CPU, and of the GPU where there is one; and remarks.

    Args:
        entries: measures on a processor; raises NotMeasuredError, with the reason, where it cannot.
    """
    import torch

    with step("timing on the CPU"):
        here = cpu()
        measured: list[Measured] = [(dict(here.about), entries(here))]
    if not torch.cuda.is_available():
        return measured, [gpu_remark()]
    try:
        with step("timing on the GPU"):
            there = cuda()
            return [*measured, (dict(there.about), entries(there))], []
    except NotMeasuredError as error:
        return measured, [str(error)]


def gpu_remark() -> str:
    """Why no GPU is measured, and the way out where one is there."""
    import torch

    if shutil.which("nvidia-smi") is None:
        return "no CUDA device at hand: no GPU baseline"
    if torch.version.cuda is None:
        way = GPU_WAY.format(torch=torch.__version__.partition("+")[0])
        return f"a GPU is at hand, but this torch ({torch.__version__}) is a CPU build: {way}"
    return f"a GPU is at hand, but torch {torch.__version__} cannot use it: its driver may be older than that CUDA"


def solve_everywhere(problems: Iterable[Problem]) -> tuple[list[Measured], list[str]]:
    """The entries of all problems on the CPU, and on the GPU where there is one; and remarks."""
    known = list(problems)

    def entries(processor: Processor) -> list[dict[str, Any]]:
        solved = (solve(problem, processor) for problem in known)
        return [entry for entry in solved if entry]

    return measure_everywhere(entries)
