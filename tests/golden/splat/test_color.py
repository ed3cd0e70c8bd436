"""Colours of the fine filter against the spherical harmonics in double precision."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.splat.color import color, view_direction
from golden.splat.scene_image import SH_CONSTANTS
from golden.splat.spec import DEFAULT, DIRECTION_FRACTION
from tests.golden.spherical import real_harmonics
from tests.golden.splat.cases import CASES, inputs


@pytest.mark.parametrize("name", CASES)
def test_view_direction(name: str, seed: int) -> None:
    """A unit vector within 1.5 steps."""
    v, candidates, _ = inputs(name, seed)
    wanted = torch.nn.functional.normalize(candidates.relative.double(), dim=-1)
    off = view_direction(candidates.relative, v.spec).double() * 2.0**-DIRECTION_FRACTION - wanted
    assert float(off.abs().max()) < 1.5 * 2.0**-DIRECTION_FRACTION  # 1.2


@given(
    vector=st.tuples(*[st.integers(-(2**31), 2**31 - 1)] * 3).filter(any),
    zeroed=st.sets(st.integers(0, 2), max_size=2),
)
def test_view_direction_of_any_vector(vector: tuple[int, int, int], zeroed: set[int]) -> None:
    """From one step along an axis to the corners of the format."""
    relative = torch.tensor([[0 if k in zeroed else c for k, c in enumerate(vector)]])
    if bool(relative.any()):
        off = view_direction(relative, DEFAULT).double() * 2.0**-DIRECTION_FRACTION
        off -= torch.nn.functional.normalize(relative.double(), dim=-1)
        assert float(off.abs().max()) < 2 * 2.0**-DIRECTION_FRACTION


@pytest.mark.parametrize("name", CASES)
def test_color(name: str, seed: int) -> None:
    """The harmonics from their definition on the stored coefficients: within 1.5 steps of a colour."""
    v, candidates, _ = inputs(name, seed)
    dc, exponent, sh = (v.records(candidates, field) for field in ("dc", "sh_exponent", "sh"))
    got = color(candidates.relative, dc, exponent, sh, v.spec).double() * v.spec.color_format.step
    direction = torch.nn.functional.normalize(candidates.relative.double(), dim=-1)
    rest = sh.shape[1]
    basis = torch.from_numpy(real_harmonics(direction.numpy(), v.image.sh_degree)[:, 1:] / SH_CONSTANTS[:rest])
    stored = sh.double() * 2.0 ** -(v.spec.sh_bits - 1 + exponent.double() - 3)[:, None, None]
    wanted = dc.double() * 2.0**-v.spec.dc_fraction + (basis[..., None] * stored).sum(1)
    off = got - wanted.clip(0, v.spec.color_format.high * v.spec.color_format.step)
    assert float(off.abs().max()) < 1.5 * v.spec.color_format.step  # 1.05
    assert bool((wanted < 0).any() if name != "embedded" else (wanted > 0).any())


def test_color_of_a_scene_without_harmonics() -> None:
    """The base colour, rounded and not below 0."""
    dc = torch.tensor([[-5, 0, 1023], [3, 4, 5]])
    got = color(torch.ones(2, 3).long(), dc, torch.zeros(2).long(), torch.zeros(2, 0, 3).long(), DEFAULT)
    assert got.tolist() == [[0, 0, 512], [2, 2, 3]]
