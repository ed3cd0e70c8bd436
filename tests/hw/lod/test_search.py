"""Search: every view's visits and the state table they leave, whatever the memory's pauses; two views overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value

from golden.lod.memory_image import LodImage, build_memory_image, read_state
from golden.lod.memory_map import JOB, JOB_BYTES, VIEW, VIEW_BYTES
from golden.lod.model import Found, SearchModel, initial_state
from golden.lod.view import View, make_path
from golden.rows import from_bytes
from hw.lib.fields import unpack_nested
from hw.lib.memory_port import WriteLayout
from hw.lod.config import Config, tiny
from hw.lod.search import Search
from tests.golden.lod.trees import cameras, small_image
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory


@dataclass
class Job:
    """A path of views through a small tree, and what the model finds in each."""

    image: LodImage
    views: list[dict[str, int]]
    fields: dict[str, int]
    found: list[Found]


def make_job(config: Config, path: list[View], *, temporal: bool, gaussians: int) -> Job:
    tree = small_image(config.spec, gaussians)
    image = build_memory_image(tree, path, word_bytes=config.word_bytes, temporal=temporal)
    rows = from_bytes(VIEW, image.data[JOB_BYTES:][: len(path) * VIEW_BYTES].reshape(-1, VIEW_BYTES))
    model, state, found = SearchModel(tree), initial_state(tree), list[Found]()
    for k, view in enumerate(path):
        found.append(model.search(view, state, begin=k == 0) if temporal else model.search(view))
        state = found[-1].state
    return Job(
        image=image,
        views=[{name: int(values[k]) for name, values in rows.items()} for k in range(len(path))],
        fields={name: int(values[0]) for name, values in from_bytes(JOB, image.data[None, :JOB_BYTES]).items()},
        found=found,
    )


class Memory:
    """The image behind the search's five ports. A word that was taken reaches it some cycles later."""

    def __init__(self, bench: Bench, dut: Search, *, latency: int, stall: float) -> None:
        self.bench, self.stall = bench, stall
        self.content = bytearray()
        self.words = {"queue": 0, "state": 0}
        for port in (dut.tree, dut.queue, dut.state):
            ByteMemory(bench, port, self.content, latency=latency, stall=stall)
        bench.process(partial(self.take, "queue", dut.queue_write, dut.queue_written))
        bench.process(partial(self.take, "state", dut.state_write, dut.state_written))

    async def take(self, name: str, port: Any, written: Any, ctx: Any) -> None:
        request, width = port.request, port.signature.width
        waiting: dict[str, int] | None = None
        while True:
            arrives = waiting is not None and not self.bench.stall(self.stall)
            ctx.set(written, arrives)
            ctx.set(request.ready, waiting is None)
            _, _, valid, bits = await ctx.tick().sample(request.valid, Value.cast(request.payload))
            if waiting is None:
                waiting = unpack_nested(bits, WriteLayout(width)) if valid else None
            elif arrives:
                begin = waiting["address"]
                assert begin % (width // 8) == 0
                self.content[begin : begin + width // 8] = waiting["data"].to_bytes(width // 8, "little")
                self.words[name] += 1
                waiting = None


class Flow:
    """Opens the views of each job, a temporal one as soon as the one before has no visit left to begin."""

    def __init__(self, bench: Bench, dut: Search, jobs: list[Job], memory: Memory) -> None:
        self.dut, self.jobs, self.memory = dut, jobs, memory
        self.together = 0  # cycles with two open views
        self.tables: list[dict[str, Any]] = []  # state tables, job by job
        bench.process(self.run)

    async def run(self, ctx: Any) -> None:
        dut, self.turn, self.closing = self.dut, 1, 0
        for job in self.jobs:
            self.memory.content[:] = job.image.data.tobytes()
            ctx.set(dut.job, job.fields)
            await self.follow(ctx, job)
            while not ctx.get(dut.idle):
                await ctx.tick()
            raw = np.frombuffer(bytes(self.memory.content[job.image.result_address :]), np.uint8)
            self.tables.append(read_state(raw, job.image))
            ctx.set(dut.forget, 1)
            await ctx.tick()
            ctx.set(dut.forget, 0)

    async def follow(self, ctx: Any, job: Job) -> None:
        dut, opened, closed = self.dut, 0, 0
        while closed < len(job.views):
            following = job.views[opened] if opened < len(job.views) else None
            temporal = following is not None and following["temporal"] and not following["search"]
            both = opened - closed
            ctx.set(dut.turn, self.turn)
            ctx.set(dut.closing, self.closing)
            ctx.set(dut.retiring, both > 0)
            ctx.set(dut.ahead, bool(temporal) and both > 0)
            begun, under_way = ctx.get(dut.begun), ctx.get(dut.under_way)
            opens = following is not None and (both == 0 or (both == 1 and temporal and begun))
            closes = both and not under_way >> self.closing & 1 and (begun or self.turn != self.closing)
            ctx.set(dut.start, bool(opens))
            if following is not None:
                ctx.set(dut.view, following)
            await ctx.tick()
            self.together += both == 2
            if closes:
                closed, self.closing = closed + 1, self.closing ^ 1
            if opens:
                opened, self.turn = opened + 1, self.turn ^ 1
        ctx.set(dut.retiring, 0)
        ctx.set(dut.start, 0)


CONFIG = replace(tiny(), units=2, memory_width=512, cache_subtrees=4, queue_depth=2)


def run(config: Config, jobs: list[Job], *, latency: int, stall: float, seed: int) -> tuple[Flow, Memory]:
    """Asserts that every view's visits, and the state tables, are the model's."""
    dut = Search(config=config)
    bench = Bench(dut, seed=seed, deadline=8000)
    memory = Memory(bench, dut, latency=latency, stall=stall)
    flow = Flow(bench, dut, jobs, memory)
    visits = [
        {"subtree": int(subtree), "cut": int(cut)}
        for job in jobs
        for found in job.found
        for subtree, cut in zip(found.subtrees, found.cuts, strict=True)
    ]
    bench.sink(dut.results, visits, stall=stall)
    bench.run(drain=500)
    assert len(flow.tables) == len(jobs)
    return flow, memory


def full_searches(gaussians: int, tau: float) -> Job:
    path = make_path(small_image(CONFIG.spec, gaussians), cameras("orbit", 2), tau)
    return make_job(CONFIG, path, temporal=False, gaussians=gaussians)


@pytest.mark.parametrize(("latency", "stall"), [(1, 0.0), (20, 0.3)])
def test_full_searches(latency: int, stall: float, seed: int) -> None:
    """Two trees one after the other; the second one's subtrees are not those in the cache."""
    jobs = [full_searches(120, 4.0), full_searches(40, 12.0)]
    flow, memory = run(replace(CONFIG, temporal=0), jobs, latency=latency, stall=stall, seed=seed)
    assert not flow.together
    assert memory.words["queue"]


@pytest.mark.parametrize(
    ("name", "taus", "latency", "stall"),
    [
        ("walk", [12.0] * 3, 60, 0.0),
        ("jump", [40.0] * 4, 5, 0.3),
        # Of the first view only the root's subtree is visited; it then calls those beside it in the state table.
        ("still", [2000.0, 20.0, 2000.0, 20.0], 1, 0.0),
    ],
)
def test_temporal_searches(name: str, taus: list[float], latency: int, stall: float, seed: int) -> None:
    path = make_path(small_image(CONFIG.spec, 120), cameras(name, 5 * len(taus))[::5], taus)
    job = make_job(CONFIG, path, temporal=True, gaussians=120)
    flow, memory = run(CONFIG, [job], latency=latency, stall=stall, seed=seed)
    for column, values in flow.tables[0].items():
        assert np.array_equal(values, getattr(job.found[-1].state, column).numpy()), column
    assert memory.words["state"]
    assert flow.together or name != "walk"
