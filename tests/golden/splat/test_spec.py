"""The specification refuses what the engine cannot be built for, in one line."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from golden.errors import InputError, OneOf
from golden.splat.spec import DEFAULT, MIN_ALPHA, PAPER, TINY, Spec

LIMITS = {
    "group_size": (8, 128),
    "subtile": (2, 8),
    "sh_degree": (0, 3),
    "position_bits": (8, 16),
    "quaternion_bits": (6, 16),
    "scale_bits": (8, 12),
    "scale_fraction": (3, 7),
    "opacity_bits": (6, 14),
    "dc_bits": (8, 14),
    "dc_fraction": (5, 12),
    "sh_bits": (4, 8),
    "mantissa_bits": (11, 17),
    "covariance_bits": (12, 26),
    "screen_fraction": (2, 8),
    "power_fraction": (4, 10),
    "exp_entries": (8, 1024),
    "exp_linear": (0, 1),
    "alpha_bits": (8, 16),
    "alpha_check": OneOf(("pixel", "quad_any", "quad_centre")),
    "preemptive": (0, 1),
    "transmittance_bits": (12, 18),
    "color_fraction": (6, 12),
    "accumulator_fraction": (8, 20),
    "depth_bits": (12, 30),
    "rank_bits": (6, 25),
    "sort_levels": (3, 13),
    "sort_banks": (1, 8),
    "codebooks": (0, 1),
    "scale_entries": (16, 1 << 16),
    "rotation_entries": (16, 1 << 16),
    "dc_entries": (16, 1 << 16),
    "sh_entries": (16, 1 << 16),
}


NUMBERS = {name: limits for name, limits in LIMITS.items() if not isinstance(limits, OneOf)}


def refused(spec: Spec = DEFAULT, **values: Any) -> str:
    with pytest.raises(InputError) as refusal:
        replace(spec, **values)
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_every_field_has_limits() -> None:
    assert [f.name for f in fields(Spec)] == list(LIMITS)


@pytest.mark.parametrize("name", NUMBERS)
def test_limits(name: str) -> None:
    low, high = NUMBERS[name]
    for value in (low - 1, high + 1, -(10**30), float(low), "8", None):
        assert refused(**{name: value}) == f"splat: {name} must lie in {low}..{high}, it is {value}"


#: What has to change beside a field that goes to an end of its range, by the other rules.
COMPANIONS = {
    ("group_size", 128): {"subtile": 8},
    ("subtile", 2): {"group_size": 32},
    ("quaternion_bits", 16): {"scale_bits": 8, "opacity_bits": 7},
    ("opacity_bits", 14): {"dc_bits": 10},
    ("dc_bits", 14): {"quaternion_bits": 9},
    ("mantissa_bits", 11): {"power_fraction": 4, "exp_entries": 16},
    ("power_fraction", 4): {"exp_entries": 16},
    ("power_fraction", 10): {"mantissa_bits": 17},
    ("exp_entries", 1024): {"power_fraction": 10, "mantissa_bits": 17},
    ("exp_linear", 1): {"exp_entries": 32},
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("end", [0, 1], ids=["low", "high"])
def test_the_limits_themselves_are_allowed(name: str, end: int) -> None:
    value = NUMBERS[name][end]
    spec = replace(DEFAULT, **{name: value}, **COMPANIONS.get((name, value), {}))
    assert getattr(spec, name) == value


@pytest.mark.parametrize("check", ["pixel", "quad_any", "quad_centre"])
def test_the_checks_of_alpha(check: str) -> None:
    assert replace(DEFAULT, alpha_check=check).alpha_check == check


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"alpha_check": "quad"}, "splat: alpha_check must be one of pixel, quad_any, quad_centre, it is 'quad'"),
        ({"alpha_check": 0}, "splat: alpha_check must be one of pixel, quad_any, quad_centre, it is 0"),
        (
            {"alpha_check": "quad_any", "preemptive": 0},
            "splat: preemptive=0 needs alpha_check=pixel, it is quad_any: a block is judged by exponents",
        ),
        ({"exp_entries": 48}, "splat: exp_entries must be a power of two, it is 48"),
        ({"exp_entries": 128}, "splat: exp_entries must be at most 2**(power_fraction - exp_linear) = 64, it is 128"),
        ({"exp_linear": 1}, "splat: exp_entries must be at most 2**(power_fraction - exp_linear) = 32, it is 64"),
        ({"power_fraction": 5}, "splat: exp_entries must be at most 2**(power_fraction - exp_linear) = 32, it is 64"),
        ({"group_size": 48}, "splat: group_size must be a power of two, it is 48"),
        ({"subtile": 6}, "splat: subtile must be a power of two, it is 6"),
        ({"sort_banks": 3}, "splat: sort_banks must be a power of two, it is 3"),
        ({"group_size": 8, "subtile": 8}, "splat: group_size must be 2 to 16 sub-tiles a side, 8 px / 8 px is 1"),
        ({"subtile": 2}, "splat: group_size must be 2 to 16 sub-tiles a side, 64 px / 2 px is 32"),
        ({"power_fraction": 10}, "splat: mantissa_bits must be at least power_fraction + 7, 16 for 10"),
        ({"codebooks": 1, "rank_bits": 16}, "splat: rank_bits must be 25 with codebooks, it is 16"),
        ({"mantissa_bits": 12}, "splat: mantissa_bits must be at least power_fraction + 7, 12 for 6"),
        (
            {"dc_bits": 12},
            "splat: 4·quaternion_bits + 3·scale_bits + opacity_bits + 3·dc_bits must not exceed 128, it is 131",
        ),
    ],
)
def test_rules(values: dict[str, int], message: str) -> None:
    assert refused(**values) == message


@pytest.mark.parametrize("spec", [DEFAULT, TINY, PAPER])
def test_named_instances(spec: Spec) -> None:
    assert replace(spec) == spec  # checked again
    assert spec.columns * spec.subtile == spec.group_size
    assert spec.lanes == spec.subtile**2


@pytest.mark.parametrize("power_fraction", range(4, 11))
def test_thresholds_are_the_last_code_on_their_side(power_fraction: int) -> None:
    spec = replace(DEFAULT, power_fraction=power_fraction, exp_entries=16, mantissa_bits=17)
    step = 2.0**-power_fraction
    assert 2 ** -(spec.max_power * step) >= MIN_ALPHA > 2 ** -((spec.max_power + 1) * step)
    low = spec.min_transmittance / 2**spec.transmittance_bits
    assert low >= 1e-4 > low - 2.0**-spec.transmittance_bits
    assert abs(spec.max_alpha / 2**spec.alpha_bits - 0.99) <= 2.0 ** -(spec.alpha_bits + 1)


@pytest.mark.parametrize("spec", [DEFAULT, TINY])
def test_tables_keep_their_error(spec: Spec) -> None:
    assert spec.reciprocal.max_error < 1.5
    assert spec.scaled_reciprocal.max_error < 1.5
    for table, unit in ((spec.scale_exp2, 2**16), (spec.alpha_exp2, 2**spec.alpha_bits)):
        for code, word in enumerate(table.values):
            assert abs(word - table.function(table.span * code / 2**table.in_bits) * unit) <= 0.5
    root = spec.extent_sqrt
    for code, word in enumerate(root.values):
        end = (code + 1) / 64  # of the step
        assert end <= (word / 256) ** 2 < end + 2 * 2 / 256
