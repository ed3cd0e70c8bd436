"""Configs by name, with single fields changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from golden.errors import InputError, OneOf


def field_names(config: Any) -> list[str]:
    """Every field that can be changed, those of the spec first; of parts with the same field the first has it."""
    return list(dict.fromkeys(name for part in reversed(parts_of(config)) for name in _own(part)))


def parts_of(config: Any) -> list[Any]:
    """The settings that a config consists of: itself and its spec, or what a composition says of its own."""
    return config.parts if hasattr(config, "parts") else [config, config.spec]


def choose_config(configs: Mapping[str, Callable[[], Any]], name: str, changes: Sequence[str]) -> Any:
    """Config `name` after every `field=value` of `changes`; fields of its spec are reached by name too.

    Raises:
        InputError: no such config or field, a value that is not a whole number where one is due, or one that
            the config refuses.
    """
    if name not in configs:
        raise InputError(f"config must be one of {', '.join(configs)}, it is '{name}'")
    config = configs[name]()
    sorted_ = sort_changes(parts_of(config), changes, lambda field: _no_field(field, config))
    if hasattr(config, "changed"):
        return config.changed(sorted_)
    in_config, in_spec = sorted_
    return replace(config, spec=replace(config.spec, **in_spec), **in_config)


def sort_changes(
    parts: Sequence[Any], changes: Sequence[str], unknown: Callable[[str], str], option: str = "--set"
) -> list[dict[str, int | str]]:
    """Of every `field=value` the value, by field, for the first of the settings `parts` that has the field.

    Raises:
        InputError: no such field, with what `unknown` says of it, or no whole number where one is due.
    """
    chosen: list[dict[str, int | str]] = [{} for _ in parts]
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals:
            raise InputError(f"{option} takes field=value, got '{change}'")
        place = next((k for k, part in enumerate(parts) if field in _own(part)), None)
        if place is None:
            raise InputError(unknown(field))
        limits = parts[place].LIMITS[field]
        chosen[place][field] = value if isinstance(limits, OneOf) else _number(field, value, option)
    return chosen


def _number(field: str, value: str, option: str) -> int:
    try:
        return int(value, 0)
    except ValueError as error:
        raise InputError(f"{option}: {field} must be a whole number, it is '{value}'") from error


def _own(settings: Any) -> list[str]:
    return [f.name for f in fields(settings) if f.name in settings.LIMITS]


def _no_field(name: str, config: Any) -> str:
    """The refusal, with the names that are like it and the way to all of them."""
    like = [known for known in field_names(config) if name in known] or get_close_matches(name, field_names(config))
    meant = f", did you mean {' or '.join(like)}?" if like else ";"
    engine = type(config).__module__.split(".")[-2]  # hw.<engine>.config, or hw.chips.<name>.config
    return f"--set: no field '{name}'{meant} `tessera config {engine}` lists all with their limits and meaning"
