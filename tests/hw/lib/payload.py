"""What differs between two payloads, as Python values of the layout's shape."""

from __future__ import annotations

from typing import Any


def difference(got: Any, expected: Any) -> str:
    """Names the fields that differ."""
    if isinstance(got, dict) and isinstance(expected, dict):
        return ", ".join(f"{k}: {difference(got[k], expected[k])}" for k in expected if got[k] != expected[k])
    return f"got {got!r}, expected {expected!r}"
