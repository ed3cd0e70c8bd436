"""Visit flow: every visit is restored, looked up and saved, the next one restored while one is saved."""

from __future__ import annotations

from typing import Any

import pytest

from hw.radiance.visit_flow import VisitFlow
from tests.hw.lib.bench import Bench


@pytest.mark.parametrize("visits", [0, 1, 12])
@pytest.mark.parametrize("haste", [0.1, 0.9])
def test_steps_follow_one_another(visits: int, haste: float, seed: int) -> None:
    """Steps of random length; a cache is restored while another is saved, but not before what it has to restore is."""
    dut = VisitFlow()
    bench = Bench(dut, seed=seed)
    steps: list[tuple[str, int]] = []
    together = 0
    own = [bench.stall(0.5) for _ in range(visits + 1)]  # the visit restores what the one before has saved

    async def run(ctx: Any) -> None:
        nonlocal together
        ctx.set(dut.job.visit_count, visits)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        loading, fetched = True, 0
        left = dict.fromkeys(("restoring", "looking", "saving", "writing"), False)
        while ctx.get(dut.busy):
            ctx.set(dut.loading, loading)
            ctx.set(dut.read.pixel_count, bench.random.getrandbits(8) if loading else fetched)
            ctx.set(dut.read.image_address, fetched - 1 if own[fetched] else 100 + fetched)
            ctx.set(dut.read.save_address, fetched)
            ctx.set(dut.read.image_bytes, 1)
            for name, value in left.items():
                ctx.set(getattr(dut, name), value)
            _, _, fetch, restore, opened, save, number = await ctx.tick().sample(
                dut.next, dut.restore, dut.open, dut.save, dut.visit.pixel_count
            )
            if fetch:
                assert not loading
                fetched += 1
            loading = fetch or (loading and not bench.stall(0.5))
            if restore:
                assert not left["restoring"]
                assert not left["looking"]
                assert not (own[number] and (left["saving"] or left["writing"]))
                together += left["saving"]
                steps.append(("restore", number))
                left["restoring"] = left["looking"] = True
            if opened and steps[-1][0] == "restore":
                assert not left["restoring"]
                steps.append(("open", number))
            if save:
                assert not left["looking"]
                assert not left["saving"]
                steps.append(("save", number))
                left["saving"] = left["writing"] = True
            for name in left:
                free = {"looking": opened, "writing": not left["saving"]}.get(name, True)
                chance = haste / 4 if name == "saving" else haste  # a save outlasts a restore and its look-ups
                left[name] = bool(left[name] and not (free and bench.stall(chance)))
        assert fetched == visits
        assert not left["saving"]
        assert not left["writing"]

    bench.process(run)
    bench.run(drain=600)
    assert steps == [(step, k) for k in range(1, visits + 1) for step in ("restore", "open", "save")]
    assert together or visits < 12 or haste > 0.5
