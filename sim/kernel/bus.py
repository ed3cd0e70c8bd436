"""What a command is told of a bus."""

from __future__ import annotations

from dataclasses import replace

from golden.errors import InputError
from hw.bus.config import BusConfig
from sim.kernel.settings import sort_changes

MEMORY_BUS, STREAM_BUS = "axi4", "axi4-stream"


def bus_named(text: str) -> BusConfig | None:
    """`axi4`, with fields changed as in `axi4,width=64,reads=8`; or `axi4-stream`, which has no config.

    Raises:
        InputError: no such bus or field, or a value that it refuses.
    """
    name, *changes = text.split(",")
    if name not in (MEMORY_BUS, STREAM_BUS):
        raise InputError(f"--bus must be one of {MEMORY_BUS}, {STREAM_BUS}, it is '{name}'")
    if name == STREAM_BUS:
        if changes:
            raise InputError(f"--bus: {STREAM_BUS} has no fields, it is given '{changes[0]}'")
        return None
    bus = BusConfig()
    known = ", ".join(BusConfig.LIMITS)
    (chosen,) = sort_changes((bus,), changes, lambda field: f"--bus: no field '{field}', there is {known}", "--bus")
    return replace(bus, **chosen)  # type: ignore[arg-type]
