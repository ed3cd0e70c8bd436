"""Baselines on every processor of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
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
    """The entries of all problems on the CPU, and on the GPU where there is one; and remarks.

    A kernel that lacks something is a remark with the reason, and the others stand.

    Raises:
        WrongAnswerError: a kernel's answer is not the reference's.
    """
    import torch

    known = list(problems)
    with step("timing on the CPU"):
        measured, remarks = _solved(known, cpu())
    if not torch.cuda.is_available():
        return measured, [*remarks, gpu_remark()]
    with step("timing on the GPU"):
        there, more = _solved(known, cuda())
    return [*measured, *there], [*remarks, *more]


def _solved(problems: Iterable[Problem], processor: Processor) -> tuple[list[Measured], list[str]]:
    """What a processor measured, if it did anything, and each reason once why it did not."""
    entries: list[dict[str, Any]] = []
    reasons: dict[str, None] = {}
    for problem in problems:
        try:
            entry = solve(problem, processor)
        except NotMeasuredError as error:
            reasons[str(error)] = None
            continue
        if entry:
            entries.append(entry)
    return [(dict(processor.about), entries)] if entries else [], list(reasons)
