from __future__ import annotations

import sys
from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate.workers import pool_for, safe_workers


def mark(path: Path) -> str:
    """Leaves a file, unless its name is not to be."""
    if path.name == "bad":
        raise ValueError("bad")
    path.touch()
    return path.name


def test_processes_keep_what_is_done_beside_a_failure(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("bad", "a", "b")]
    with pytest.raises(ValueError, match="bad"):
        list(pool_for(None)(mark, paths))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert list(pool_for(None)(mark, [])) == []


@pytest.mark.slow
def test_a_local_cluster(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    assert sorted(pool_for("2")(mark, [tmp_path / name for name in "abc"])) == ["a", "b", "c"]


@pytest.mark.parametrize(("cluster", "package"), [("2", "distributed"), ("slurm", "dask_jobqueue")])
def test_a_package_is_missing(monkeypatch: pytest.MonkeyPatch, cluster: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs the package {package}: .*'\.\[cluster\]'"):
        pool_for(cluster)


@pytest.mark.parametrize("cluster", ["0", "-1", "pbs"])
def test_no_such_cluster(cluster: str) -> None:
    with pytest.raises(InputError, match="a number of workers, slurm or lsf"):
        pool_for(cluster)


def test_workers_fit_the_machine() -> None:
    assert safe_workers() >= 1
