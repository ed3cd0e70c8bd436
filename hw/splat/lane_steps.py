"""When a pixel lane gets what of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value

from golden.splat.spec import Spec
from hw.lib.pipe import Pipe, Staged
from hw.splat.exponent import interpolation
from hw.splat.pixel_lane import BLEND, READ, SHADE, STORE, WRITE


@dataclass(frozen=True, kw_only=True)
class LaneSteps:
    """Operations on their way through a lane; cycles count as `PixelLane`'s do, from `interpolation` after one."""

    draw: list[Value]  #: there is a splat to draw, in cycles 0 to STORE
    flush: list[Value]  #: it is a flush, likewise
    place: Staged  #: its place
    inputs: Mapping[str, Any]  #: of every lane, by the names of its ports, from `read_address` on


def lane_steps(
    m: Module, p: Pipe, spec: Spec, *, draw: Value, flush: Value, place: Value, color: Any
) -> LaneSteps:  # fmt: skip
    """Delays an operation for one lane, or for all that draw it. Registers go to `m`."""
    later = interpolation(spec)
    where = p.source(p.at(p.source(place, "operation_place"), later), "place")
    shade = p.source(p.at(p.source(color, "operation_color"), later), "color")
    draws, flushes = (_flags(m, flag, name, later) for name, flag in (("draw", draw), ("flush", flush)))
    # The operation 2 cycles before was on this place: what it leaves is not in memory yet.
    forward = Signal()
    m.d.sync += forward.eq((p.at(where, READ) == p.at(where, BLEND)) & (draws[BLEND] | flushes[BLEND]))
    inputs = {
        "read_address": p.at(where, READ),
        "forward": forward,
        "flush_blend": flushes[BLEND],
        "write_address": p.at(where, WRITE),
        "write": draws[WRITE] | flushes[WRITE],
        "color": p.at(shade, WRITE),
        "flush_shade": flushes[SHADE],
        "store_address": p.at(where, SHADE),
        "store": draws[SHADE] | flushes[SHADE],
    }
    return LaneSteps(draw=draws, flush=flushes, place=where, inputs=inputs)


def _flags(m: Module, flag: Value, name: str, later: int) -> list[Value]:
    """The flag in cycles 0 to STORE; from registers that are reset, so that nothing is written before an operation."""
    late = Signal(STORE + later, name=f"{name}_late")
    m.d.sync += late.eq(Cat(flag, late[:-1]))
    return [flag, *late][later:]
