"""`tessera reduce`, `gather`, `decode` and `sim cluster`: results, reports, and refusals in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESSERA = [sys.executable, "-c", "from sim.cli import main; main()"]


def tessera(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TESSERA, *arguments], capture_output=True, text=True, check=False)


def test_reduce(tmp_path: Path) -> None:
    """A file in, the sum on every node out, a report beside it."""
    messages = np.arange(64, dtype=np.float32).reshape(4, 16)
    np.save(tmp_path / "in.npy", messages)
    done = tessera(
        "reduce", "--config", "tiny", "--input", f"{tmp_path}/in.npy", "--format", "single", "--pauses", "64",
        "--check", "--out", f"{tmp_path}/out.npy", "--report", f"{tmp_path}/report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "RTL equals the model in all 256 words of results" in done.stdout
    assert "cluster by rtl in " in done.stdout
    assert np.array_equal(np.load(tmp_path / "out.npy"), np.tile(messages.sum(0), (4, 1)))
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["engine"] == "cluster"
    assert report["memory"]["link_pauses"] == 64
    assert report["quality"]["rtl_equals_model"]
    assert report["counters"]["flits"] == 8 * 2 * 4


def test_gather(tmp_path: Path) -> None:
    messages = np.arange(32, dtype=np.int32).reshape(4, 8)
    np.save(tmp_path / "in.npy", messages)
    done = tessera(
        "gather", "--config", "tiny", "--input", f"{tmp_path}/in.npy", "--format", "integer", "--schedule", "ring",
        "--out", f"{tmp_path}/out.npy",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / "out.npy"), np.tile(messages.reshape(-1), (4, 1)))


@pytest.mark.parametrize(("backend", "kind"), [("model", "f4"), ("reference", "f8")])
def test_without_rtl(tmp_path: Path, backend: str, kind: str) -> None:
    """The model's numbers in their format, the reference's in float64."""
    messages = np.arange(64, dtype=np.float32).reshape(4, 16)
    np.save(tmp_path / "in.npy", messages)
    done = tessera(
        "reduce", "--config", "tiny", "--input", f"{tmp_path}/in.npy", "--format", "single", "--op", "max",
        "--backend", backend, "--out", f"{tmp_path}/out.npy",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"cluster by {backend} in " in done.stdout
    result = np.load(tmp_path / "out.npy")
    assert result.dtype == np.dtype(kind)
    assert np.array_equal(result, np.tile(messages.max(0), (4, 1)))


def test_decode(tmp_path: Path) -> None:
    """A random head by head of a cache of files' layout, and the step through memory beside it."""
    rng = np.random.default_rng(3)
    np.savez(tmp_path / "cache.npz", **{name: rng.standard_normal((1, 2, 50, 64)) for name in "QKV"})
    done = tessera(
        "decode", str(tmp_path / "cache.npz"), "--config", "tiny", "--head", "1", "--hidden", "256", "--tokens", "40",
        "--dataflow", "head", "--check", "--out", f"{tmp_path}/out.npy", "--report", f"{tmp_path}/report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "RTL equals the model in all 1024 words of results" in done.stdout
    assert np.load(tmp_path / "out.npy").shape == (256,)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["workload"]["tokens"] == 41
    assert report["quality"]["rms_error"] < 0.05
    assert report["cycles"] < report["unfused"]["cycles"]
    short = tessera("decode", str(tmp_path / "cache.npz"), "--tokens", "51")
    assert (short.returncode, short.stdout) == (2, "")
    assert "--tokens must be at most 50 for cache.npz, it is 51" in short.stderr


def test_sim(tmp_path: Path) -> None:
    done = tessera(
        "sim", "cluster", "--config", "tiny", "--input", "reduce", "--size", "64", "--stalls", "0", "-o", str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("report-cluster-4-reduce-*.json"))) == 5  # 16 B: no ring; 64 B: all three


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reduce", "--set", "nodes=6"), "nodes must be a power of two, it is 6"),
        (("reduce", "--size", "24"), "multiple of the flit of 16 B, it is 24 B"),
        (("reduce", "--size", "0"), "--size must lie in 1..1048576, it is 0"),
        (("reduce", "--schedule", "ring", "--size", "48"), "3 flits do not"),
        (("reduce", "--schedule", "star"), "'star' is not one of"),
        (("reduce", "--pauses", "300"), "--pauses must lie in 0..240, it is 300"),
        (("gather", "--size", "65536"), "set memory_kib"),
        (("gather", "--backend", "model", "--check"), "--check needs --backend rtl or fpga, it is 'model'"),
        (("decode", "--backend", "reference", "--waves", "w.vcd"), "--waves needs --backend rtl, it is 'reference'"),
        (("reduce", "--report", "/proc/none/r.json"), "/proc/none/r.json: cannot be written"),
        (("reduce", "--input", "/nonexistent.npy"), "no .npy array"),
        (("decode", "/nonexistent.npz"), "/nonexistent.npz: no .npz file: "),
        (("decode", "--tokens", "0"), "--tokens must lie in 1..65536, it is 0"),
        (("decode", "--pauses", "300"), "--pauses must lie in 0..240, it is 300"),
        (("decode", "--dataflow", "layer"), "'layer' is not one of"),
        (("decode", "--head-size", "40", "--hidden", "256"), "head's size must be a multiple of 16 up to 128"),
        (("decode", "--set", "compute=0"), "needs decode units, this network has none"),
        (("decode", "--set", "weight_bits=3"), "weight_bits must lie in 4..8, it is 3"),
        (("sim", "cluster", "--input", "scan"), "--input must be one of reduce"),
    ],
)
def test_refused(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = tessera(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
