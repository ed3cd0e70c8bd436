"""Kernels for a GPU where none is: Triton's by its interpreter, where it is installed, and what is said elsewhere."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from golden.cluster.dataflows import Head, attend
from golden.cluster.heads import random_head
from sim.cluster import baseline as cluster
from sim.engines import ENGINES
from sim.kernel import gpu_code, processors
from sim.kernel.energy import NotMeasuredError
from sim.kernel.gpu_code import machine_code, need_clusters, need_triton
from sim.kernel.problem import Problem, kernel_of

GIVEN: dict[str, tuple[list[str], int]] = {
    "lod": (["embedded"], 64),
    "kv": (["synthetic"], 200),
    "cluster": (["reduce", "gather"], 0),
}


def of_triton(engine: str) -> Iterator[Problem]:
    """Its small problems."""
    inputs, size = GIVEN[engine]
    for problem in ENGINES[engine].baseline().problems(inputs, size):
        if "Triton" in problem.kernel:
            yield problem


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton's kernels run on this processor."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # it is asked when Triton is imported
    pytest.importorskip("triton", reason="no Triton: `pip install triton` into an environment of your own")


@pytest.mark.parametrize("engine", GIVEN)
def test_triton_answers_as_the_model(interpreted: None, engine: str) -> None:
    """Every kernel's answer is taken, and a wrong one would not be."""
    for problem in of_triton(engine):
        kernel = kernel_of(problem)
        kernel.judge(kernel.make(problem.inputs, problem.settings)(), problem)


def test_triton_decodes(interpreted: None) -> None:
    """Tokens that fill no block, and an output that fills none."""
    hidden, head = random_head(32, 90, 70, 1)
    got = import_module("sim.cluster.triton_kernels").decode({"hidden": hidden, **vars(head)}, {})()
    exact = attend(hidden.double(), Head(**{name: tensor.double() for name, tensor in vars(head).items()}))
    assert float((got - exact).norm() / exact.norm()) < 1e-6


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out: Triton, CUDA, a GPU that is too old, and a torch that cannot compile."""
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(NotMeasuredError, match=r"Triton is not installed: .*pip install triton"):
        need_triton()
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(NotMeasuredError, match="has no CUDA, whose compiler the kernel needs"):
        need_clusters()
    monkeypatch.setattr(torch.version, "cuda", "0.1")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 6))
    with pytest.raises(NotMeasuredError, match=r"needs compute capability 9\.0, the GPU has 8\.6"):
        need_clusters()
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    with pytest.raises(NotMeasuredError, match=r"cannot be compiled and loaded by this torch: libnvrtc\.so\.0"):
        need_clusters()


class FakeCompiler:
    """Stands for NVRTC: refuses source with the word `wrong`."""

    def __init__(self) -> None:
        self.source, self.options = b"", b""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("nvrtcGet"):
            kind, size = name.removeprefix("nvrtcGet").removesuffix("Size"), name.endswith("Size")
            text = {"ProgramLog": b"line 1: wrong\0", "CUBIN": b"code\0more"}[kind]
            return lambda _, out: (
                setattr(out._obj, "value", len(text)) if size else ctypes.memmove(out, text, len(text))
            )
        return {"nvrtcCreateProgram": self._create, "nvrtcCompileProgram": self._compile}.get(name, lambda _: 0)

    def _create(self, _: Any, source: bytes, *__: Any) -> int:
        self.source = source
        return 0

    def _compile(self, _: Any, __: int, options: Any) -> int:
        self.options = options[0]
        return int(b"wrong" in self.source)


def test_cuda_source_is_compiled_for_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """By torch's own compiler and loader; what the compiler says of an error is the error."""
    compiler = FakeCompiler()
    with pytest.raises(RuntimeError, match="line 1: wrong"):
        machine_code(compiler, "wrong", "sm_90")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (12, 0))
    monkeypatch.setattr(gpu_code, "_nvrtc", lambda: compiler)
    monkeypatch.setattr(gpu_code, "_loader", lambda: lambda code, names: dict.fromkeys(names, code))
    assert gpu_code.compiled("kernel", "k") == b"code\0more"
    assert compiler.options == b"--gpu-architecture=sm_120"


def test_a_kernel_that_lacks_something_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU without Triton and clusters torch's own entries stand, and each reason is said once."""
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for kind in ("cpu", "cuda"):
        about = {"kind": kind, "name": kind}
        stand_in = SimpleNamespace(about=about, place="cpu", measure=lambda run: {"median_ms": 1.0})
        monkeypatch.setattr(processors, kind, lambda made=stand_in: made)
    (_, (_, entries)), remarks = processors.solve_everywhere(cluster.problems(["reduce"]))
    assert {entry["method"] for entry in entries} == {"torch on one memory, float32 sums"}
    assert [re.sub(" .*", "", remark) for remark in remarks] == ["Triton", "this"]
