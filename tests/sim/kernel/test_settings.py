from __future__ import annotations

import pytest

from golden.errors import InputError
from hw.splat.config import CONFIGS, tiny
from sim.kernel.settings import choose_config


def test_no_change_is_the_named_config() -> None:
    """A name alone gives that config."""
    assert choose_config(CONFIGS, "tiny", ()) == tiny()


def test_fields_of_config_and_spec_change() -> None:
    """Both kinds of field are reached by name; the last value of a field wins; the rest stays."""
    config = choose_config(CONFIGS, "tiny", ("splat_depth=16", "sh_degree=2", "alpha_bits=0xb", "splat_depth=12"))
    assert (config.splat_depth, config.spec.sh_degree, config.spec.alpha_bits) == (12, 2, 11)
    assert choose_config(CONFIGS, "tiny", ("alpha_check=quad_any",)).spec.alpha_check == "quad_any"
    assert config.memory_width == tiny().memory_width
    assert config.spec.group_size == tiny().spec.group_size


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("huge", "sh_degree=1", "config must be one of nano, tiny, default, paper, it is 'huge'"),
        ("tiny", "lanes=4", "no field 'lanes', did you mean coarse_lanes.? `tessera config splat` lists all"),
        ("tiny", "grup_size=4", "no field 'grup_size', did you mean group_size"),
        ("tiny", "spec=4", "no field 'spec'; `tessera config splat` lists all"),
        ("tiny", "sh_degree", "takes field=value, got 'sh_degree'"),
        ("tiny", "sh_degree=", "sh_degree must be a whole number, it is ''"),
        ("tiny", "sh_degree=1.5", "sh_degree must be a whole number, it is '1.5'"),
        ("tiny", "alpha_check=1", "alpha_check must be one of pixel, quad_any, quad_centre, it is '1'"),
        ("tiny", "alpha_check=", "alpha_check must be one of pixel, quad_any, quad_centre, it is ''"),
        ("tiny", "exp_entries=pixel", "exp_entries must be a whole number, it is 'pixel'"),
        ("tiny", "sh_degree=4", r"sh_degree must lie in 0\.\.3, it is 4"),
        ("tiny", "memory_width=192", "memory_width must be a power of two, it is 192"),
        ("tiny", "coarse_lanes=8", "coarse_lanes must not exceed memory_width / 64 = 2, it is 8"),
        (
            "tiny",
            "fine_units=2",
            "fine_units above 1 must not exceed memory_width / 256 = 0 nor coarse_lanes = 1, it is 2",
        ),
        ("default", "fine_interval=2", "fine_interval must be 1 with two fine_units, it is 2"),
        ("tiny", "fine_interval=3", "fine_interval must be a power of two, it is 3"),
        ("default", "fine_units=4", r"fine_units must lie in 1\.\.2, it is 4"),
    ],
)
def test_a_refusal_states_rule_and_value(name: str, change: str, message: str) -> None:
    """What cannot be is refused in one line."""
    with pytest.raises(InputError, match=message) as refusal:
        choose_config(CONFIGS, name, (change,))
    assert len(str(refusal.value).splitlines()) == 1
