from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.scenes.corrupted import GOOD
from tests.sim.conftest import Tessera

IDENTITY = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 4], [0, 0, 0, 1]]
CAMERA = {"width": 16, "height": 16, "fx": 20, "fy": 20, "cx": 8, "cy": 8, "world_to_camera": IDENTITY}
FILES = {
    "good.json": json.dumps(CAMERA),
    "two.json": json.dumps([CAMERA, CAMERA]),
    "sizes.json": json.dumps([CAMERA, CAMERA | {"width": 20}]),
    "last_wide.json": json.dumps([CAMERA, CAMERA | {"fx": 2}]),
    "text.json": "a camera",
    "empty.json": "[]",
    "lacking.json": json.dumps({k: v for k, v in CAMERA.items() if k != "fx"}),
    "nan.json": json.dumps(CAMERA | {"fx": float("nan")}),
    "wide.json": json.dumps(CAMERA | {"fx": 2}),
    "report.json": json.dumps({"cycles": 5}),
    "list.json": "[1]",
    "name.txt": "not a scene",
    "empty.ply": "",
    "taken": "a file where a folder is wanted",
}
RENDER = "render embedded --backend model --size 16x16 --out out/frame.png"
BOARD = RENDER.replace("model", "fpga --config tiny")

#: A command line, and what its one line must say.
ERRORS = [
    ("unknown", "No such command 'unknown'"),
    ("render", "Missing argument 'SCENE'"),
    ("render embedded", "Missing option '--out'"),
    (f"{RENDER} --bogus", "No such option"),
    (RENDER.replace("embedded", "missing.ply"), "missing.ply: no such file"),
    (RENDER.replace("embedded", "."), ".: not a file, nor a folder of a SOG, which holds meta.json"),
    (RENDER.replace("embedded", "name.txt"), "name.txt: a scene file ends in .ply, .splat, .ksplat, .spz, .sog"),
    (RENDER.replace("embedded", "empty.ply"), "empty.ply: "),
    (RENDER.replace("embedded", "cut.ply"), "cut.ply: "),
    (RENDER.replace("embedded", "cut.splat"), "cut.splat: "),
    (RENDER.replace("embedded", "cut.spz"), "cut.spz: "),
    (f"{RENDER} --orbit 0/3 --camera good.json", "leave out --orbit"),
    (f"{RENDER} --backend gpu", "Invalid value for '--backend': 'gpu' is not one of 'rtl', 'model', 'reference'"),
    (f"{RENDER} --check", "--check needs --backend rtl or fpga, it is 'model'"),
    (f"{RENDER} --waves w.vcd", "--waves needs --backend rtl, it is 'model'"),
    (f"{RENDER} --port sim", "--port and --baud are of a board: they need --backend fpga, it is 'model'"),
    (f"{BOARD}", "--backend fpga needs the board's --port, or --port sim"),
    (f"{BOARD} --port missing", "--port must be a serial port, there is no 'missing' (ports of this machine: "),
    (f"{BOARD} --port name.txt", "--port 'name.txt' cannot be opened"),
    (f"{BOARD} --port sim --baud 1", "--baud must lie in 300..12000000, it is 1"),
    (f"{BOARD} --port sim --waves w.vcd", "--waves needs --backend rtl, it is 'fpga'"),
    (f"{BOARD} --port sim --latency 5", "a board has a memory of its own: leave out --dram, --latency"),
    (f"{BOARD} --port sim --tau 3", "--backend fpga holds one engine on one board"),
    (
        f"{RENDER} --config huge",
        "Invalid value for '--config': 'huge' is not one of 'nano', 'tiny', 'default', 'paper'",
    ),
    (f"{RENDER} --set lanes=3", "no field 'lanes'"),
    (f"{RENDER} --set sh_degree=9", "sh_degree must lie in 0..3, it is 9"),
    (f"{RENDER} --set sh_degree=x", "sh_degree must be a whole number"),
    (f"{RENDER} --size 16", "--size takes WIDTHxHEIGHT, got '16'"),
    (f"{RENDER} --size -4x8", "--size takes WIDTHxHEIGHT"),
    (f"{RENDER} --size 0x16", "width must lie in 1..8192 pixels, it is 0"),
    (f"{RENDER} --size 16x9000", "height must lie in 1..8192 pixels, it is 9000"),
    (f"{RENDER} --orbit 1", "--orbit takes K/N, got '1'"),
    (f"{RENDER} --orbit 3/3", "view K of N needs 0 <= K < N, got 3/3"),
    (f"{RENDER} --orbit 0/0", "got 0/0"),
    (f"{RENDER} --latency 0", "--latency must lie in 1..900, it is 0"),
    (f"{RENDER} --bandwidth 257", "--bandwidth must lie in 1..256, it is 257"),
    (f"{RENDER} --stalls 256", "--stalls must lie in 0..240, it is 256"),
    (f"{RENDER} --seed 0", "--seed must lie in 1..2147483647, it is 0"),
    (f"{RENDER} --seed one", "Invalid value for '--seed'"),
    (f"{RENDER} --near 0", "--near must be a positive number, it is 0"),
    (f"{RENDER} --near nan", "--near must be a positive number, it is nan"),
    (f"{RENDER.replace('model', 'reference')} --near nan", "--near must be a positive number, it is nan"),
    (f"{RENDER.replace('model', 'reference')} --near -1", "--near must be a positive number, it is -1"),
    (RENDER.replace("out/frame.png", "taken/frame.png"), "taken/frame.png: cannot be written"),
    (RENDER.replace("out/frame.png", "."), "cannot be written: it is a folder"),
    (f"{RENDER} --array taken/a.npy", "taken/a.npy: cannot be written"),
    (f"{RENDER} --report taken/r.json", "taken/r.json: cannot be written"),
    ("render embedded --backend model --camera missing.json --out out/f.png", "missing.json: cannot be read"),
    ("render embedded --backend model --camera . --out out/f.png", "cannot be read"),
    ("render embedded --backend model --camera text.json --out out/f.png", "text.json: a camera file is JSON"),
    ("render embedded --backend model --camera empty.json --out out/f.png", "needs at least one camera"),
    ("render embedded --backend model --camera lacking.json --out out/f.png", "camera 0: lacks the field 'fx'"),
    ("render embedded --backend model --camera nan.json --out out/f.png", "camera 0: fx must"),
    ("render embedded --backend model --camera wide.json --out out/f.png", "field of view must have a tangent"),
    ("render embedded --backend model --camera two.json --view 2 --out out/f.png", "--view must lie in 0..1"),
    (f"{RENDER} --path circle", "circle: cannot be read"),
    (f"{RENDER} --path orbit:24", "--path takes orbit:FRAMES:STEPdeg, as orbit:24:1deg, or a camera file, got"),
    (f"{RENDER} --path orbit:4:1rad", "--path takes orbit:FRAMES:STEPdeg"),
    (f"{RENDER} --path orbit:4:nandeg", "--path takes orbit:FRAMES:STEPdeg"),
    (f"{RENDER} --path orbit:0:1deg", "an orbit has 1..100000 frames, 'orbit:0:1deg' has 0"),
    (f"{RENDER} --path orbit:4:1deg --orbit 4/3", "view K of N needs 0 <= K < N, got 4/3"),
    (f"{RENDER} --path orbit:4:1deg --camera good.json", "--path brings its own cameras: leave out --camera"),
    (f"{RENDER} --path orbit:4:1deg --frames 2", "--frames takes FIRST:END, got '2'"),
    (f"{RENDER} --path orbit:4:1deg --frames 2:2", "needs 0 <= FIRST < END <= 4, got '2:2'"),
    (f"{RENDER} --path orbit:4:1deg --frames 0:5", "needs 0 <= FIRST < END <= 4, got '0:5'"),
    (f"{RENDER} --path empty.json", "needs at least one camera, the list is empty"),
    (f"{RENDER} --path list.json", "list.json, camera 0: a camera is a JSON object"),
    (f"{RENDER} --path two.json --orbit 1/3", "--orbit says where a --path orbit:… begins"),
    (
        "render embedded --backend model --path sizes.json --out out/f.png",
        "all frames must be of one size, sizes.json has 16x16, 20x16: say --size",
    ),
    ("render embedded --backend model --path last_wide.json --out out/f.png", "field of view must have a tangent"),
    (f"{RENDER} --path two.json --tau 3", "--tau, --budget and --waves are for a single frame: leave out --path"),
    (f"{RENDER} --path two.json --video out/v.avi", "v.avi: a video's name ends in .mp4 or .gif"),
    (f"{RENDER} --path two.json --video out/v.gif --fps 51", "--fps must lie in 1..50 for a .gif file, it is 51"),
    (f"{RENDER} --path two.json --video out/v.gif --alpha", "--alpha leaves the background open, and a video has one"),
    (f"{RENDER} --path two.json --video taken/v.gif", "taken/v.gif: cannot be written"),
    ("render embedded --backend model --path two.json", "a sequence is written by --out, --video, --array or --report"),
    ("generate", "Missing argument 'ENGINE'. Choose from: splat, kv, lod, cluster, radiance, lumina"),
    (
        "generate nothing -o out",
        "Invalid value for 'ENGINE': 'nothing' is not one of 'splat', 'kv', 'lod', 'cluster', 'radiance', 'lumina'",
    ),
    (f"{RENDER} --video out/v.gif", "--frames, --video, --radiance and --sort-window are of a sequence"),
    (f"{RENDER} --radiance", "--frames, --video, --radiance and --sort-window are of a sequence"),
    (f"{RENDER} --sort-window 6", "--frames, --video, --radiance and --sort-window are of a sequence"),
    (f"{RENDER} --path two.json --sort-window 0", "--sort-window must lie in 1..64, it is 0"),
    (f"{RENDER} --path two.json --sort-window 6 --sort-margin 65", "--sort-margin must lie in 0..64, it is 65"),
    (f"{RENDER} --path two.json --sort-window 6 --sort-fastest nan", "--sort-fastest must lie in 0..180 degrees"),
    (f"{RENDER} --path two.json --sort-margin 4", "--sort-margin needs --sort-window FRAMES"),
    (f"{RENDER} --path two.json --sort-window 6 --radiance", "--radiance and --sort-window are drawn each by itself"),
    (
        f"{RENDER.replace('model', 'reference')} --path two.json --sort-window 6",
        "--sort-window is drawn by RTL or the bit-true model: --backend must be rtl or model, it is reference",
    ),
    (f"{RENDER} --path two.json --radiance-set near=4", "--radiance-set is of a radiance cache: say --radiance"),
    (f"{RENDER} --path two.json --radiance --radiance-set ways=3", "radiance: ways must be a power of two, it is 3"),
    (f"{RENDER} --path two.json --radiance --radiance-set lanes=3", "--radiance-set: no field 'lanes'; there are "),
    (f"{RENDER} --path two.json --radiance --radiance-set near", "--radiance-set takes field=value, got 'near'"),
    (
        f"{RENDER.replace('model', 'reference')} --path two.json --radiance",
        "--radiance is drawn by rtl and model: --backend must be one of them, it is reference",
    ),
    (
        f"{RENDER.replace('model', 'rtl')} --path two.json --radiance",
        "lumina: RTL draws with value = colour alone, it is remainder",
    ),
    ("generate splat --set memory_width=100 -o out", "memory_width must lie in 128..512, it is 100"),
    ("generate splat --config tiny -o taken", "taken"),
    ("demo missing.ply", "missing.ply: no such file"),
    ("demo missing.ply --background 2,2,2", "--background: R, G and B must lie in 0..1, got '2,2,2'"),
    ("demo embedded --size 0", "width must lie in 1..8192"),
    ("demo embedded --config huge", "'huge' is not one of 'nano', 'tiny'"),
    ("sim nothing", "'nothing' is not one of 'splat'"),
    ("sim splat --input missing.ply -o out", "missing.ply: no such file"),
    ("sim splat --input embedded --size 0 -o out", "width must lie in 1..8192"),
    ("sim splat --input embedded --stalls 999 -o out", "--stalls must lie in 0..240, it is 999"),
    ("synth nothing", "'nothing' is not one of 'lib', 'bus', 'decode', 'splat'"),
    ("synth lib --top -o out", "--top needs an engine, lib has no whole"),
    ("synth lib --set sh_degree=1 -o out", "--set needs an engine, lib has no config"),
    ("synth lib --block nothing -o out", "--block must be one of stream_queue, "),
    ("synth splat --set sh_degree=4 -o out", "sh_degree must lie in 0..3"),
    ("baseline nothing", "'nothing' is not one of 'splat'"),
    ("baseline splat --size 7", "--size must lie in 8..1048576, it is 7"),
    ("baseline splat --input missing.ply", "missing.ply: no such file"),
    ("compare missing.json", "missing.json: No such file"),
    ("compare text.json", "text.json: a report is JSON"),
    ("compare report.json", "report.json: a report is an object with"),
    ("compare list.json", "list.json: a report is an object with"),
    ("compare .", "Is a directory"),
    ("diff missing.json report.json", "missing.json: No such file"),
    ("diff list.json report.json", "list.json: a report is an object with"),
    ("diff good.json good.json", "both files must be reports, which name their schema; one does not"),
    ("bench missing.ply", "missing.ply: no such file"),
    ("bench --config huge", "'huge' is not one of 'nano', 'tiny'"),
    ("docs nothing", "'nothing' is not one of 'splat'"),
]


@pytest.mark.parametrize(("line", "message"), ERRORS, ids=[line for line, _ in ERRORS])
def test_an_error_is_one_line_and_status_2(
    tessera: Tessera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    """One line on stderr that states the rule, nothing on stdout, no traceback, no file, no temporary file."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    for name in ("plain.ply", "a.splat", "v3.spz"):
        Path(f"cut{Path(name).suffix}").write_bytes(GOOD[name][:-5])
    before = {path.name for path in tmp_path.iterdir()}
    outcome = tessera(*line.split())
    assert outcome.status == 2
    assert outcome.err.startswith("tessera: error: ")
    assert len(outcome.err.splitlines()) == 1
    assert message in outcome.err
    assert not [path for path in tmp_path.rglob("*") if path.name not in before and path.is_file()]
    assert "Traceback" not in outcome.err + outcome.out
