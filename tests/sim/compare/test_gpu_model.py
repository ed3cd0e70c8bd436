from __future__ import annotations

import pytest

from sim.compare.gpu_model import (
    COMPUTE,
    LAUNCH_US,
    MEMORY,
    STAND_IN,
    TIMED,
    checks,
    frame_ms,
    lacking,
    scaled,
    worst_factor,
)  # fmt: skip
from sim.compare.published import devices


def test_the_timed_frame_is_itself_and_its_launches() -> None:
    """On the chip that it was timed on, the frame takes the sum of its published stages and 13 launches."""
    assert frame_ms(TIMED, devices()[STAND_IN]) == pytest.approx(19.831 + 13 * LAUNCH_US / 1000)


def test_a_stage_scales_with_its_own_roof() -> None:
    """Bandwidth for what is bound by memory, the peak for what computes; by hand for Orin NX."""
    titan, orin = devices()[STAND_IN], devices()["Orin NX"]
    assert scaled(1.0, MEMORY, titan, orin) == pytest.approx(672 / 102.4)
    assert scaled(1.0, COMPUTE, titan, orin) == pytest.approx(4608 * 1770 / (1024 * 918))
    by_hand = 8.211 * 672 / 102.4 + 11.620 * 4608 * 1770 / (1024 * 918) + 13 * LAUNCH_US / 1000
    assert frame_ms(TIMED, orin) == pytest.approx(by_hand)


def test_work_scales_with_what_it_is_done_for() -> None:
    """Twice the Gaussians cost more, but not twice, as blending goes by pixels."""
    orin = devices()["Orin NX"]
    small, large = (frame_ms({**TIMED, "gaussians": n}, orin) for n in (1e6, 2e6))
    assert small is not None
    assert large is not None
    assert small < large < 2 * small


def test_it_is_checked_against_published_figures() -> None:
    """Every check that can be made has a factor of 1 or more, inside a range exactly 1; the worst is no secret."""
    made = {(c.claim.device, c.claim.value): c for c in checks()}
    assert made["Orin NX", "2 to 9 FPS"].factor == 1.0
    assert made["AGX Xavier", "5 to 21 FPS"].factor == 1.0
    below = made["Orin NX", "7 to 17 FPS"]
    assert below.modelled_fps is not None
    assert below.factor == pytest.approx(7 / below.modelled_fps)
    assert worst_factor() == max(c.factor for c in checks() if c.factor)
    assert 2 < worst_factor() < 4


def test_a_device_without_a_roof_has_no_figure() -> None:
    """And the check says which roof is not known."""
    agx = devices()["AGX Orin"]
    assert frame_ms(TIMED, agx) is None
    assert lacking(agx) == "no source at hand gives the float32 peak of AGX Orin"
    (check,) = [c for c in checks() if c.claim.device == "AGX Orin"]
    assert (check.modelled_fps, check.factor, check.why) == (None, None, lacking(agx))
