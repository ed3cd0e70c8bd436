"""List writer: every entry and every group in its place, however slow memory is; the order of words is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.splat.memory_image import build_memory_image
from golden.splat.spec import TINY
from hw.splat.config import tiny
from hw.splat.list_writer import ListWriter
from tests.golden.splat.cases import case
from tests.golden.splat.rows import groups_of, header_of, list_of, view_of
from tests.golden.splat.views import View
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import WriteMemory
from tests.hw.splat.datapath import Payload
from tests.hw.splat.placed import entries, fill, table, windowed


def entries_of(v: View, lengths: list[int]) -> list[Payload]:
    """Lists of the view's first voxels, of the given lengths, and an end mark behind each."""
    sent: list[Payload] = []
    voxels = entries(v)
    for group, length in zip(v.frame.groups, lengths, strict=True):
        for number, bound in list(zip(group.voxels.tolist(), group.depths.tolist(), strict=True))[:length]:
            sent.append({"entry": voxels[number], "bound": bound, "end": 0})
        sent.append({"entry": voxels[0], "bound": 0, "end": 1})
    return sent


@pytest.mark.parametrize("width", [128, 256, 512])
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.4, 0.5)])
def test_lists_and_table(width: int, put: float, get: float, seed: int) -> None:
    """Empty lists, full words and words in part; the last columns and rows lie partly off the image."""
    whole = windowed(case("random", TINY))
    lengths = [0, 1, 5, 4, 20, 3]
    groups = tuple(
        replace(group, voxels=group.voxels[:n], depths=group.depths[:n])
        for group, n in zip(whole.frame.groups, lengths, strict=True)
    )
    v = replace(whole, frame=replace(whole.frame, groups=groups))
    memory = build_memory_image(v.image, v.frame, TINY)
    data = memory.data
    sides = {(entry["axis"], entry["row"]): fill(entry["sides"]) for entry in table(v)}
    config = replace(tiny(), memory_width=width, order_sides=32)
    dut: Any = ListWriter(config=config)
    bench = Bench(dut, seed=seed)
    bench.m.d.comb += [
        *(dut.view[name].eq(code) for name, code in view_of(data).items()),
        dut.group_address.eq(header_of(data)["group_address"]),
        dut.columns.eq(v.frame.columns),
        dut.rows.eq(v.frame.rows),
        dut.near.eq(v.frame.near),
    ]
    sent = entries_of(v, [len(group.voxels) for group in v.frame.groups])
    lists = sum(-(-16 * len(group.voxels) // config.word_bytes) for group in v.frame.groups)
    words = WriteMemory(bench, dut.write, lists + len(v.frame.groups) * 64 // config.word_bytes, stall=get)

    async def answer(ctx: Any) -> None:
        """The tables of sides, two cycles late."""
        asked = [[1, 1], [1, 1]]
        while True:
            across, down = (sides.get((axis, row), sides[0, 1]) for axis, row in enumerate(asked[0]))
            ctx.set(dut.read_sides, {"column": across, "row": down})
            _, _, column, row = await ctx.tick().sample(dut.read_row.column, dut.read_row.row)
            asked = [asked[1], [column, row]]

    async def start(ctx: Any) -> None:
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)

    bench.process(start)
    bench.process(answer)
    bench.source(dut.i, sent, stall=put or 0.1)
    bench.run(drain=40)
    found = bytearray(len(data))
    for address, word, _ in words.words():
        found[address : address + config.word_bytes] = word.to_bytes(config.word_bytes, "little")
    got = data.copy()
    begin, end = header_of(data)["group_address"], view_of(data)["list_end"]
    got[begin:end] = list(found[begin:end])
    assert groups_of(got) == groups_of(data)
    for group in groups_of(got):
        assert list_of(got, group) == list_of(data, group)
