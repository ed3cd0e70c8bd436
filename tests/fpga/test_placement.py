"""What nextpnr says of a seed, and the config's hash in a bitstream."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fpga.boards import BOARDS, find_board
from fpga.build import usercode
from fpga.placement import Nextpnr, Placed, find_nextpnr, pack, place, read_report
from golden.errors import InputError
from hw.generate import config_hash
from hw.radiance.config import nano, tiny
from sim.kernel.synth import SynthesisError

USERCODE = b"\xc2\x80\0\0"  # the bitstream's command, with a CRC to follow


def test_a_report_of_nextpnr(tmp_path: Path) -> None:
    """Of two clocks the slower one counts; a path is the signals along it, each once and without suffixes of tools."""
    cells = ["top.engine.walk.place_TRELLIS_FF_Q_3", "top.engine.walk.place_LUT4_A", "top.engine.heap$12.full_LUT4_Z"]
    steps = [
        {"delay": delay, "type": "logic", "from": {"cell": a, "port": "Q"}, "to": {"cell": b, "port": "D"}}
        for delay, a, b in zip((0.5, 3.0), cells, cells[1:], strict=False)
    ]
    path = {"from": "posedge clk", "to": "posedge clk", "path": steps}
    report = {
        "fmax": {"clk": {"achieved": 61.238, "constraint": 50.0}, "other": {"achieved": 200.0, "constraint": 50.0}},
        "critical_paths": [path],
        "utilization": {"DP16KD": {"used": 3, "available": 56}, "DCCA": {"used": 0, "available": 56}},
    }
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report))
    placed = read_report(file, 7, tmp_path / "seed.config")
    assert (placed.seed, placed.fmax_mhz, placed.used) == (7, 61.24, {"DP16KD": 3})
    assert placed.worst_path == ["engine.walk.place", "engine.heap"]


def placed(folder: Path, config: str) -> Placed:
    file = folder / "seed-1.config"
    file.write_text(config)
    return Placed(seed=1, fmax_mhz=50.0, worst_path=[], used={}, config=file)


def test_a_bitstream_has_its_config_s_hash(tmp_path: Path) -> None:
    code, file = usercode(nano()), tmp_path / "board.bit"
    assert f"{code:08x}" == config_hash(nano())[:8]
    assert code != usercode(tiny())
    pack(placed(tmp_path, ".device LFE5U-85F\n"), BOARDS["ulx3s-85f"], file, usercode=code)
    assert file.read_bytes().count(USERCODE + code.to_bytes(4, "big")) == 1


def test_what_a_tool_refuses_is_one_line(tmp_path: Path) -> None:
    """And no file is left that looks like a bitstream."""
    file = tmp_path / "board.bit"
    with pytest.raises(SynthesisError, match=r"^ecppack: .*error.*$"):
        pack(placed(tmp_path, ".device LFE5U-99F\n"), BOARDS["ulx3s-85f"], file, usercode=1)
    assert not file.exists()


def program(folder: Path, text: str) -> str:
    """One that says `text`, whatever it is asked."""
    file = folder / "nextpnr-of-mine"
    file.write_text(f"#!/bin/sh\necho '{text}' >&2\n")
    file.chmod(0o755)
    return str(file)


def test_nextpnr_is_pip_s_or_the_user_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its path or its name, with options; its version is what it says."""
    assert re.fullmatch(r"nextpnr-[\d.]+", find_nextpnr(None).version)
    mine = program(tmp_path, '"nextpnr-ecp5" -- Next Generation Place and Route (Version 0.7-1)')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in (mine, "nextpnr-of-mine"):
        found = find_nextpnr(f"{name} --router router2")
        assert (found.program, found.options, found.version) == ((mine,), ("--router", "router2"), "0.7-1")


def test_a_design_s_options_are_for_commands_that_have_none(tmp_path: Path) -> None:
    mine, placing = program(tmp_path, "(Version 0.7-1)"), ("--placer", "static")
    assert find_nextpnr(None, placing).options == find_nextpnr(mine, placing).options == placing
    assert find_nextpnr(f"{mine} --seed 7", placing).options == ("--seed", "7")


def test_what_is_no_nextpnr_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^nextpnr must be a program that can be run, 'nothing' is none$"):
        find_nextpnr("nothing")
    with pytest.raises(SynthesisError, match=r"^nextpnr: .*of-mine says no version of nextpnr$"):
        print(find_nextpnr(program(tmp_path, "hello")).version)
    broken = tmp_path / "broken"
    broken.write_text("no program")
    broken.chmod(0o755)
    with pytest.raises(SynthesisError, match=r"^nextpnr: .*broken does not run: Exec format error$"):
        print(find_nextpnr(str(broken)).version)


@pytest.mark.parametrize(("options", "placer"), [((), "heap"), (("--placer", "static"), "static")])
def test_a_placer_of_the_user_s_is_taken(
    options: tuple[str, ...], placer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("fpga.placement._run_tool", lambda tool, log, command: commands.append(list(command)))
    monkeypatch.setattr("fpga.placement.read_report", lambda *_: None)
    netlist: Any = SimpleNamespace(json=tmp_path / "top.json", constraints=tmp_path / "top.lpf")
    place(netlist, find_board("ulx3s-85f"), 1, Nextpnr(program=("nextpnr",), options=options))
    (command,) = commands
    assert [command[k + 1] for k, word in enumerate(command) if word == "--placer"] == [placer]
