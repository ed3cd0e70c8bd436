"""A board that tests itself says pass when all is right, and what is wrong when it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from fpga.self_test import SelfTest
from hw.generate import config_hash
from sim.kernel.vectors import Vectors
from tests.fpga.engine import TARGET, WORD_BYTES, Copier, CopyConfig, copy_vectors
from tests.fpga.terminal import receive

DIVISOR, LINE = 4, len("tessera copy 0123456789ab pass crc=01234567 cycles=01234567\r\n")


def run(engine: Copier, vectors: Vectors, lines: int = 1) -> tuple[list[str], dict[str, int]]:
    """The first lines that a board sends, and its lights then."""
    dut = SelfTest(
        name="copy", engine=engine, config=CopyConfig(), vectors=vectors, divisor=DIVISOR, patience=2000, pause=40
    )  # fmt: skip
    said: list[str] = []
    lights: dict[str, int] = {}

    async def listen(ctx: Any) -> None:
        assert ctx.get(dut.run)
        received = b""
        while received.count(b"\n") < lines:
            received += await receive(ctx, dut.send, DIVISOR, 1)
        said.extend(received.decode().split("\r\n")[:-1])
        lights.update({name: ctx.get(getattr(dut, name)) for name in ("run", "passed", "failed")})

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(listen)
    simulator.run()
    return said, lights


def test_right_results_pass() -> None:
    vectors = copy_vectors()
    said, lights = run(Copier(), vectors, lines=2)
    head, _, cycles = said[0].rpartition(" cycles=")
    assert head == f"tessera copy {config_hash(CopyConfig())} pass crc={vectors.results.crc():08x}"
    assert 20 < int(cycles, 16) < 60
    assert said[1] == said[0], "a terminal that is opened late sees the line too"
    assert lights == {"run": 0, "passed": 1, "failed": 0}


@pytest.mark.parametrize("byte", [0, 17, WORD_BYTES * 11 + 14])
def test_one_wrong_byte_of_memory_fails(byte: int) -> None:
    """The model's answer is of other bytes than those that the board has."""
    vectors = copy_vectors()
    data = vectors.data.copy()
    data[byte] ^= 4
    said, lights = run(Copier(), replace(vectors, data=data))
    assert " fail crc=" in said[0]
    assert f"crc={vectors.results.crc():08x}" not in said[0]
    assert lights == {"run": 0, "passed": 0, "failed": 1}


def test_what_the_model_does_not_know_may_be_anything() -> None:
    """The last byte of each word is none of the checksum's."""
    vectors = copy_vectors()
    data = vectors.data.copy()
    data[WORD_BYTES - 1 :: WORD_BYTES] ^= 0xFF
    said, _ = run(Copier(), replace(vectors, data=data))
    assert " pass " in said[0]


def test_a_job_that_does_not_end_hangs() -> None:
    said, lights = run(Copier(hangs=True), copy_vectors())
    assert " hang " in said[0]
    assert said[0].endswith("cycles=000007d0")
    assert lights["failed"] == 1


def test_an_access_beyond_the_memory_is_a_fault() -> None:
    """One word too far, with results that are right."""
    vectors = copy_vectors()
    memory_bytes = vectors.memory_words(WORD_BYTES) * WORD_BYTES
    assert memory_bytes == 8192
    beyond = Copier(target=memory_bytes - 11 * WORD_BYTES)
    said, lights = run(beyond, vectors)
    assert " fault " in said[0]
    assert lights["failed"] == 1


def test_vectors_are_laid_out_by_words() -> None:
    vectors = copy_vectors()
    assert vectors.words(WORD_BYTES)[1] == int.from_bytes(vectors.data[16:32].tobytes(), "little")
    assert vectors.masks(WORD_BYTES) == [0x7FFF] * 12
    assert vectors.memory_words(WORD_BYTES) == 512
    longer = replace(vectors, data=np.zeros(2 * TARGET + 1, np.uint8))
    assert longer.memory_words(WORD_BYTES) == 1024
