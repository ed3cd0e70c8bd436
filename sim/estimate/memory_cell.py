"""Memories of a mapped netlist: their shapes, the modules that stand for them, and how those behave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Memory:
    """A memory that stays one when a design is mapped. All ports share a clock, and act at its rising edge.

    Ports of its module: `clk`; of each read port k `rk_en`, `rk_addr`, `rk_data`, which holds the row that was
    addressed at the last edge with `rk_en`; of each write port k `wk_en`, a bit for every lane, `wk_addr`, `wk_data`.
    A row that is read while it is written gives its old word.
    """

    width: int
    depth: int
    read_ports: int
    write_ports: int
    lanes: int = 1  #: parts of a word that are written one by one, all `width // lanes` bits wide
    start: int = 0  #: address of the first row

    @property
    def bits(self) -> int:
        """Stored bits."""
        return self.width * self.depth

    @property
    def address_bits(self) -> int:
        """Of every address."""
        return max((self.depth + self.start - 1).bit_length(), 1)

    @property
    def name(self) -> str:
        """Of the module that stands for every memory of this shape."""
        lanes = f"_{self.lanes}l" if self.lanes > 1 else ""
        start = f"_from{self.start}" if self.start else ""
        return f"ram_{self.depth}x{self.width}_{self.read_ports}r{self.write_ports}w{lanes}{start}"

    def ports(self) -> Iterator[tuple[str, str, int]]:
        """Direction, name and width of every port of the module."""
        yield "input", "clk", 1
        for k in range(self.read_ports):
            yield "input", f"r{k}_en", 1
            yield "input", f"r{k}_addr", self.address_bits
            yield "output", f"r{k}_data", self.width
        for k in range(self.write_ports):
            yield "input", f"w{k}_en", self.lanes
            yield "input", f"w{k}_addr", self.address_bits
            yield "input", f"w{k}_data", self.width


def behaviour(memory: Memory) -> str:
    """The memory's module in behavioural Verilog, for simulating a netlist.

    Rows are x until they are written, and where it is not known whether they are.
    """
    ports = ", ".join(
        f"{direction} {'reg ' * (direction == 'output')}[{width - 1}:0] {name}"
        for direction, name, width in memory.ports()
    )
    part, unknown = memory.width // memory.lanes, f"{memory.width}'bx"
    lines = [f"module {memory.name} ({ports});"]
    last = memory.start + memory.depth - 1
    lines += [
        f"  reg [{memory.width - 1}:0] rows [{memory.start}:{last}];",
        "  integer row;",
        "  always @(posedge clk) begin",
    ]
    lines += [
        f"    if (r{k}_en !== 0) r{k}_data <= r{k}_en ? rows[r{k}_addr] : {unknown};" for k in range(memory.read_ports)
    ]
    for k in range(memory.write_ports):
        for lane in range(memory.lanes):
            bits = f"[{lane * part} +: {part}]"
            lines += [
                f"    if (w{k}_en[{lane}] !== 0) begin",
                f"      if (^w{k}_addr === 1'bx) for (row = {memory.start}; row <= {last}; row = row + 1)",
                f"        rows[row]{bits} <= {part}'bx;",
                f"      else rows[w{k}_addr]{bits} <= w{k}_en[{lane}] ? w{k}_data{bits} : {part}'bx;",
                "    end",
            ]
    return "\n".join([*lines, "  end", "endmodule", ""])
