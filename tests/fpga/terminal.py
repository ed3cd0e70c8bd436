"""Who listens to a board's serial line."""

from __future__ import annotations

from typing import Any


async def receive(ctx: Any, line: Any, divisor: int, count: int, *, limit: int = 20_000) -> bytes:
    """`count` bytes, 8N1, each bit taken in its middle; fewer when nothing comes for `limit` cycles."""
    received = bytearray()
    while len(received) < count:
        for _ in range(limit):
            if not ctx.get(line):
                break
            await ctx.tick()
        else:
            return bytes(received)
        await ctx.tick().repeat(divisor // 2)
        bits = []
        for _ in range(9):
            await ctx.tick().repeat(divisor)
            bits.append(ctx.get(line))
        assert bits.pop() == 1, "a byte has no stop bit"
        received.append(sum(bit << k for k, bit in enumerate(bits)))
    return bytes(received)
