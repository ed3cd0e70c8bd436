"""A board's memory: both ports keep the stream rule, and no row is read in the cycle in which it is written.

`two_port_memory` asserts the second; on that the netlist relies, which leaves open what such a read gives.
"""

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Module, Value

from fpga.block_ram import BlockRam
from hw.lib.stream import transfer
from tests.formal.spec import establish


def test_block_ram(tmp_path: Path) -> None:
    def properties(_: Module, dut: BlockRam) -> Value:
        return transfer(dut.read.response) & transfer(dut.write.request)

    establish(lambda: BlockRam(width=32, words=4), properties, tmp_path)
