from __future__ import annotations

import gc
import json
import re
import warnings
from pathlib import Path

import click
import numpy as np
import pytest
from amaranth.hdl import UnusedElaboratable
from PIL import Image

from hw.generate import config_hash
from hw.splat.config import default, tiny
from sim.cli import cli
from sim.commands.options import OutputFile
from sim.kernel.settings import choose_config
from sim.kernel.synth import TARGET_MHZ, PlacedBlock
from tests.sim.conftest import Tessera


def test_generate_writes_verilog_and_description(tessera: Tessera, tmp_path: Path) -> None:
    """Two files in the folder that was asked for; a setting is in the description and its hash."""
    outcome = tessera("generate", "splat", "--config", "tiny", "--set", "splat_depth=16", "-o", tmp_path / "new")
    assert (outcome.status, outcome.err) == (0, "")
    config = choose_config({"tiny": tiny}, "tiny", ("splat_depth=16",))
    assert f"config {config_hash(config)}" in outcome.out
    name = f"splat-tiny-{config_hash(config)}"
    description = json.loads((tmp_path / "new" / f"{name}.json").read_text())
    assert description["config"]["splat_depth"] == 16
    assert description["config_hash"] == config_hash(config) != config_hash(tiny())
    first = (tmp_path / "new" / f"{name}.v").read_text().splitlines()[0]
    assert f"splat, config {config_hash(config)} (tiny, splat_depth=16)." in first


def test_generate_with_a_prefix(tessera: Tessera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In build/verilog of the current folder; modules, files and description carry the prefix."""
    monkeypatch.chdir(tmp_path)
    assert tessera("generate", "lod", "--config", "tiny", "--prefix", "left").status == 0
    (verilog,) = (tmp_path / "build" / "verilog").glob("left_lod-tiny-*.v")
    modules = re.findall(r"^module (\w+)", verilog.read_text(), re.MULTILINE)
    assert all(name.startswith("left_") for name in modules)
    description = json.loads(verilog.with_suffix(".json").read_text())
    assert description["name"] in modules
    assert set(description["modules"]) < set(modules)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "/proc/nothing"), "/proc/nothing/.*cannot be written"),
        (("--prefix", "2nd"), "--prefix must be a letter and then letters, digits and underscores, it is '2nd'"),
    ],
)
def test_generate_refuses_before_any_work(
    tessera: Tessera, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    def work(*_: object, **__: object) -> None:
        pytest.fail("it began")

    monkeypatch.setattr("sim.commands.generate.generate_design", work)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)  # what was made before the refusal
        outcome = tessera("generate", "splat", *arguments)
        gc.collect()
    assert outcome.status == 2
    assert re.search(message, outcome.err)


def test_generate_refuses_what_the_engine_has_no_room_for(tessera: Tessera, tmp_path: Path) -> None:
    """The model runs such a config; nothing is written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)  # what was made before the refusal
        outcome = tessera("generate", "kv", "--set", "lanes=8", "-o", tmp_path / "out")
        gc.collect()
    message = "kv: rows must not exceed 2 · lanes - 4 = 12, whose shifts fit in a memory word, it is 16"
    assert (outcome.status, outcome.err) == (2, f"tessera: error: {message}\n")
    assert not (tmp_path / "out").exists()


