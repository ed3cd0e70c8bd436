"""The whole board in simulation, UART and all, and the real host: over a good cable, a bad one, and none."""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fpga.errors import LinkError, RestartedError
from fpga.exchange import Patience
from fpga.execute import executor, run_on
from fpga.host import Host
from fpga.link.protocol import Command, encode
from fpga.serial_line import SerialLine
from fpga.simulated_board import board, build_board
from golden.errors import InputError
from hw.generate import config_hash
from sim.kernel.run import Backend, run_operation
from sim.kernel.runner import SimulationError
from tests.fpga.faulty_cable import ALL, FaultyCable
from tests.fpga.inverter import INVERT, WORD, Config, Inverter, inversion

BAUD = 3_000_000
#: Long enough for a busy machine where all is well, short where answers are lost on purpose.
CALM, QUICK = Patience(answer=5.0), Patience(answer=0.5, silences=12)


@pytest.fixture(scope="module")
def program() -> Path:
    return build_board("inverter", Config(), Inverter)


@pytest.fixture
def port(program: Path) -> Iterator[Path]:
    with board(program) as port:
        yield port


@pytest.fixture
def host(port: Path) -> Iterator[Host]:
    with contextlib.closing(SerialLine(str(port), BAUD)) as line:
        yield Host(line, CALM)


@contextlib.contextmanager
def host_behind(cable: FaultyCable, patience: Patience) -> Iterator[Host]:
    with contextlib.closing(SerialLine(str(cable.port), BAUD)) as line:
        yield Host(line, patience)


def test_a_job_on_the_board_equals_the_model(port: Path) -> None:
    """Through the one way that every engine is run: results, counters, bytes and the report's words for a board."""
    workload = inversion(100)
    run = run_operation(INVERT, workload, backend=Backend.FPGA, check=True, execute=executor(str(port), BAUD))
    assert run.checked
    assert run.counters["words"] == 100
    assert run.job is not None
    assert (run.job.bytes_read, run.job.bytes_written) == (101 * WORD, 100 * WORD)
    report = run.report()
    assert report["quality"] == {"board_equals_model": True, "words_compared": 100 * WORD}
    assert (report["cycles"], report["memory"]) == (run.counters["cycles"], {})


def test_jobs_follow_each_other(host: Host) -> None:
    """Each with a memory of its own; counters are of the last."""
    for words in (3, 70, 1):
        workload = inversion(words, seed=words)
        done = host.do("inverter", Config(), workload.memory)
        assert (done.data == ~workload.memory.data[WORD:]).all()
        assert done.words_written == words


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_cable_costs_time_and_nothing_else(port: Path, tmp_path: Path, seed: int) -> None:
    """Bytes dropped, repeated, corrupted and delayed in both directions; every kind has happened."""
    workload = inversion(600, seed=seed)
    with (
        FaultyCable(port, tmp_path / "port", faults=ALL, seed=seed) as cable,
        host_behind(cable, QUICK) as host,
    ):
        done = host.do("inverter", Config(), workload.memory)
        assert host.exchange.sent_again
        status = host.status()
    assert (done.data == ~workload.memory.data[WORD:]).all()
    assert (done.counters >> 40, status["job"]) == (600, 1)
    assert all(cable.counts.values()), cable.counts
    assert status["bad_crc"] + status["timed_out"] + status["bad_length"]


@pytest.mark.parametrize("after", [40, 3000, 13_000])
def test_work_goes_on_when_a_pulled_cable_is_plugged_in_again(port: Path, tmp_path: Path, after: int) -> None:
    """Pulled while the host connects, loads, and reads; the board keeps memory and job."""
    workload = inversion(400)
    with FaultyCable(port, tmp_path / "port") as cable, host_behind(cable, QUICK) as host:
        cable.cut_after = after
        plug = threading.Thread(target=_plug_in_again, args=(cable,))
        plug.start()
        done = host.do("inverter", Config(), workload.memory)
        plug.join()
    assert (done.data == ~workload.memory.data[WORD:]).all()
    assert done.counters >> 40 == 400


def _plug_in_again(cable: FaultyCable) -> None:
    while cable.port.exists():
        time.sleep(0.01)
    time.sleep(0.1)
    cable.plug()


def test_a_job_begins_again_on_a_board_that_was_reset_meanwhile(port: Path, tmp_path: Path) -> None:
    """By another host, while the cable was out and half the memory loaded."""
    workload = inversion(400)

    def come_between(cable: FaultyCable) -> None:
        while cable.port.exists():
            time.sleep(0.01)
        with contextlib.closing(SerialLine(str(port), BAUD)) as line:
            Host(line, CALM).reset()
        cable.plug()

    with FaultyCable(port, tmp_path / "port") as cable:
        cable.cut_after = 3000
        other = threading.Thread(target=come_between, args=(cable,))
        other.start()
        done = run_on(INVERT, workload, str(cable.port), patience=QUICK)
        other.join()
    assert (done.data == ~workload.memory.data[WORD:]).all()


