"""The CUDA kernels of the baseline, compiled for this processor: their logic, not their speed, and no GPU."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from golden.cluster.dataflows import Head, attend
from golden.cluster.heads import random_head
from sim.cluster import cluster_kernels
from sim.cluster.cluster_kernels import TILE, decode_constants, source

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
HEADER = Path(__file__).with_name("cuda_on_cpu.h")
CALL = """
extern "C" void call_{name}(int grid, int threads, {parameters}) {{
    run(grid, BLOCKS, threads, [=] {{ {name}({names}); }});
}}
"""


def caller(name: str, *parameters: str) -> str:
    """A C function that starts a kernel with such parameters."""
    named = [f"p{k}" for k in range(len(parameters))]
    typed = ", ".join(f"{kind} {own}" for kind, own in zip(parameters, named, strict=True))
    return CALL.format(name=name, parameters=typed, names=", ".join(named))


def library(folder: Path, text: str) -> ctypes.CDLL:
    (folder / "kernel.cpp").write_text(text)
    out = folder / "kernel.so"
    command = ["g++", "-std=c++20", "-O1", "-shared", "-fPIC", "-pthread", "-include", HEADER, "-o", out]
    subprocess.run([*command, folder / "kernel.cpp"], check=True)
    return ctypes.CDLL(str(out))


def replaced(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Kernels are compiled for this processor, and `text` calls them."""
    known: dict[str, ctypes.CDLL] = {}

    def kernel(name: str, made: str) -> Any:
        if made not in known:
            known[made] = library(folder, made + text)
        call = getattr(known[made], f"call_{name}")

        def start(grid: tuple[int, ...], block: tuple[int, ...], args: list[Any]) -> None:
            told = [ctypes.c_void_p(arg.data_ptr()) if isinstance(arg, torch.Tensor) else arg for arg in args]
            call(grid[0], block[0], *told)

        return start

    monkeypatch.setattr(cluster_kernels, "_kernel", kernel)
    monkeypatch.setattr(cluster_kernels, "source", lambda body, **sizes: source(body, device="", **sizes))


def test_reduce_and_gather(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every node has the sum in float32 of all, rounded once, and all messages; the last tile is not full."""
    halves, out = "const unsigned short*", "unsigned short*"
    both = caller("reduce", halves, out, "int") + caller("gather", halves, out, "int")
    replaced(monkeypatch, tmp_path, both)
    monkeypatch.setattr(cluster_kernels, "THREADS", 32)
    messages = torch.randn(4, TILE + 100, generator=torch.Generator().manual_seed(1)).half()
    expected = (((messages[0].float() + messages[1]) + messages[2]) + messages[3]).half()
    inputs = {"messages": messages}
    assert torch.equal(cluster_kernels.reduce(inputs, {})(), expected.expand(4, -1))
    assert torch.equal(cluster_kernels.gather(inputs, {})(), messages.reshape(1, -1).expand(4, -1))


def test_decode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A step is the reference's, with more warps than tokens too."""
    pointers = ["const float*"] * 9 + ["float*", "int", "int"]
    replaced(monkeypatch, tmp_path, caller("decode", *pointers))
    monkeypatch.setattr(cluster_kernels, "DECODE_BLOCKS", 4)
    constants = decode_constants(32, 4)
    monkeypatch.setattr(cluster_kernels, "decode_constants", lambda size: constants)
    for tokens in (2, 61):
        hidden, head = random_head(32, 90, tokens, 1)
        got = cluster_kernels.decode({"hidden": hidden, **vars(head)}, {})()
        exact = attend(hidden.double(), Head(**{name: tensor.double() for name, tensor in vars(head).items()}))
        assert float((got - exact).norm() / exact.norm()) < 1e-6
