"""Memories as cells of a liberty file: what static timing needs to see the paths that begin and end at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sim.estimate.liberty_head import liberty_head
from sim.estimate.memory_cell import Memory
from sim.estimate.memory_model import Cost

_SLOPE_PS = 50  #: of the data, whatever the load: macros have strong outputs


def memory_liberty(costs: Mapping[Memory, Cost], pin_ff: float) -> str:
    """A library with a cell for every shape; `pin_ff` loads each net that ends at one of its inputs."""
    head = liberty_head("tessera_memories", voltage=1, slew=(20, 80))
    widths = sorted({width for memory in costs for _, _, width in memory.ports() if width > 1})
    types = [
        f"  type (bus{width}) {{ base_type : array; data_type : bit; bit_width : {width}; bit_from : {width - 1}; "
        "bit_to : 0; downto : true; }"
        for width in widths
    ]
    cells = [line for memory, cost in costs.items() for line in _cell(memory, cost, pin_ff)]
    return "\n".join([head, *types, *cells, "}", ""])


def _cell(memory: Memory, cost: Cost, pin_ff: float) -> Iterator[str]:
    yield f"  cell ({memory.name}) {{ area : {cost.area_um2:.3f}; dont_touch : true; interface_timing : true;"
    for direction, name, width in memory.ports():
        head = f"bus ({name}) {{ bus_type : bus{width};" if width > 1 else f"pin ({name}) {{"
        yield f"    {head} direction : {direction};"
        yield from (f"      {line}" for line in _timing(direction, name, cost, pin_ff))
        yield "    }"
    yield "  }"


def _timing(direction: str, name: str, cost: Cost, pin_ff: float) -> Iterable[str]:
    if direction == "output":
        ps = cost.access_s * 1e12
        edges = " ".join(
            f'cell_{edge} (scalar) {{ values ("{ps:.2f}"); }} {edge}_transition (scalar) {{ values ("{_SLOPE_PS}"); }}'
            for edge in ("rise", "fall")
        )
        return [f"timing () {{ related_pin : clk; timing_type : rising_edge; {edges} }}"]
    if name == "clk":
        return ["clock : true; capacitance : 0;"]
    setup = cost.setup_s * 1e12
    edges = " ".join(f'{edge}_constraint (scalar) {{ values ("{setup:.2f}"); }}' for edge in ("rise", "fall"))
    return [
        f"capacitance : {pin_ff:.4f};",
        f"timing () {{ related_pin : clk; timing_type : setup_rising; {edges} }}",
    ]
