"""Record decoder: every index becomes its entry's codes, and nothing passes before the books are there."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from golden.splat.spec import DEFAULT, TINY, Spec
from hw.lib.fields import pack
from hw.splat.layouts import BookLineLayout
from hw.splat.record_decoder import RecordDecoder
from tests.hw.lib.bench import Bench
from tests.hw.splat.books import RandomBooks, paired_candidate
from tests.hw.splat.datapath import Payload, same

SMALL = {"codebooks": 1, "scale_entries": 32, "rotation_entries": 64, "dc_entries": 16, "sh_entries": 16}
SPECS = {
    "tiny": replace(TINY, **SMALL),
    "degree 0": replace(TINY, **SMALL, sh_degree=0),
    "degree 2": replace(TINY, **SMALL, sh_degree=2),
    "default": replace(DEFAULT, **SMALL),
}


@pytest.mark.parametrize(("name", "units"), [*((name, 1) for name in SPECS), ("degree 2", 2)])
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.4)])
def test_records(name: str, units: int, put: float, get: float, seed: int) -> None:
    """Two scenes' books, the second of degree 1 at most, loaded over the other; of two fine units, with partners."""
    spec: Spec = SPECS[name]
    rng = Random(f"{seed} {name}")
    dut = RecordDecoder(spec=spec, units=units)
    bench = Bench(dut, seed=seed)
    books = [RandomBooks(spec, rng), RandomBooks(spec, rng, min(1, spec.sh_degree))]
    pairs: list[list[tuple[Payload, Payload]]] = [
        [paired_candidate(book, rng.random() < 0.7) if units > 1 else book.candidate() for _ in range(60)]
        for book in books
    ]
    bench.source(dut.i, [given for half in pairs for given, _ in half], stall=put)
    log = bench.sink(dut.o, sum(map(len, pairs)), stall=get)

    async def load(ctx: Any) -> None:
        for book, half in zip(books, pairs, strict=True):
            ctx.set(dut.hold, 1)
            before = len(log.values)
            for line in book.lines():
                ctx.set(dut.line.as_value(), pack(BookLineLayout(), line))
                await ctx.tick()
                ctx.set(dut.line.as_value(), pack(BookLineLayout(), line | {"look": 0, "sh": 0}))
                if rng.random() < 0.3:
                    await ctx.tick()
            assert len(log.values) == before, "a candidate passed before the books were there"
            taken = 0
            while taken < len(half):
                ctx.set(dut.hold, 0)
                _, _, valid, ready = await ctx.tick().sample(dut.i.valid, dut.i.ready)
                taken += valid & ready
            ctx.set(dut.hold, 1)
            while len(log.values) < before + len(half):
                await ctx.tick()

    bench.process(load)
    bench.run()
    same(log.values, [wanted for half in pairs for _, wanted in half])
