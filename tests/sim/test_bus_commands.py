"""What `generate --bus` and its companions refuse, each in one line."""

from __future__ import annotations

import gc
import json
import warnings
from pathlib import Path

import pytest
from amaranth.hdl import UnusedElaboratable

from tests.hw.readers import READERS
from tests.sim.conftest import Tessera


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lod --bus wishbone", "--bus must be one of axi4, axi4-stream, it is 'wishbone'"),
        ("lod --bus axi4,speed=3", "--bus: no field 'speed', there is width, beats, reads, writes, id_width"),
        ("lod --bus axi4,reads", "--bus takes field=value, got 'reads'"),
        ("lod --bus axi4,reads=many", "--bus: reads must be a whole number, it is 'many'"),
        ("lod --bus axi4,beats=512", "axi4: beats must lie in 1..256, it is 512"),
        ("lod --bus axi4,width=48", "axi4: width must be a power of two, it is 48"),
        ("lod --bus axi4,width=512", "axi4: width must not exceed the memory word's 128, it is 512"),
        ("lod --bus axi4-stream", "--bus axi4-stream needs --stage, the engine's own border is memory: --bus axi4"),
        ("lod --bus axi4-stream,width=8 --stage retire", "--bus: axi4-stream has no fields, it is given 'width=8'"),
        ("lod --bus axi4 --stage retire", "--bus axi4 is of a whole engine, for --stage there is axi4-stream"),
        ("lod --stage retirement", "--stage must be one of job_fetch"),
        ("lod --stage search --bus axi4-stream", "axi4-stream: the border of Search is no plain stream at"),
        ("lod --package /tmp", "/tmp: a package needs a folder of its own, this one is not empty"),
        ("lod --package /proc/none", "/proc/none/README.md: cannot be written"),
        ("lod --package new --stage retire", "--package is of a whole engine with --bus axi4"),
    ],
)
def test_refusals(
    tessera: Tessera, arguments: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        pytest.fail("it began")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.commands.generate.generate_design", work)
    monkeypatch.setattr("sim.commands.generate.make_product", work)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)  # what was made before the refusal
        outcome = tessera("generate", *arguments.split(), "--config", "tiny")
        gc.collect()
    assert outcome.status == 2
    assert message in " ".join(outcome.err.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "top", "ports"),
    [
        ("lod --stage size_check", "size_check", {"i", "o"}),
        ("lod --stage retire --bus axi4-stream", "retire_axi4_stream",
         {"s_axis_i_tdata", "m_axis_calls_tvalid", "m_axis_results_tlast", "keep"}),
        pytest.param(
            "splat --stage fine_filter --bus axi4-stream", "fine_filter_axi4_stream",
            {"s_axis_i_tdata", "s_axis_groups_tvalid", "m_axis_o_tlast", "frame"}, marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_a_stage(tessera: Tessera, arguments: str, top: str, ports: set[str], tmp_path: Path) -> None:
    """Its ports are described, a stream's in whole bytes; three readers accept it."""
    assert tessera("generate", *arguments.split(), "--config", "tiny", "-o", tmp_path).status == 0
    (path,) = tmp_path.glob("*.json")
    description = json.loads(path.read_text())
    found = {port["name"]: port for port in description["ports"]}
    assert description["name"] == top
    assert ports <= set(found)
    assert all(port["description"] for port in found.values() if "axis" in port["name"])
    assert all(port["width"] % 8 == 0 for name, port in found.items() if name.endswith("tdata"))
    for reader in READERS.values():
        reader(path.with_suffix(".v"))
