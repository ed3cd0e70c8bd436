"""`tessera config`: the fields of a config, and what they are for."""

from __future__ import annotations

from dataclasses import asdict

import click

from hw.generate import config_hash
from sim.commands.options import config_option, design_argument, json_option, set_option
from sim.engines import Engine
from sim.kernel.config_fields import config_fields
from sim.kernel.console import show_json, show_table
from sim.kernel.settings import choose_config


@click.command()
@design_argument
@config_option
@set_option
@json_option
def config(engine: Engine, config_name: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Show every field of ENGINE's config and what it changes.

    Each has its value, its limits and its meaning. What changes results changes the circuit too, and so its speed and
    area; what changes speed and area changes no result.
    """
    chosen = choose_config(engine.configs, config_name, changes)
    fields = config_fields(chosen)
    if as_json:
        digest = config_hash(chosen)
        show_json({"engine": engine.name, "config_hash": digest, "fields": [asdict(field) for field in fields]})
    label = ", ".join((config_name, *changes))
    show_table(
        f"{engine.name}, config {label}, hash {config_hash(chosen)}",
        ("field", "value", "limits", "changes", "meaning"),
        ((field.name, field.value, field.limits, field.changes, field.meaning) for field in fields),
        left=("meaning",),
    )
