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
        "--out", f"{tmp_path}/out.npy", "--report", f"{tmp_path}/report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "every byte equals the model" in done.stdout
    assert np.array_equal(np.load(tmp_path / "out.npy"), np.tile(messages.sum(0), (4, 1)))
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["engine"] == "cluster"
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


def test_decode(tmp_path: Path) -> None:
    done = tessera(
        "decode", "--config", "tiny", "--head-size", "64", "--tokens", "200", "--queries", "2",
        "--report", f"{tmp_path}/report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["quality"]["max_error"] < 1e-4
    assert report["quality"]["same_on_all_nodes"]
    assert report["counters"]["collective_cycles"] < report["unfused"]["cycles"]


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
        (("reduce", "--input", "/nonexistent.npy"), "no .npy array"),
        (("decode", "/nonexistent.npz"), "no .npz file with arrays Q, K and V"),
        (("decode", "--tokens", "0"), "--tokens must lie in 1..1048576, it is 0"),
        (("sim", "cluster", "--input", "scan"), "--input must be one of reduce"),
    ],
)
def test_refused(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = tessera(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
