"""Runs one job of an engine on the simulator's memory: image in, bytes and counters out."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Shape
from amaranth.lib import data

from hw.generate import generate
from hw.lib.counters import CounterLayout
from sim import runner
from sim.harness import SOURCES, MemoryHarness

Bytes = npt.NDArray[np.uint8]
MIN_LOG2_BYTES = 23  # images up to 8 MiB share one build


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """How the simulated memory behaves. `bandwidth` and `stalls` are in 256ths."""

    latency: int = 100  #: cycles
    bandwidth: int = 256  #: words in 256 cycles
    stalls: int = 0  #: chance of a pause of each port in a cycle, in 256
    seed: int = 1


class Job(Protocol):
    """What an engine reads and writes: `data` from address 0, a result of `result_bytes` behind it."""

    data: Bytes
    header_address: int
    result_address: int
    result_bytes: int


@dataclass(frozen=True, kw_only=True)
class JobResult:
    data: Bytes  # the result region
    counters: dict[str, int]
    build_seconds: float
    run_seconds: float
    taps: dict[str, Path] = field(default_factory=dict)
    waves: Path | None = None


def run_job(
    engine: Any, name: str, config: Any, job: Job, counters: CounterLayout, *,
    memory: MemorySettings = MemorySettings(), taps: bool = False, waves: bool = False, timeout: int = 100_000_000,
) -> JobResult:  # fmt: skip
    """Builds the engine with a memory large enough, runs the job in it, and reads the result.

    Raises:
        SimulationError: not done after `timeout` cycles, or an access beyond the memory.
    """
    word = config.word_bytes
    total = job.result_address + job.result_bytes
    log2_words = max(MIN_LOG2_BYTES, (total - 1).bit_length()) - (word.bit_length() - 1)
    begin = time.perf_counter()
    harness = MemoryHarness(engine, width=8 * word, log2_words=log2_words, taps=taps)
    built = runner.build(generate(harness, f"{name}_job", config), sources=SOURCES, waves=waves)
    build_seconds = time.perf_counter() - begin

    folder = Path(tempfile.mkdtemp(prefix="job-", dir=built.folder))
    _write_image(job.data, word, folder / "image.bin")
    tap_files = {tap: folder / f"{tap}.hex" for tap in engine.taps} if taps else {}
    plusargs = {
        "image": folder / "image.bin",
        "dump": folder / "dump.hex",
        "dump_first": job.result_address // word,
        "dump_last": total // word - 1,
        **vars(memory),
        **{f"tap_{tap}": file for tap, file in tap_files.items()},
    }
    env = {
        "TESSERA_TIMEOUT": str(timeout),
        "TESSERA_ADDRESS": str(job.header_address),
        "TESSERA_RESULT": str(folder / "result.json"),
    }
    begin = time.perf_counter()
    runner.run(built, "sim.benches.frame", plusargs=plusargs, env=env, folder=folder, seed=memory.seed)
    run_seconds = time.perf_counter() - begin

    result = json.loads((folder / "result.json").read_text())
    if result["fault"]:
        raise runner.SimulationError(f"{name}: access to address {result['fault_address']:#x}, beyond the memory's end")
    if not result["done"]:
        raise runner.SimulationError(f"{name}: not done after {timeout} cycles")
    return JobResult(
        data=_read_dump(folder / "dump.hex"),
        counters=decode(int(result["counters"], 16), counters),
        build_seconds=build_seconds,
        run_seconds=run_seconds,
        taps=tap_files,
        waves=folder / "dump.vcd" if waves else None,
    )


def _write_image(data: Bytes, word: int, path: Path) -> None:
    """$fread takes the first byte of a word as its highest; memory images are little endian."""
    padded = np.concatenate([data, np.zeros(-len(data) % word, np.uint8)])
    padded.reshape(-1, word)[:, ::-1].tofile(path)


def _read_dump(path: Path) -> Bytes:
    lines = (line for line in path.read_text().split() if not line.startswith("@"))
    return np.frombuffer(b"".join(bytes.fromhex(line)[::-1] for line in lines), np.uint8)


def decode(bits: int, layout: data.Layout) -> dict[str, int]:
    """The fields of a packed value, sub-layouts flattened with dots."""
    result: dict[str, int] = {}
    for key, item in layout:
        value = bits >> item.offset & (1 << Shape.cast(item.shape).width) - 1
        if isinstance(item.shape, data.Layout):
            result |= {f"{key}.{inner}": v for inner, v in decode(value, item.shape).items()}
        else:
            shape = Shape.cast(item.shape)
            result[str(key)] = value - (value >> (shape.width - 1) << shape.width if shape.signed else 0)
    return result
