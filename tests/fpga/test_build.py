"""A small design all the way to a bitstream, and what is refused on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fpga.boards import find_board
from fpga.build import Bitstream, build, usercode
from fpga.placement import Nextpnr, Placed
from fpga.self_test import SelfTest
from fpga.synthesis import Netlist
from fpga.tops import TOPS
from golden.errors import InputError
from hw.generate import config_hash
from sim.engines import ENGINES
from tests.fpga.engine import Copier, CopyConfig, copy_vectors

BOARD = find_board("colorlight-i5")


def copier(_: Any, config: Any, board: Any) -> SelfTest:
    return SelfTest(name="copy", engine=Copier(), config=config, vectors=copy_vectors(), divisor=board.divisor)


def seed(number: int, fmax: float) -> Placed:
    return Placed(seed=number, fmax_mhz=fmax, worst_path=[f"path {number}"], used={"DP16KD": 6}, config=Path("x"))


class Mine(Nextpnr):
    @property
    def version(self) -> str:
        return "0.11"


def test_a_report_has_what_came_of_it() -> None:
    """Smallest, middle and highest frequency of the seeds; the bitstream and the slowest path are the fastest's."""
    netlist = Netlist(json=Path(), verilog=Path(), constraints=Path(), lut=100, ff=50, bram=6, dsp=2, dsp_in_lut=1)
    seeds = [seed(1, 61.0), seed(2, 58.5), seed(3, 64.25)]
    built = Bitstream(
        engine=ENGINES["lod"], config=CopyConfig(), board=BOARD, top="self-test", netlist=netlist, seeds=seeds,
        nextpnr=Mine(program=(), options=("--router", "router2")), file=Path("lod.bit"),
    )  # fmt: skip
    report = built.report()
    assert report["fmax_mhz"] == {"min": 58.5, "median": 61.0, "max": 64.25}
    assert report["worst_path"] == ["path 3"]
    assert report["resources"]["bram"] == {"used": 6, "available": 56}
    assert report["usercode"] == f"{usercode(CopyConfig()):08x}" == config_hash(CopyConfig())[:8]
    assert (report["device"], report["clock_mhz"], report["dsp_in_lut"]) == ("LFE5U-25F", 50.0, 1)
    assert report["nextpnr"] == {"version": "0.11", "options": "--router router2"}
    json.dumps(report)


def test_an_unknown_top_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^top must be one of self-test, host-link, it is 'disco'$"):
        build(ENGINES["lod"], CopyConfig(), BOARD, tmp_path, top="disco")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_small_self_test_becomes_a_bitstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seeds, of which the faster is packed; with the clock that was asked for."""
    monkeypatch.setitem(TOPS, "self-test", copier)
    built = build(ENGINES["lod"], CopyConfig(), BOARD, tmp_path, seeds=2)
    assert built.file
    assert usercode(CopyConfig()).to_bytes(4, "big") in built.file.read_bytes()
    assert len(built.seeds) == 2
    assert built.best.fmax_mhz > BOARD.clock_mhz
    assert built.best.used["DP16KD"] == built.netlist.bram
    assert built.best.worst_path
    assert all(not name.startswith("top.") for name in built.best.worst_path)
