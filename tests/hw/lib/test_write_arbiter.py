from __future__ import annotations

from typing import Any

import pytest

from hw.lib.write_arbiter import WriteArbiter
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses


@pytest.mark.parametrize(("stall_in", "stall_out"), [(0.0, 0.0), (0.6, 0.0), (0.0, 0.6), (0.4, 0.3)])
def test_every_word_of_every_client_in_its_order(stall_in: float, stall_out: float, seed: int) -> None:
    """The words say whose they are and which: none is lost, doubled, changed, or overtaken by its client's next."""
    count, words = 3, 40
    dut = WriteArbiter(width=32, count=count)
    bench = Bench(dut, seed=seed)
    sent = [
        [{"address": bench.random.getrandbits(32), "data": k << 16 | n, "last": n & 1} for n in range(words)]
        for k in range(count)
    ]
    for client, values in zip(dut.clients, sent, strict=True):
        bench.source(client.request, values, stall=stall_in)
    log = bench.sink(dut.memory.request, count * words, stall=stall_out)
    taken = [0] * count

    async def watch(ctx: Any) -> None:
        while True:
            _, _, bits = await ctx.tick().sample(dut.taken)
            for k in range(count):
                taken[k] += bits >> k & 1

    bench.process(watch)
    bench.run()
    for k, values in enumerate(sent):
        assert [word for word in log.values if word["data"] >> 16 == k] == values
    assert taken == [words] * count


def test_one_word_a_cycle_and_fair(seed: int) -> None:
    """With all clients waiting, each has every third cycle."""
    dut = WriteArbiter(width=32, count=3)
    bench = Bench(dut, seed=seed)
    for k, client in enumerate(dut.clients):
        bench.source(client.request, [{"address": 0, "data": k, "last": 1}] * 20)
    log = bench.sink(dut.memory.request, 60)
    bench.run()
    assert [word["data"] for word in log.values] == [0, 1, 2] * 20
    assert log.cycles == list(range(log.cycles[0], log.cycles[0] + 60))


def test_a_lone_client_is_refused() -> None:
    refuses("WriteArbiter: count must be at least 2, it is 1", lambda: WriteArbiter(width=32, count=1))
