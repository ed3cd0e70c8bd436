"""A figure without a value is null in a report and a dash in a table."""

from __future__ import annotations

import json
import math

import numpy as np

from sim.kernel.quality import defined, shown


def test_null_where_there_is_no_value() -> None:
    figures = {"a": 0.5, "b": math.nan, "c": {"d": np.float32("inf"), "e": 3, "f": True}, "g": -math.inf, "h": "nan"}
    found = defined(figures)
    assert found == {"a": 0.5, "b": None, "c": {"d": None, "e": 3, "f": True}, "g": None, "h": "nan"}
    json.dumps(found, allow_nan=False)


def test_a_dash_in_a_table() -> None:
    assert (shown(0.25, ".1%"), shown(None, ".1%")) == ("25.0%", "–")
