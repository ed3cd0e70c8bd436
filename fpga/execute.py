"""A workload on a board: what `run_operation` calls for the backend `fpga`."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import Any

from fpga.errors import RestartedError
from fpga.exchange import Patience
from fpga.host import Finished, Host
from fpga.port_names import BAUD, SIMULATED
from fpga.serial_line import SerialLine, require_port
from hw.lib.fields import unpack
from sim.kernel.console import note
from sim.kernel.jobs import JobResult
from sim.kernel.run import Execute, Operation

STARTS = 3  # of a job, on a board that loses its memory in between
#: A simulated board may be slow.
SIMULATED_PATIENCE = Patience(answer=20.0, idle=600.0)


def executor(port: str, baud: int) -> Execute:
    """What runs a workload's job on the board behind `port`, or with `SIMULATED` on one in simulation.

    Raises:
        InputError: there is no such port.
    """
    if port == SIMULATED:
        return run_simulated
    require_port(port)
    return lambda operation, workload: run_on(operation, workload, port, baud=baud)


def run_on(
    operation: Operation[Any], workload: Any, port: str, *, baud: int = BAUD, patience: Patience = Patience()
) -> JobResult:  # fmt: skip
    """Runs the job on the board behind `port`, from its beginning again where the board loses its memory.

    Raises:
        InputError: the port cannot be opened, or has a board for other jobs. LinkError: link or job failed.
    """
    begin = time.perf_counter()
    with closing(SerialLine(port, baud)) as line:
        done = _do(Host(line, patience), operation.engine, workload)
    word = workload.config.word_bytes
    return JobResult(
        data=done.data,
        counters=unpack(done.counters, operation.counters),
        bytes_read=done.words_read * word,
        bytes_written=done.words_written * word,
        generate_seconds=0.0,
        build_seconds=0.0,
        run_seconds=time.perf_counter() - begin,
        free_seconds=done.job_seconds,
    )


def run_simulated(operation: Operation[Any], workload: Any) -> JobResult:
    """Runs the job on a board in simulation that is made for it.

    Raises:
        SimulationError: the board does not build. InputError: a tool is missing. LinkError: link or job failed.
    """
    # What a simulated board is made from is not needed for a real one.
    from fpga.simulated_board import board, build_board
    from sim.engines import ENGINES

    begin = time.perf_counter()
    name, config, job = operation.engine, workload.config, workload.memory
    needed = job.result_address + job.result_bytes
    program = build_board(name, config, lambda: ENGINES[name].top(config), memory_bytes=needed)
    build_seconds = time.perf_counter() - begin
    with board(program) as port:
        done = run_on(operation, workload, str(port), patience=SIMULATED_PATIENCE)
    return replace(done, build_seconds=build_seconds)


def _do(host: Host, engine: str, workload: Any) -> Finished:
    for _ in range(STARTS - 1):
        try:
            return host.do(engine, workload.config, workload.memory)
        except RestartedError as error:
            note(f"{error}; the job begins again")
    return host.do(engine, workload.config, workload.memory)
