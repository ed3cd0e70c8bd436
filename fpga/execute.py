"""A workload on a board: what `run_operation` calls for the backend `fpga`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from fpga.errors import RestartedError
from fpga.exchange import Patience
from fpga.host import Finished, Host
from fpga.port_names import SIMULATED
from fpga.serial_line import SerialLine
from hw.lib.fields import unpack
from sim.kernel.console import note
from sim.kernel.jobs import JobResult
from sim.kernel.run import Execute, Operation

STARTS = 3  # of a job, on a board that loses its memory in between
#: A simulated board may be slow.
SIMULATED_PATIENCE = Patience(answer=20.0, idle=600.0)


def executor(port: str, baud: int) -> Execute:
    """What runs a workload's job on the board behind `port`, or with `SIMULATED` on one in simulation.

    It raises:
        InputError: no such port, or a board for other jobs. LinkError: link or job failed. SimulationError: the
            simulated board does not build.
    """

    def execute(operation: Operation[Any], workload: Any) -> JobResult:
        begin = time.perf_counter()
        with _line(port, baud, operation.engine, workload) as (line, patience):
            build_seconds = time.perf_counter() - begin
            begin = time.perf_counter()
            done = _do(Host(line, patience), operation.engine, workload)
        return JobResult(
            data=done.data,
            counters=unpack(done.counters, operation.counters),
            bytes_read=done.words_read * workload.config.word_bytes,
            bytes_written=done.words_written * workload.config.word_bytes,
            generate_seconds=0.0,
            build_seconds=build_seconds,
            run_seconds=time.perf_counter() - begin,
            free_seconds=done.job_seconds,
        )

    return execute


@contextmanager
def _line(port: str, baud: int, engine: str, workload: Any) -> Iterator[tuple[SerialLine, Patience]]:
    """The way to the board, and how long to wait for it."""
    with ExitStack() as stack:
        patience = Patience()
        if port == SIMULATED:
            # What a simulated board is made from is not needed for a real one.
            from fpga.simulated_board import board, build_board
            from sim.engines import ENGINES

            job, config = workload.memory, workload.config
            program = build_board(
                engine, config, lambda: ENGINES[engine].top(config), memory_bytes=job.result_address + job.result_bytes
            )  # fmt: skip
            port, patience = str(stack.enter_context(board(program))), SIMULATED_PATIENCE
        line = SerialLine(port, baud)
        stack.callback(line.close)
        yield line, patience


def _do(host: Host, engine: str, workload: Any) -> Finished:
    """The job, from its beginning again where the board loses its memory."""
    for _ in range(STARTS - 1):
        try:
            return host.do(engine, workload.config, workload.memory)
        except RestartedError as error:
            note(f"{error}; the job begins again")
    return host.do(engine, workload.config, workload.memory)
