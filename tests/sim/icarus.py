"""A job in Icarus Verilog: a second simulator, which reads everything as SystemVerilog and knows unknown bits."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hw.lib.fields import unpack
from sim.kernel.jobs import Bytes, Job, MemorySettings, job_design, memory_files, read_dump
from sim.kernel.memory import SOURCES
from sim.kernel.run import Operation, W

BENCH = Path(__file__).parent / "icarus_bench.v"
DONE = re.compile(r"^done counters=([0-9a-f]+) read=([0-9a-f]+) written=([0-9a-f]+)$", re.MULTILINE)


@dataclass(frozen=True)
class IcarusResult:
    """What the job left in memory, what it counted, and the bytes that moved."""

    data: Bytes
    counters: dict[str, int]
    bytes_read: int
    bytes_written: int


def simulate_in_icarus(
    operation: Operation[W], workload: W, job: Job, memory: MemorySettings, folder: Path
) -> IcarusResult:
    """Runs the job on the very Verilog that `run_job` gives to Verilator. An unknown bit anywhere in it is an error."""
    config = workload.config
    design = job_design(lambda: operation.top(workload), operation.engine, config, job)
    (folder / "design.v").write_text(design.verilog)
    width = next(port["width"] for port in design.ports if port["name"] == "counters")
    files = [BENCH, folder / "design.v", *SOURCES, *operation.sources]
    options = ["-g2012", "-s", "icarus_bench", f"-DDESIGN={design.name}", f"-Picarus_bench.COUNTERS={width}"]
    _run("iverilog", *options, "-o", folder / "job.vvp", *files)
    plusargs = {"address": job.header_address, **memory_files(job, config.word_bytes, memory, folder)}
    printed = _run("vvp", "-n", folder / "job.vvp", *(f"+{name}={value}" for name, value in plusargs.items()))
    done = DONE.search(printed)
    assert done, printed
    bits, read, written = (int(number, 16) for number in done.groups())
    return IcarusResult(
        data=read_dump(folder / "dump.hex"),
        counters=unpack(bits, operation.counters),
        bytes_read=read * config.word_bytes,
        bytes_written=written * config.word_bytes,
    )


def _run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