def test_a_cable_that_stays_out_is_one_line(port: Path, tmp_path: Path) -> None:
    with FaultyCable(port, tmp_path / "port") as cable, host_behind(cable, Patience(cable=0.3)) as host:
        cable.cut_after = 2000
        with pytest.raises(LinkError, match=r"port is gone and has not come back for 0\.3 s$"):
            host.do("inverter", Config(), inversion(400).memory)


def test_a_board_that_lost_its_memory_is_told_from_one_that_kept_it(port: Path, tmp_path: Path) -> None:
    """Another host has reset it in between, as a loss of power does."""
    with FaultyCable(port, tmp_path / "port") as cable, host_behind(cable, QUICK) as host:
        host.reset()
        cable.pull()
        cable.plug()
        with host_behind(cable, QUICK) as other:
            other.reset()
        with pytest.raises(RestartedError, match="has restarted: its memory is lost"):
            host.status()


@contextlib.contextmanager
def silent_port() -> Iterator[str]:
    """A serial port behind which nobody answers."""
    master, end = pty.openpty()
    tty.setraw(end)
    try:
        yield os.ttyname(end)
    finally:
        os.close(master)
        os.close(end)


def test_a_board_that_does_not_answer_is_one_line() -> None:
    with (
        silent_port() as port,
        contextlib.closing(SerialLine(port, BAUD)) as line,
        pytest.raises(LinkError, match=r"the board on \S+ does not answer: 3 times asked, 0\.05 s each$"),
    ):
        Host(line, Patience(answer=0.05, silences=3)).identify()


def test_a_request_is_not_repeated_for_ever() -> None:
    """However patient the host is with silence."""
    with silent_port() as port, contextlib.closing(SerialLine(port, BAUD)) as line:
        host = Host(line, Patience(answer=0.02, silences=1000, tries=3))
        with pytest.raises(LinkError, match=r"spoils too much: no answer to a frame that was sent 3 times$"):
            host.identify()
    assert host.exchange.sent_again == 2


def test_a_program_that_is_no_board_is_one_line() -> None:
    with (
        pytest.raises(SimulationError, match=r"^the simulated board does not start: it says nothing$"),
        board(Path("/bin/false")),
    ):
        pass


def test_a_port_in_other_hands_is_refused(host: Host, port: Path) -> None:
    host.identify()
    with pytest.raises(InputError, match=r"^--port '\S+' cannot be opened: "):
        SerialLine(str(port), BAUD)


def test_a_board_for_another_job_is_refused(host: Host) -> None:
    """Another engine, another config, a job that does not fit; nothing is written."""
    other, digest = Config(variant=1), config_hash(Config())
    memory = inversion(1).memory
    with pytest.raises(InputError, match=f"needs a board with kv, .* has inverter, config {digest}$"):
        host.do("kv", Config(), memory)
    with pytest.raises(InputError, match=f"with inverter, config {config_hash(other)}; .*, config {digest}$"):
        host.do("inverter", other, memory)
    large = type(memory)(memory.data, 8 << 20, WORD)
    with pytest.raises(InputError, match=r"memory of 8388608 bytes must hold the job, which has 8388624$"):
        host.do("inverter", Config(), large)


def test_a_job_beyond_the_memory_is_one_line(host: Host) -> None:
    """And the next job runs."""
    with pytest.raises(LinkError, match=r"the job has reached beyond the memory's end$"):
        host.do("inverter", Config(), inversion(1, beyond=8 << 20).memory)
    assert (host.do("inverter", Config(), inversion(1).memory).data == ~inversion(1).memory.data[WORD:]).all()


def test_a_job_that_does_not_end_is_left_behind_by_a_reset(host: Host) -> None:
    """Its header asks for all the words that 32 bits can count."""
    host.reset()
    host.write(0, np.array([WORD, WORD, 0xFFFF_FFFF, 0], "<u4").tobytes())
    host.start(0)
    assert host.status()["flags"] & 1
    with pytest.raises(LinkError, match=r"the board refuses READ: a job is under way$"):
        host.read(0, WORD)
    assert host.do("inverter", Config(), inversion(2).memory).counters >> 40 == 2


def test_more_than_the_queue_holds_is_counted_and_repeated(host: Host) -> None:
    """A host that asks for far more than the board can answer loses requests, and the board goes on."""
    host.reset()
    asked = encode(Command.STATUS, 1, b"") * 600
    host.line.write(asked)
    deadline = time.monotonic() + 20
    while host.line.read() or time.monotonic() < deadline - 19:
        pass
    assert host.status()["lost"]
    assert host.do("inverter", Config(), inversion(2).memory).counters >> 40 == 2
