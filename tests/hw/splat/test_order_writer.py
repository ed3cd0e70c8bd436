"""Lists in drawing order and their table in memory: whole, on lines, slabs of a square as one."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring

from golden.splat.memory_map import GROUP, GROUP_BYTES, LINE_BYTES, VOXEL_BYTES
from golden.splat.spec import TINY
from hw.lib.fields import unpack_nested
from hw.lib.payloads import SortedLayout
from hw.splat.order_writer import OrderWriter
from tests.golden.splat.rows import unpack
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteWriter
from tests.hw.splat.datapath import Payload

LAYOUT = SortedLayout(TINY)
ADDRESS = 192


def carrying(entry: int, end: int) -> Payload:
    """A sorted splat in whose place an entry travels."""
    return unpack_nested((entry << LAYOUT["touch"].offset) | (end << LAYOUT["end"].offset), LAYOUT)


class Started(wiring.Component):
    """The writer, started for every frame of `many` groups before anything of it comes."""

    def __init__(self, width: int, many: int) -> None:
        self.writer, self.many = OrderWriter(spec=TINY, memory_width=width), many
        ports = self.writer.signature.members
        super().__init__({name: ports[name] for name in ("groups", "i", "write")})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.writer = writer = self.writer
        left = Signal(range(self.many + 1))  # groups of the frame
        wiring.connect(m, wiring.flipped(self.write), writer.write)
        m.d.comb += [
            writer.start.eq(left == 0),
            writer.address.eq(ADDRESS),
            writer.group_count.eq(self.many),
        ]
        m.d.sync += left.eq(Mux(left == 0, self.many, left - writer.group_end))
        for outer, inner in ((self.i, writer.i), (self.groups, writer.groups)):
            m.d.comb += [
                inner.payload.eq(outer.payload),
                inner.valid.eq(outer.valid & (left != 0)),
                outer.ready.eq(inner.ready & (left != 0)),
            ]
        return m


@pytest.mark.parametrize("width", [128, 256, 512])
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.4), (0.6, 0), (0, 0.7)])
def test_lists(width: int, put: float, get: float, seed: int) -> None:
    """Two frames; squares of any length, of one or more slabs, and nothing outside what is theirs.

    That a slab is not the last of its square its entry says, or its end.
    """
    rng = Random(f"{seed} {width} {put}")
    sizes = [[5], [0], [4], [1, 0, 7], [8], [0, 0], [3, 9], [16], [13]]
    frames = [sizes, sizes[::-1]]
    lists = [[[rng.getrandbits(128) for _ in range(sum(slabs))] for slabs in frame] for frame in frames]
    inputs: list[Payload] = []
    groups: list[Payload] = []
    lasts: list[bool] = []
    for frame, entries in zip(frames, lists, strict=True):
        for slabs, square in zip(frame, entries, strict=True):
            left = iter(square)
            for k, count in enumerate(slabs):
                follows = k < len(slabs) - 1
                by_end = follows and rng.random() < 0.5
                inputs += [carrying(next(left), 0) for _ in range(count)] + [{**carrying(0, 1), "kept": int(by_end)}]
                kept = {"left": rng.randrange(-99, 99), "centre_x": rng.randrange(999), "high": rng.randrange(999)}
                groups.append(whole_group({**kept, "continued": int(follows and not by_end)}))
                lasts.append(not follows)
    many = sum(map(len, sizes))
    dut: Any = Started(width, many)
    bench = Bench(dut, seed=seed)
    content = bytearray(b"\xee" * 16384)
    ByteWriter(bench, dut.write, content, stall=get)
    bench.source(dut.i, inputs, stall=put)
    bench.source(dut.groups, groups, stall=put)
    listed, ended = [0], [0]
    taken: list[bytes] = []

    async def run(ctx: Any) -> None:
        while True:
            _, _, entries, ends = await ctx.tick().sample(dut.writer.listed, dut.writer.group_end)
            listed[0] += entries
            ended[0] += ends
            if ends and ended[0] == many:
                taken.append(bytes(content))

    bench.process(run)
    bench.run(drain=60)
    assert (listed[0], ended[0]) == (2 * sum(sum(slabs) for slabs in sizes), 2 * many)
    squares = [group for group, last in zip(groups, lasts, strict=True) if last]
    for raw, frame, kept in zip(
        (taken[0], bytes(content)), lists, (squares[: len(sizes)], squares[len(sizes) :]), strict=True
    ):
        begin = ADDRESS + many * GROUP_BYTES
        for k, (entries, group) in enumerate(zip(frame, kept, strict=True)):
            row = raw[ADDRESS + k * GROUP_BYTES :][:GROUP_BYTES]
            got = unpack(GROUP, np.frombuffer(row, np.uint8))
            assert got == group | {"list_address": begin, "list_count": len(entries)}
            data = b"".join(entry.to_bytes(VOXEL_BYTES, "little") for entry in entries)
            assert raw[begin : begin + len(data)] == data
            begin += -(-len(data) // LINE_BYTES) * LINE_BYTES
    assert content[:ADDRESS] == b"\xee" * ADDRESS
    assert content[begin:] == b"\xee" * (len(content) - begin)


def whole_group(codes: Payload) -> Payload:
    return {field.name: codes.get(field.name, 0) for field in GROUP}
