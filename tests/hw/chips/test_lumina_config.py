"""What the composition is made of fits together, and what RTL does not do is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.errors import InputError
from golden.radiance.spec import Spec as CacheSpec
from hw.chips.lumina.config import CONFIGS, compose, tiny
from hw.radiance.config import default as cache_default
from sim.kernel.settings import choose_config


@pytest.mark.parametrize("name", CONFIGS)
def test_named_configs(name: str) -> None:
    """A region is a group; both engines read words of one width; the rule is the publication's."""
    config = CONFIGS[name]()
    assert config.spec.radiance.region == config.spec.splat.group_size
    assert config.word_bytes == config.splat.word_bytes == config.radiance.word_bytes
    assert (config.spec.value, config.spec.through, config.spec.refresh) == ("colour", 0, 0)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"value": "remainder"}, "lumina: RTL draws with value = colour alone, it is remainder"),
        ({"through": 8}, "lumina: RTL draws with through = 0 alone, it is 8"),
        ({"near": 4}, "lumina: RTL draws with near = 16 alone, it is 4"),
        ({"refresh": 8}, "lumina: RTL draws with refresh = 0 alone, it is 8"),
    ],
)
def test_rules_that_rtl_does_not_follow(rules: dict[str, Any], message: str) -> None:
    config = tiny()
    with pytest.raises(InputError) as refused:
        compose(config.splat, replace(config.spec, **rules), cache_default())
    assert str(refused.value) == message


def test_parts_must_fit() -> None:
    config = tiny()
    with pytest.raises(InputError, match="one memory_width, they have 128 and 256"):
        replace(config, radiance=replace(config.radiance, memory_width=256))
    other = replace(config.radiance, spec=CacheSpec(record_length=2, region=16))
    with pytest.raises(InputError, match="the spec of the radiance config must be that of the rules"):
        replace(config, radiance=other)


def test_lists_in_drawing_order_are_refused() -> None:
    config = tiny()
    with pytest.raises(
        InputError, match="lumina: shared_sort must be 0: the cache's ids travel through the depth sort"
    ):
        replace(config, splat=replace(config.splat, shared_sort=1))


def test_fields_by_name() -> None:
    """Those of both engines; a region follows its group."""
    config = choose_config(CONFIGS, "tiny", ("lane_depth=16", "group_size=32", "record_length=2", "fill_queue=8"))
    assert (config.splat.lane_depth, config.radiance.fill_queue) == (16, 8)
    assert (config.spec.radiance.region, config.spec.near, config.spec.radiance.record_length) == (32, 32, 2)
    with pytest.raises(InputError, match="no field 'record_lengt', did you mean record_length"):
        choose_config(CONFIGS, "tiny", ("record_lengt=2",))
