"""What GPU kernels of our own need on a machine: Triton, or NVRTC and a GPU with clusters. Needs nothing but torch.

Torch's CUDA builds for Linux bring both; no toolkit is needed, and none of its headers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from sim.kernel.energy import NotMeasuredError

NO_TRITON = "Triton is not installed: torch's CUDA builds for Linux bring it, elsewhere `pip install triton`"
CLUSTERS = 9  # compute capability, its first number, from which on blocks form clusters


def need_triton() -> None:
    """Raises NotMeasuredError where there is none."""
    try:
        import_module("triton")
    except ImportError as error:
        raise NotMeasuredError(NO_TRITON) from error


def need_clusters() -> None:
    """Raises NotMeasuredError where the GPU has no distributed shared memory, or nothing compiles for it."""
    import torch

    if torch.version.cuda is None:
        raise NotMeasuredError(f"this torch ({torch.__version__}) has no CUDA, whose compiler the kernel needs")
    capability = torch.cuda.get_device_capability()
    if capability[0] < CLUSTERS:
        has = ".".join(map(str, capability))
        raise NotMeasuredError(f"distributed shared memory needs compute capability {CLUSTERS}.0, the GPU has {has}")
    try:
        _nvrtc()
        _loader()
    except (OSError, AttributeError) as error:
        raise NotMeasuredError(f"CUDA source cannot be compiled and loaded by this torch: {error}") from error


def compiled(source: str, name: str) -> Callable[..., None]:
    """The kernel `name` of CUDA source for torch's GPU, called with torch's `grid`, `block` and `args`.

    Raises:
        RuntimeError: it does not compile; the text is the compiler's.
    """
    import torch

    major, minor = torch.cuda.get_device_capability()
    return _loader()(machine_code(_nvrtc(), source, f"sm_{major}{minor}"), [name])[name]


def machine_code(library: Any, source: str, target: str) -> bytes:
    """CUDA source as machine code for a target such as `sm_90`, by NVIDIA's run-time compiler.

    Raises:
        RuntimeError: it does not compile; the text is the compiler's.
    """
    program = ctypes.c_void_p()
    library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    options = (ctypes.c_char_p * 1)(f"--gpu-architecture={target}".encode())
    failed = library.nvrtcCompileProgram(program, 1, options)
    kind = "ProgramLog" if failed else "CUBIN"
    size = ctypes.c_size_t()
    getattr(library, f"nvrtcGet{kind}Size")(program, ctypes.byref(size))
    made = ctypes.create_string_buffer(size.value)
    getattr(library, f"nvrtcGet{kind}")(program, made)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    if failed:
        raise RuntimeError(made.value.decode())
    return made.raw


def _nvrtc() -> Any:
    """Where torch's wheels have put it, else wherever the system finds it."""
    import torch

    name = f"libnvrtc.so.{str(torch.version.cuda).partition('.')[0]}"
    beside = sorted(Path(torch.__file__).parents[1].glob(f"nvidia/*/lib/{name}"))
    return ctypes.CDLL(str(beside[0]) if beside else name)


def _loader() -> Callable[..., Any]:
    return import_module("torch.cuda._utils")._cuda_load_module
