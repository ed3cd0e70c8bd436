"""Vision-sink bucketing by the whole engine against the model, in every bit, whatever the memory does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from golden.errors import InputError
from golden.kv.vision_sink import SinkOptions, vision_sink
from hw.kv.config import tiny
from sim.cli import cli
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kv.compression import check_sink, sink_scores
from sim.kv.sink_workload import run_sink, sink_roofline
from sim.kv.streams import synthetic_stream


@pytest.mark.parametrize(
    ("length", "values", "options"),
    [
        (256, 1 << 15, SinkOptions(budget=100)),
        (255, 6, SinkOptions(budget=96, capacity=4, unconditional=50)),
        (1, 6, SinkOptions(budget=1, unconditional=1)),
        (200, 1 << 15, SinkOptions(budget=200)),
    ],
)
@pytest.mark.parametrize("memory", [MemorySettings(), MemorySettings(stalls=90, latency=7, bandwidth=90)])
def test_equals_the_model(length: int, values: int, options: SinkOptions, memory: MemorySettings, seed: int) -> None:
    codes = torch.randint(values, (length,), generator=torch.Generator().manual_seed(seed))
    keep = vision_sink(codes, options)
    rtl = run_sink(codes, tiny(), options, memory=memory, taps=True)
    check_sink(rtl, keep)
    c = rtl.job.counters
    assert (c["kept"], c["sink_cycles"]) == (int(keep.sum()), 11 * length)
    if length == 256 and not memory.stalls:
        assert sink_roofline(rtl, memory).ratio <= 1.15
    with pytest.raises(CheckError, match="vision_sink: token 0: expected"):
        check_sink(rtl, ~keep)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "0"], "the budget must be at least 1 token, it is 0"),
        (["--budget", "9", "--capacity", "2"], "capacity must lie in 1..4 and divide the budget 9, it is 2"),
        (["--capacity", "5"], "capacity must lie in 1..4 and divide the budget 80, it is 5"),
        (["--capacity", "0"], "--capacity must be at least 1, it is 0"),
        (["--budget", "9", "--unconditional", "10"], "unconditional tokens must lie in 0..9, they are 10"),
        (["--window", "0"], "--window must be at least 1, it is 0"),
        (["--set", "tokens=128"], "1 to 128 tokens fit this config, there are 200"),
        (["--backend", "gpu"], "--backend must be rtl, model or reference, it is 'gpu'"),
        (["--backend", "model", "--check"], "--check needs --backend rtl, it is 'model'"),
    ],
)
def test_bad_input(arguments: list[str], message: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = CliRunner().invoke(cli, ["compress", "synthetic", "--tokens", "200", *arguments, "--report", str(report)])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not report.exists()


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_command(backend: str) -> None:
    result = CliRunner().invoke(cli, ["compress", "synthetic", "--tokens", "200", "--backend", backend])
    assert result.exception is None, result.output
    assert "attention mass" in result.output


def test_scores_are_a_distribution() -> None:
    assert float(sink_scores(synthetic_stream(100)).sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("layer", range(3))
def test_real_keys(layer: int, real_data: Path) -> None:
    """LiveVLM's shape, buckets of one, on 4,096 real keys: equal, within 1.15 of the bound."""
    source = real_data / "kv" / "pydoc_small.npz"
    arguments = ["compress", str(source), "--layer", str(layer), "--check"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exception is None, result.output
    assert "RTL equals the model in every bit" in result.output
