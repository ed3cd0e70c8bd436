"""Front end of a lane: the model's power and its test."""

from __future__ import annotations

from random import Random

import pytest
import torch

from golden.splat.pixel_lane import passes
from golden.splat.spec import DEFAULT, TINY, Spec
from hw.splat.lane_front import LaneFront
from tests.hw.splat.datapath import Payload, answers, same


@pytest.mark.parametrize("spec", [TINY, DEFAULT], ids=["tiny", "default"])
def test_powers_around_the_test_s_ends(spec: Spec, seed: int) -> None:
    """Visible where the model draws, with the power it has there."""
    rng = Random(seed)
    one = 1 << spec.power_fraction
    rows: list[Payload] = []
    wanted: list[Payload] = []
    for k in range(400):
        power = rng.choice([-one, 0, spec.max_power, spec.power_format.high // 2]) + rng.randrange(-2, 3)
        column, cross = (rng.randrange(-40, 41) for _ in range(2))
        draw = int(k % 16 > 0)
        visible = draw and int(passes(torch.tensor([power]), spec)[0])
        rows.append({"row": power - column - cross, "column": column, "cross": cross, "draw": draw})
        wanted.append({"visible": 1, "power": power} if visible else {"visible": 0})
    assert 100 < sum(one["visible"] for one in wanted) < 300
    same(answers(LaneFront(spec=spec), rows), wanted)
