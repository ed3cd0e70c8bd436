"""The whole composition in Amaranth's simulator: two frames of one region, and saved caches that are not restored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.chips.lumina.memory_image import (
    LuminaImage,
    build_memory_image,
    expected_results,
    read_results,
    saved_caches,
)
from golden.chips.lumina.model import LuminaResult, render
from golden.rows import Bytes
from hw.chips.lumina.config import Config, compose, tiny
from hw.chips.lumina.top import LuminaChip
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import made
from tests.hw.lib.reset_board import ResetBoard

pytestmark = pytest.mark.slow
IDENTITY, WORD = 99, 16


class Board(ResetBoard):
    """The chip."""

    def __init__(self, config: Config, seed: int) -> None:
        self.config = config
        super().__init__(LuminaChip(config=config), seed=seed, size=1 << 18, word=WORD)

    def run(self, test: Any) -> None:
        """Runs a coroutine to its end."""
        simulator = Simulator(self.bench.m)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.serve, background=True)  # first: what is written in a cycle is there behind it
        simulator.add_testbench(test)
        simulator.run()

    def left(self, image: LuminaImage) -> Bytes:
        return self.bytes[image.result_address :][: image.result_bytes].copy()


class Frames:
    """A view that is drawn twice, by the model."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.spec = tiny().spec
        scene = random_scene(3, 60, degree=1, thinnest=0.05, widest=0.3)
        self.view = made(scene, camera_at(size=size, focal=20.0), self.spec.splat)
        self.first = render(self.view.image, self.view.frame, self.spec)
        self.second = render(self.view.image, self.view.frame, self.spec, self.first.caches)

    def image(self, saved: list[Bytes] | None) -> LuminaImage:
        return build_memory_image(self.view.image, self.view.frame, self.spec, saved, identity=IDENTITY)

    def check(self, raw: Bytes, image: LuminaImage, model: LuminaResult) -> None:
        expected = expected_results(model, image, self.spec)
        for name, array in read_results(raw, image, self.view.frame, self.spec).items():
            assert np.array_equal(array, expected[name]), name


def test_frames_and_what_lies_between(seed: int) -> None:
    """A frame, the same out of its cache, and with caches that are damaged, of another version, or cut short; then
    after a reset while pixels fill, and out of a cache that was being saved at a reset."""
    board, frames = Board(tiny(), seed), Frames((14, 11))
    steps: list[int] = []

    async def run(ctx: Any) -> None:
        counters = board.dut.counters

        async def first(saved: list[Bytes] | None, refused_and_hits: tuple[int, int]) -> None:
            """The frame is as if there were no cache."""
            image = frames.image(saved)
            await board.job(ctx, image)
            frames.check(board.left(image), image, frames.first)
            assert (ctx.get(counters.refused), ctx.get(counters.hits)) == refused_and_hits
            steps.append(ctx.get(counters.cycles))

        image = frames.image(None)
        await board.job(ctx, image)
        frames.check(board.left(image), image, frames.first)
        saved = saved_caches(board.left(image), image, frames.spec)
        again = frames.image(saved)
        await board.job(ctx, again)
        frames.check(board.left(again), again, frames.second)
        assert ctx.get(counters.hits) == frames.second.saving.hits > 20
        for change in (_flipped, _of_another_version, _short):
            await first([change(saved[0])], (1, 0))
        await board.job(ctx, again, ("filled", 9))
        await first(None, (0, 0))
        await board.job(ctx, again, ("save_write_words", 3))
        await first(saved_caches(board.left(again), again, frames.spec), (1, 0))

    board.run(run)
    assert len(steps) == 5


def test_regions(seed: int) -> None:
    """Six regions, four lane groups that are ahead of each other, twice."""
    config = compose(replace(tiny().splat, lane_groups=4), tiny().spec, tiny().radiance)
    board, frames = Board(config, seed), Frames((40, 20))
    ended: list[int] = []

    async def run(ctx: Any) -> None:
        saved = None
        for model in (frames.first, frames.second):
            image = frames.image(saved)
            await board.job(ctx, image)
            frames.check(board.left(image), image, model)
            assert ctx.get(board.dut.counters.hits) == model.saving.hits
            saved = saved_caches(board.left(image), image, frames.spec)
            ended.append(ctx.get(board.dut.counters.regions))

    board.run(run)
    assert ended == [6, 6]


def _flipped(image: Bytes) -> Bytes:
    changed = image.copy()
    changed[-40] ^= 1
    return changed


def _of_another_version(image: Bytes) -> Bytes:
    changed = image.copy()
    changed[4] ^= 2
    return changed


def _short(image: Bytes) -> Bytes:
    return image[:-16]
