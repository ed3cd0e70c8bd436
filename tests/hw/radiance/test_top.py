"""The whole engine in Amaranth's simulator: reset in the middle of everything never leaves a stale colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from golden.radiance.memory_image import RadianceImage, build_memory_image, expected_results, read_results
from golden.radiance.memory_map import LINE_BYTES, VISIT
from golden.radiance.model import Visit, play
from golden.radiance.saved import refusal
from golden.radiance.spec import TINY
from golden.rows import Bytes, to_bytes
from hw.radiance.config import tiny
from hw.radiance.top import RadianceEngine
from tests.hw.lib.reset_board import ResetBoard
from tests.hw.radiance.caches import random_pixels

IDENTITY, WORD = 99, 16


class Board(ResetBoard):
    """The engine of config `tiny`."""

    def __init__(self, seed: int) -> None:
        super().__init__(RadianceEngine(config=tiny()), seed=seed, size=1 << 16, word=WORD)
        self.bench.process(self.serve)

    def results(self, image: RadianceImage) -> dict[str, np.ndarray]:
        return read_results(self.bytes[image.result_address :][: image.result_bytes], image)


def visits(seed: int, count: int) -> list[Visit]:
    """Of one region, with the same records and colours of their own."""
    made = []
    for k in range(count):
        records, _ = random_pixels(TINY, 40, 12, seed)
        colour = np.random.default_rng(seed + k).integers(0, 256, (40, TINY.channels))
        made.append(Visit(region=0, ids=records.ids[0], count=records.count[0], colour=colour))
    return made


def job(asked: list[Visit], saved: Bytes | None = None) -> RadianceImage:
    return build_memory_image(TINY, asked, [saved], identity=IDENTITY)


def from_room(image: RadianceImage, place: int, length: int) -> RadianceImage:
    """The job's one visit, restored from `place` in memory instead."""
    table = {
        "pixel_address": 2 * LINE_BYTES, "pixel_count": image.pixels[0], "image_address": place,
        "image_bytes": length, "save_address": image.result_address + image.last_room(0),
        "result_address": image.result_address + image.results[0],
    }  # fmt: skip
    image.data[LINE_BYTES : 2 * LINE_BYTES] = to_bytes(VISIT, table, 1)[0]
    return image


def keeping(image: RadianceImage, room: int, held: Bytes) -> RadianceImage:
    """The job with what lies in a room before it begins."""
    image.data[room : room + len(held)] = held
    return image


def test_a_job_is_the_model_s(seed: int) -> None:
    """Two visits, the second one out of what the first has saved."""
    board, asked = Board(seed), visits(seed, 2)
    image = job(asked)

    async def run(ctx: Any) -> None:
        await board.job(ctx, image)
        expected = expected_results(play(TINY, asked, [None], IDENTITY), image)
        for name, array in board.results(image).items():
            assert (array == expected[name]).all(), name
        assert expected["hit"][1].any()
        assert ctx.get(board.dut.counters.hits) == expected["hit"].sum()
        done.append(True)

    done: list[bool] = []
    board.bench.process(run)
    board.bench.run(drain=700)
    assert done


@pytest.mark.parametrize("look_ups", [10, 45, 60])
def test_reset_leaves_no_stale_colour(look_ups: int, seed: int) -> None:
    """In a visit's look-ups and fills, the first one's or the second's; then the same records begin with no cache."""
    board, asked = Board(seed), visits(seed, 3)

    async def run(ctx: Any) -> None:
        await board.job(ctx, job(asked[:2]), ("look_ups", look_ups))
        image = job(asked[2:])
        await board.job(ctx, image)
        expected = expected_results(play(TINY, asked[2:], [None], IDENTITY), image)
        for name, array in board.results(image).items():
            assert (array == expected[name]).all(), name
        assert not expected["hit"].any()
        done.append(True)

    done: list[bool] = []
    board.bench.process(run)
    board.bench.run(drain=700)
    assert done


@pytest.mark.parametrize("words", [2, 33])
def test_an_interrupted_save_is_refused(words: int, seed: int) -> None:
    """Over a whole image of another frame, whichever word is the last: the next frame begins empty, and counts it."""
    board, asked = Board(seed), visits(seed, 2)
    image = job(asked[:1])
    room = image.result_address + image.last_room(0)

    async def run(ctx: Any) -> None:
        await board.job(ctx, image)
        whole = board.bytes[room:][: image.room_bytes].copy()
        assert refusal(TINY, whole, IDENTITY) is None
        await board.job(ctx, keeping(job(asked[:1]), room, whole), ("save_write_words", words))
        found = board.bytes[room:][: image.room_bytes].copy()
        assert refusal(TINY, found, IDENTITY)
        await board.job(ctx, from_room(keeping(job(asked[1:], found), room, found), room, len(found)))
        assert ctx.get(board.dut.counters.refused) == 1
        assert ctx.get(board.dut.counters.hits) == 0
        done.append(True)

    done: list[bool] = []
    board.bench.process(run)
    board.bench.run(drain=700)
    assert done
