"""The whole engine in Amaranth's simulator: lists written by one frame, drawn by the next, and a reset amid writing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.splat.frame import build_frame
from golden.splat.memory_image import aligned_first, read_frame
from golden.splat.memory_map import GROUP_BYTES
from golden.splat.order_image import expected_order, read_order
from golden.splat.path_image import build_path_image
from golden.splat.shared_order import render_shared, sort_frame, sort_squares
from hw.splat.config import tiny
from hw.splat.top import SplatEngine
from tests.golden.splat.rows import header_of, view_of
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import made
from tests.hw.lib.reset_board import ResetBoard
from tests.hw.splat.ordered import redirect, turned

MARGIN = 2


@pytest.mark.parametrize("slowly", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_lists_are_written_and_drawn(slowly: bool, seed: int) -> None:
    """A job of two frames, cut off by a reset amid writing, and once more: lists and pixels are the model's.

    `slowly`: the last lists are written so late that the second frame has to wait for them.
    """
    config = replace(tiny(), shared_sort=1)
    spec = config.spec
    view = made(random_scene(3, 60, degree=1, thinnest=0.05, widest=0.3), camera_at(size=(24, 20), focal=20.0), spec)
    before = build_frame(view.image, turned(view.camera, 0.02), spec)
    order = sort_squares(view.image, before, spec, MARGIN)
    frames = [sort_frame(view.image, before, spec, MARGIN), view.frame]
    memory = build_path_image(view.image, frames, spec, listed=[True] * 2, orders=[None, order], sorts=[0])
    behind = view_of(memory.data)["next_address"]
    begins = [header_of(memory.data, head)["frame_address"] for head in (0, behind)]
    redirect(memory.data, behind, begins[0] + GROUP_BYTES * len(frames[0].groups))
    board = ResetBoard(SplatEngine(config=config), seed=seed, size=1 << 17, word=config.word_bytes)

    async def run(ctx: Any) -> None:
        await board.job(ctx, memory, ("shared_entries", 9))
        board.bytes[memory.result_address :] = 0x5A
        await board.job(ctx, memory)

    async def slow(ctx: Any) -> None:
        while True:
            _, _, entries = await ctx.tick().sample(board.dut.counters.shared_entries)
            board.stall = 0.98 if slowly and order.entries // 2 < entries < order.entries else 0

    simulator = Simulator(board.bench.m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(board.serve, background=True)
    simulator.add_testbench(slow, background=True)
    simulator.add_testbench(run)
    simulator.run()
    lists = read_order(board.bytes[begins[0] : begins[1]], begins[0], len(order.places))
    for name, wanted in expected_order(view.image, order, aligned_first(view.image)).items():
        assert np.array_equal(lists[name], wanted), name
    pixels = read_frame(board.bytes[begins[1] :][: 4 * 16 * 16 * len(order.places)], view.frame, spec)
    assert np.array_equal(pixels, render_shared(view.image, view.frame, order, spec).image.numpy())
    assert order.entries > 60
    assert pixels.any()
