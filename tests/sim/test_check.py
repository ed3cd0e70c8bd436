from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from golden.splat import model as splat_model
from golden.splat.model import render
from sim.kernel.compare import CheckError, check_frame
from sim.splat.workload import RtlFrame
from tests.sim.frames import model, run_tapped, workload

SMALL, SIZE = ("tiny", "few"), {"width": 40, "height": 24}


@pytest.fixture(scope="module")
def frame() -> RtlFrame:
    """Six groups of few Gaussians by the tiny engine."""
    return run_tapped(workload(*SMALL, **SIZE))


@pytest.mark.parametrize("place", [(0, 0, 0), (23, 39, 3), (5, 17, 1)])
def test_one_wrong_byte_is_named(frame: RtlFrame, place: tuple[int, int, int]) -> None:
    """Where every stage is right, the message names pixel, channel, expected and got."""
    check_frame(workload(*SMALL, **SIZE), frame, model(*SMALL, **SIZE))
    wrong = frame.pixels.copy()
    wrong[place] ^= 4
    y, x, channel = place
    expected = frame.pixels[place]
    with pytest.raises(CheckError) as error:
        check_frame(workload(*SMALL, **SIZE), replace(frame, pixels=wrong), model(*SMALL, **SIZE))
    assert str(error.value) == (
        f"framebuffer: pixel x={x} y={y} {'rgba'[channel]}: expected {expected}, got {expected ^ 4}"
    )


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
    order, forced, deepest = result
    order = order.clone()
    order[[6, 7]] = order[[7, 6]]
    return order, forced, deepest


@pytest.mark.parametrize(
    ("stage", "change", "message"),
    [
        ("coarse_filter", drop_first, r"coarse_filter: group \d+ index 3 index: expected \d+, got \d+"),
        ("fine_filter", darken, r"fine_filter: group \d+ index 3 splat.color.1: expected \d+, got \d+"),
        ("depth_sort", swap, r"depth_sort: group \d+ index 6 splat\.\S+: expected -?\d+, got -?\d+"),
    ],
)
def test_the_first_stage_that_differs_is_named(
    frame: RtlFrame, monkeypatch: pytest.MonkeyPatch, stage: str, change: Any, message: str
) -> None:
    """A model that differs in one payload of a stage: the message names stage, group, index, field, both values."""
    original = getattr(splat_model, stage)

    def tampered(*arguments: Any) -> Any:
        result = original(*arguments)
        size = (
            len(result[0])
            if isinstance(result, tuple)
            else int(result.sum())
            if stage == "coarse_filter"
            else len(result)
        )
        return change(result) if size > 8 else result

    monkeypatch.setattr(splat_model, stage, tampered)
    drawn = workload(*SMALL, **SIZE)
    result = render(drawn.image, drawn.frame, drawn.config.spec)
    image = result.image.clone()
    image[0, 0] ^= 1  # a single payload need not show
    with pytest.raises(CheckError, match=f"^{message}$"):
        check_frame(drawn, frame, replace(result, image=image))


def test_another_spec_does_not_pass(frame: RtlFrame) -> None:
    """A design of one spec is not equal to the model of another: one bit less of opacity shows."""
    drawn = workload(*SMALL, **SIZE)
    other = render(drawn.image, drawn.frame, replace(drawn.config.spec, alpha_bits=drawn.config.spec.alpha_bits - 1))
    assert np.abs(other.image.numpy().astype(int) - frame.pixels).max() < 16
    with pytest.raises(CheckError, match="framebuffer: pixel"):
        check_frame(drawn, frame, other)
