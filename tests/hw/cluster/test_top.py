"""The whole engine on a small program that does not lie at the memory's beginning."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np

from golden.cluster.command import Command
from golden.cluster.memory_image import program_bytes
from golden.cluster.model import Cluster
from golden.cluster.spec import WAIT_IDLE, Kind, Op, Spec, Status
from hw.cluster.config import Config
from hw.cluster.top import ClusterEngine
from hw.lib.fields import unpack_nested
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory

SPEC = Spec(nodes=2, link_width=64, memory_kib=1, compute=0)
CONFIG = replace(Config(spec=SPEC), receive_depth=4, operand_depth=4, command_depth=2, read_words=32)


def test_a_program_at_any_address(rng: random.Random) -> None:
    """Header, commands and messages lie behind noise; what is stored, and the counters, are the program's own."""
    base = rng.randrange(5, 40) * SPEC.external_bytes
    flits = 4
    messages = np.frombuffer(rng.randbytes(flits * SPEC.external_bytes), np.uint8)

    def program(place: int) -> list[Command]:
        return [
            Command(op=Op.LOAD, flits=flits, target=0, external=place),
            Command(op=Op.REDUCE, flits=flits, kind=Kind.MAX, source=0, target=8, flags=WAIT_IDLE),
            Command(op=Op.STORE, flits=flits, source=8, external=place + len(messages)),
        ]

    size = len(program_bytes(program(0), SPEC))
    size += -size % SPEC.external_bytes
    commands = program(base + size)
    image = bytearray(program_bytes(commands, SPEC, watchdog=1000).tobytes().ljust(size, b"\0"))
    image[4:8] = (base + int.from_bytes(image[4:8], "little")).to_bytes(4, "little")
    content = rng.randbytes(base) + bytes(image) + messages.tobytes()

    external = np.frombuffer(content + bytes(len(messages)), np.uint8).copy()
    Cluster(SPEC).run(commands, external)
    words = external[len(content) :].reshape(flits, -1)
    stored = [
        (len(content) + k * SPEC.external_bytes, int.from_bytes(w.tobytes(), "little")) for k, w in enumerate(words)
    ]

    bench = Bench(ClusterEngine(config=CONFIG), seed=rng.getrandbits(32))
    dut = bench.dut
    ByteMemory(bench, dut.read, content, latency=6, stall=0.2)
    log = bench.sink(dut.write.request, flits, stall=0.3)
    counters: dict[str, Any] = {}

    async def start(ctx: Any) -> None:
        ctx.set(dut.address, base)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ctx.set(dut.address, 0)
        while ctx.get(dut.busy):
            await ctx.tick()
        assert len(log.values) == flits
        counters.update(unpack_nested(ctx.get(dut.counters.as_value()), dut.counters.shape()))

    bench.process(start)
    bench.run(drain=40)
    assert [(word["address"], word["data"]) for word in log.values] == stored
    assert (counters["status"], counters["commands"], counters["store_words"]) == (Status.DONE, len(commands), flits)
    assert counters["flits"] == counters["taken"] == SPEC.nodes * flits
