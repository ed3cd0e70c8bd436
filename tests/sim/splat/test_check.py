from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from golden.splat import model as splat_model
from golden.splat.model import ModelResult, render
from sim.kernel.compare import CheckError
from sim.kernel.run import Run, compare
from sim.splat.run import DRAW
from sim.splat.workload import SplatWorkload
from tests.sim.splat.frames import drawn, model, workload

SMALL, SIZE = ("tiny", "few"), {"width": 40, "height": 24}


@pytest.fixture(scope="module")
def frame() -> Run:
    """Six groups of few Gaussians by the tiny engine."""
    return drawn(workload(*SMALL, **SIZE))


def check(work: SplatWorkload, frame: Run, wanted: ModelResult, pixels: npt.NDArray[np.uint8] | None = None) -> None:
    """Compares the frame, or other pixels in its place, with a model's."""
    results = frame.results if pixels is None else {"framebuffer": pixels}
    compare(DRAW, work, results, wanted)


@pytest.mark.parametrize("place", [(0, 0, 0), (23, 39, 3), (5, 17, 1)])
def test_one_wrong_byte_is_named(frame: Run, place: tuple[int, int, int], capsys: pytest.CaptureFixture[str]) -> None:
    """Where every stage is right, the message names pixel, channel, expected and got, and when it was written."""
    check(workload(*SMALL, **SIZE), frame, model(*SMALL, **SIZE))
    wrong = frame.results["framebuffer"].copy()
    wrong[place] ^= 4
    y, x, channel = place
    expected = int(frame.results["framebuffer"][place])
    with pytest.raises(CheckError) as error:
        check(workload(*SMALL, **SIZE), frame, model(*SMALL, **SIZE), wrong)
    first = f"framebuffer: y {y} x {x} {'rgba'[channel]}: expected {expected}, got {expected ^ 4} "
    first, second = f"{first}(1 of 3840 words differ, in 1 of 960 pixels)", f"memory write, {first}"
    assert str(error.value).startswith(f"{first}; the first stage that differs: {second}")
    shown = capsys.readouterr().err
    assert re.search(
        rf"memory write, framebuffer: y {y} x {x}, cycle \d+: every stream between the stages is right", shown
    )
    assert "to see it add --waves waves.vcd --waves-from " in shown


def drop_first(kept: torch.Tensor) -> torch.Tensor:
    """The coarse filter refuses one candidate more."""
    changed = kept.clone()
    changed[torch.nonzero(kept)[3]] = False
    return changed


def darken(splats: Any) -> Any:
    """The fine filter's fourth colour is one lower."""
    color = splats.color.clone()
    color[3, 1] = (color[3, 1] - 1) % 256
    return replace(splats, color=color)


def swap(result: Any) -> Any:
    """The depth sort sends two neighbours in the other order."""
    order = result.order.clone()
    order[[6, 7]] = order[[7, 6]]
    return replace(result, order=order)


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        ("coarse_filter", drop_first, r"coarse_filter: group \d+ index 3 index: expected \w+, got \w+ \(.*\)"),
        ("fine_filter", darken, r"fine_filter: group \d+ index 3 splat.color.1: expected \w+, got \w+ \(.*\)"),
        ("depth_sort", swap, r"depth_sort: group \d+ index 6 splat\.\S+: expected -?\w+, got -?\w+ \(.*\)"),
    ],
)
def test_the_first_stage_that_differs_is_named(
    frame: Run, monkeypatch: pytest.MonkeyPatch, stage: str, change: Any, message: str
) -> None:
    """A model that differs in one payload of a stage: the message names stage, group, index, field, both values."""
    original = getattr(splat_model, stage)

    def tampered(*arguments: Any) -> Any:
        result = original(*arguments)
        sizes = {"coarse_filter": torch.sum, "fine_filter": len, "depth_sort": lambda sent: len(sent.order)}
        return change(result) if sizes[stage](result) > 8 else result

    monkeypatch.setattr(splat_model, stage, tampered)
    work = workload(*SMALL, **SIZE)
    result = render(work.image, work.frame, work.config.spec)
    image = result.image.clone()
    image[0, 0] ^= 1  # a single payload need not show
    with pytest.raises(CheckError, match=f"; the first stage that differs: {message}$"):
        check(work, frame, replace(result, image=image))


def test_another_spec_does_not_pass(frame: Run) -> None:
    """A design of one spec is not equal to the model of another: one bit less of opacity shows."""
    work = workload(*SMALL, **SIZE)
    other = render(work.image, work.frame, replace(work.config.spec, alpha_bits=work.config.spec.alpha_bits - 1))
    assert np.abs(other.image.numpy().astype(int) - frame.results["framebuffer"]).max() < 16
    with pytest.raises(CheckError, match="framebuffer: y"):
        check(work, frame, other)
