from __future__ import annotations

import json
from dataclasses import replace

import pytest

from golden.errors import InputError
from sim.engines import ENGINES, Engine
from sim.kernel.config_fields import config_fields
from sim.kernel.settings import field_names
from tests.sim.conftest import Tessera


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_field_has_limits_that_hold_and_a_meaning(engine: Engine) -> None:
    """In every named config no field is missing, none lies outside what is shown, and one beyond it is refused."""
    for make in engine.configs.values():
        config = make()
        shown = config_fields(config)
        assert [field.name for field in shown] == field_names(config)
        for field in shown:
            assert len(field.meaning) > 5
            owner = config.spec if field.changes == "results" else config
            if field.words is not None:
                assert (field.low, field.high, field.power_of_two) == (None, None, False)
                assert field.value in field.words
                with pytest.raises(InputError, match=f"{field.name} must be one of {field.limits}"):
                    replace(owner, **{field.name: "none"})
                continue
            assert isinstance(field.value, int)
            assert field.low is not None
            assert field.high is not None
            assert field.low <= field.value <= field.high
            assert not field.power_of_two or field.value & (field.value - 1) == 0
            for beyond in (field.low - 1, field.high + 1):
                with pytest.raises(InputError, match=f"{field.name} must lie in {field.low}"):
                    replace(owner, **{field.name: beyond})


def test_a_config_is_shown_with_its_changes(tessera: Tessera) -> None:
    """A row with value, limits, effect and meaning for each field; the same as JSON; a wrong field is refused."""
    outcome = tessera("config", "splat", "--config", "tiny", "--set", "coarse_lanes=2", "--set", "group_size=32",
                      "--set", "alpha_check=quad_any")  # fmt: skip
    assert outcome.status == 0
    rows = {words[0]: words[1:] for line in outcome.out.splitlines()[2:] if (words := line.split())}
    assert rows["coarse_lanes"][:6] == ["2", "1..8,", "a", "power", "of", "two"]
    assert "speed, area  Gaussians that the coarse filter takes a cycle" in outcome.out
    assert rows["group_size"][0] == "32"
    assert rows["alpha_check"][:4] == ["quad_any", "pixel,", "quad_any,", "quad_centre"]
    described = json.loads(tessera("config", "splat", "--config", "tiny", "--json").out)
    assert described["engine"] == "splat"
    (lanes,) = [field for field in described["fields"] if field["name"] == "coarse_lanes"]
    assert (lanes["value"], lanes["low"], lanes["high"], lanes["changes"]) == (1, 1, 8, "speed, area")
    (check,) = [field for field in described["fields"] if field["name"] == "alpha_check"]
    assert (check["value"], check["low"], check["words"]) == ("pixel", None, ["pixel", "quad_any", "quad_centre"])
    refusal = tessera("config", "kv", "--set", "lanes=31").err
    assert refusal == "tessera: error: kv: lanes must be a power of two, it is 31\n"