def test_demo_draws_checks_and_reports(
    tessera: Tessera, scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures of RTL, reference and difference, a figure of the three, and a report; the table shows its numbers."""
    monkeypatch.setattr("sim.commands.demo.BUILD", tmp_path)
    outcome = tessera("demo", scene_file, "--size", 40)
    assert (outcome.status, outcome.err) == (0, "")
    folder = tmp_path / "demo"
    names = {"frame.png", "reference.png", "difference.png", "demo.png", "report.json"}
    assert {path.name for path in folder.iterdir()} == names
    frame, reference, difference = (
        np.array(Image.open(folder / f"{name}.png")).astype(int) for name in ("frame", "reference", "difference")
    )
    assert frame.shape == reference.shape == (40, 40, 3)
    assert np.abs(np.clip(16 * np.abs(frame - reference), 0, 255) - difference).max() <= 9
    report = json.loads((folder / "report.json").read_text())
    assert report["quality"]["rtl_equals_model"] is True
    assert report["quality"]["psnr_db"] > 40
    for shown in (report["cycles"], f"{report['ratio']:.3f}", f"{report['bytes']['total']:,}", "fine filter", "PSNR"):
        assert str(shown) in outcome.out
    assert re.search(r"frames a second at [\d.]+ MHz \((recorded|estimated)\)", outcome.out), "no clock is assumed"
    assert re.search(r"memory it needs then, GB/s +[\d.]+ \(at most: lpddr3 25.6, lpddr4", outcome.out)


def test_sim_runs_every_rate_and_reports(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """A row, a report and a picture for each rate of pauses; pauses are in the report and cost cycles."""
    outcome = tessera(
        "sim", "splat", "--input", scene_file, "--size", 40, "--stalls", 0, "--stalls", 90, "-o", tmp_path / "out"
    )
    assert (outcome.status, outcome.err) == (0, "")
    reports = [json.loads((tmp_path / "out" / f"report-splat-small-{n}.json").read_text()) for n in (0, 90)]
    assert [report["memory"]["stalls"] for report in reports] == [0, 90]
    assert reports[0]["cycles"] < reports[1]["cycles"]
    assert all(str(report["cycles"]) in outcome.out for report in reports)
    assert (tmp_path / "out" / "splat-small.png").exists()
    assert reports[0]["config_hash"] == config_hash(default())


def test_baseline_measures_and_shows(
    tessera: Tessera, scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record goes to build/, to the source tree only if that is asked for; its time is in the table."""
    monkeypatch.setattr("sim.kernel.baseline.SIM", tmp_path / "tree")
    monkeypatch.setattr("sim.kernel.baseline.LOCAL", tmp_path / "build")
    for place, option in (("build", ()), ("tree", ("--record",)), ("mine", ("-o", tmp_path / "mine"))):
        outcome = tessera("baseline", "splat", "--input", scene_file, "--size", 32, *option)
        assert (outcome.status, outcome.err) == (0, "")
        (path,) = (tmp_path / place / "splat").glob("measured-*.json")
        (entry,) = json.loads(path.read_text())["entries"]
        assert f"{entry['median_ms']}" in outcome.out
        (tmp_path / place).rename(tmp_path / f"{place} done")


COMPARED = [
    ("baseline splat --input {scene} --size 24", "render {scene} --size 24x24 --orbit 2/6 --out {folder}/f.png"),
    ("baseline lod --input {scene} --size 24", "lod {scene} --tau 3 --size 24x24"),
    ("baseline kv --input synthetic --size 64", "retrieve synthetic --tokens 64"),
    ("baseline cluster --input reduce", "reduce --size 1024"),
    ("baseline radiance --input synthetic:4 --size 24", "reuse synthetic:4 --size 24"),
]
OTHERS = ("--near 0.5", "--tau 8", "--select pages", "--hamming 5", "--format single")
PATHS = {"render": "--path orbit:2:1deg", "lod": "--frames 2 --path still"}


@pytest.mark.parametrize(("measure", "run"), COMPARED, ids=["splat", "lod", "kv", "cluster", "radiance"])
def test_a_baseline_of_the_same_workload_is_found(
    tessera: Tessera, scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measure: str, run: str
) -> None:
    """Whatever command made the report; an option that changes the workload leaves it without one."""
    monkeypatch.setattr("sim.kernel.baseline.SIM", tmp_path / "none")
    monkeypatch.setattr("sim.kernel.baseline.LOCAL", tmp_path / "build")
    names = {"scene": scene_file, "folder": tmp_path}
    assert tessera(*measure.format(**names).split()).status == 0

    def found(*options: str) -> int:
        line = [*run.format(**names).split(), *options, "--backend", "model", "--json"]
        report = json.loads(tessera(*line).out) | {"cycles": 500_000}
        (tmp_path / "r.json").write_text(json.dumps(report))
        (row,) = json.loads(tessera("compare", tmp_path / "r.json", "--clock", 2, "--json", "-o", tmp_path).out)["rows"]
        assert row["values"]["time"]["number"] == 0.25
        return sum(rival["kind"] == "measured" for rival in row["rivals"])

    assert found() >= 1
    known = {option for param in cli.commands[run.split()[0]].params for option in param.opts}
    for option in (*OTHERS, PATHS.get(run.split()[0], "--none")):
        if option.split()[0] in known:
            assert found(*option.split()) == 0, option


def test_synth_measures_one_block(tessera: Tessera, tmp_path: Path) -> None:
    """A block of the library through the whole flow: its row, and the same numbers as JSON."""
    outcome = tessera("synth", "lib", "--block", "skid_buffer", "-o", tmp_path)
    assert outcome.status == 0
    report = json.loads((tmp_path / "synth.json").read_text())
    assert report["engine"] == "lib"
    assert report["seed"] == 1
    assert "--speed 6" in report["device"]
    (block,) = report["blocks"]
    assert block["name"] == "skid_buffer"
    assert block["fmax_mhz"] >= report["target_mhz"] == 60
    assert str(block["fmax_mhz"]) in outcome.out


def test_figures_of_a_changed_config_are_named_so(
    tessera: Tessera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the title, and in a folder of their own."""
    block = PlacedBlock(
        name="dispatcher", lut=1, ff=1, bram=0, dsp=0, lutram=0, fmax_mhz=99.0, logic_levels=1, logic_ns=1.0,
        routing_ns=1.0, worst_path=[],
    )  # fmt: skip
    monkeypatch.setattr("sim.commands.synth.synthesise", lambda *_, **__: block)
    monkeypatch.setattr("sim.commands.synth.BUILD", tmp_path)
    assert "splat, config tiny:" in tessera("synth", "splat", "--block", "dispatcher").out
    changed = tessera("synth", "splat", "--block", "dispatcher", "--set", "group_size=32")
    assert "splat, config tiny, group_size=32:" in changed.out
    assert len(list((tmp_path / "synth").iterdir())) == 2


#: Names that commands give to the files they write.
OUTPUTS = {
    "picture", "array_file", "video_file", "report", "waves", "target", "cut_file", "selection_file", "result_file",
}  # fmt: skip
RUNS_RTL = ("render", "lod", "retrieve", "compress", "reduce", "gather", "decode", "reuse")


@pytest.mark.parametrize("name", RUNS_RTL)
def test_every_command_that_runs_rtl_has_the_same_options(name: str) -> None:
    """Backend, check, waves, report, config and memory; whatever file it writes is tried before the work."""
    params = {param.name: param for param in cli.commands[name].params}
    wanted = {
        "backend",
        "check",
        "waves",
        "report",
        "as_json",
        "config_name",
        "changes",
        "latency",
        "bandwidth",
        "stalls",
        "seed",
    }
    assert wanted <= set(params)
    written = [p for p in params.values() if isinstance(p.type, click.Path) and not p.type.exists and p.name in OUTPUTS]
    assert len(written) >= 3
    assert all(isinstance(param.type, OutputFile) for param in written)


@pytest.mark.parametrize("name", RUNS_RTL)
@pytest.mark.parametrize("option", ["--waves", "--report"])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    tessera: Tessera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, option: str
) -> None:
    """One line and status 2, before anything is loaded or built."""
    monkeypatch.setattr("sim.kernel.run.run_job", lambda *_, **__: pytest.fail("the RTL was run"))
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "out"
    inputs = {"render": ["embedded", "--out", tmp_path / "f.png"], "lod": ["embedded", "--tau", 8]}
    outcome = tessera(
        name, *inputs.get(name, ["synthetic"] if name in ("retrieve", "compress", "reuse") else []), option, place
    )
    assert outcome.status == 2
    assert outcome.err.startswith(f"tessera: error: {place}: cannot be written")


def test_a_missed_target_has_its_own_status(tessera: Tessera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Status 3, not that of bad input: the figures are right and the report is written."""
    slow = PlacedBlock(
        name="stream_fork", lut=1, ff=1, bram=0, dsp=0, lutram=0, fmax_mhz=TARGET_MHZ - 1, logic_levels=1, logic_ns=1.0,
        routing_ns=1.0, worst_path=["a", "b"],
    )  # fmt: skip
    monkeypatch.setattr("sim.commands.synth.synthesise", lambda *_, **__: slow)
    outcome = tessera("synth", "lib", "--block", "stream_fork", "-o", tmp_path)
    assert outcome.status == 3
    assert (
        outcome.err
        == f"tessera: error: every block must close at {TARGET_MHZ:g} MHz, stream_fork reaches {slow.fmax_mhz}\n"
    )
    (block,) = json.loads((tmp_path / "synth.json").read_text())["blocks"]
    assert (block["name"], block["count"]) == ("stream_fork", 1)
