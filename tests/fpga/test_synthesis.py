"""What a design takes of a device: narrow multiplications go into look-up tables, and what overflows is named."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.boards import BOARDS, DEVICES
from fpga.synthesis import (
    MOST_DSP,
    Netlist,
    multiplications,
    multipliers,
    narrowest,
    require_fit,
    synthesise_top,
)
from sim.kernel.synth import TargetMissedError

WIDTHS = [6, 10, 18]


class Products(wiring.Component):
    """Two products of each of `WIDTHS`, shifted in and out at a pin."""

    def __init__(self) -> None:
        super().__init__({"receive": In(1), "send": Out(1)})

    def elaborate(self, platform: Any) -> Elaboratable:
        m = Module()
        bit = self.receive
        for k, width in enumerate(2 * WIDTHS):
            a, b = Signal(signed(width), name=f"a_{k}"), Signal(signed(width), name=f"b_{k}")
            product = Signal(signed(2 * width), name=f"product_{k}")
            m.d.sync += [a.eq((a << 1) | bit), b.eq((b << 1) | a[-1]), product.eq(a * b)]
            bit = product.xor()
        m.d.sync += self.send.eq(bit)
        return m


def netlist(**used: int) -> Netlist:
    paths = {name: Path(name) for name in ("json", "verilog", "constraints")}
    return Netlist(**paths, **{"lut": 0, "ff": 0, "bram": 0, "dsp": 0, "dsp_in_lut": 0, **used})


def test_the_narrowest_are_taken_until_the_rest_fits() -> None:
    widths = Counter({(18, 18): 3, (10, 16): 4, (16, 10): 1, (8, 12): 2, (3, 9): 5, (18, 32): 2})
    assert [multipliers(pair) for pair in ((18, 18), (19, 18), (35, 36), (18, 32))] == [1, 2, 6, 2]
    assert not narrowest(widths, 100)
    assert narrowest(widths, 17) == {(8, 12): 2}, "`booth` does not take operands of three bits"
    assert narrowest(widths, 16) == {(8, 12): 2, (10, 16): 1}
    assert narrowest(widths, 8) == {(8, 12): 2, (10, 16): 4, (16, 10): 1, (18, 18): 3, (18, 32): 1}
    assert narrowest(widths, 0) == {(8, 12): 2, (10, 16): 4, (16, 10): 1, (18, 18): 3, (18, 32): 2}


def test_a_product_too_many_becomes_look_up_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device of which five multipliers are used, five of six products get one, and a narrow one is LUTs."""
    small = replace(DEVICES["LFE5U-25F"], dsp=math.ceil(5 / MOST_DSP))
    monkeypatch.setitem(DEVICES, "LFE5U-25F", small)
    made = synthesise_top(Products(), BOARDS["colorlight-i5"], tmp_path)
    assert made.dsp == 5
    assert made.dsp_in_lut == 1
    assert multiplications((tmp_path / "top.coarse.il").read_text()) == {(w, w): 2 for w in WIDTHS}
    assert made.verilog.read_text().count("  MULT18X18D ") == 5
    require_fit(made, small, "products")


def test_a_global_buffer_drives_the_reset(tmp_path: Path) -> None:
    """nextpnr lays a net on the global wires only where one stands."""
    cells = json.loads(synthesise_top(Products(), BOARDS["ulx3s-85f"], tmp_path).json.read_text())
    cells = cells["modules"]["top"]["cells"].values()
    (buffer,) = (cell["connections"] for cell in cells if cell["type"] == "DCCA")
    resets = [cell["connections"]["LSR"] for cell in cells if cell["type"] == "TRELLIS_FF"]
    assert buffer["CE"] == ["1"]
    assert resets.count(buffer["CLKO"]) >= len(WIDTHS) > resets.count(buffer["CLKI"])


@pytest.mark.parametrize(
    ("used", "message"),
    [
        ({"lut": 24_289}, "24289 look-up tables of 24288"),
        ({"ff": 24_289}, "24289 flip-flops of 24288"),
        ({"bram": 57, "dsp": 29}, "57 block RAMs of 56"),
        ({"dsp": 29}, "29 multipliers of 28"),
    ],
)
def test_what_overflows_is_named(used: dict[str, int], message: str) -> None:
    require_fit(netlist(lut=24_288, ff=24_288, bram=56, dsp=28), DEVICES["LFE5U-25F"], "kv")
    with pytest.raises(TargetMissedError, match=f"^kv on a 25F does not fit: it needs {message}$"):
        require_fit(netlist(**used), DEVICES["LFE5U-25F"], "kv on a 25F")
