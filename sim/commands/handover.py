"""What `tessera generate --package` and `tessera test-bench` share: an engine on its bus, and a job of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hw.bus.build import JOB_REMARK, engine_on_bus
from hw.bus.config import BusConfig, BusEngineConfig
from hw.generate import generate
from sim.engines import Engine
from sim.handover.bench import Product
from sim.kernel.console import step


def make_product(
    engine: Engine, config_name: str, changes: Sequence[str], config: Any, bus: BusConfig, *, prefix: str = ""
) -> Product:  # fmt: skip
    """Generates the engine, and does the job by the model that a board tests itself with.

    Raises:
        InputError: the bus does not fit the engine.
    """
    component = engine_on_bus(engine.top(config), engine.name, config, bus)
    label = ", ".join([config_name, *changes])
    with step(f"generating {engine.name}"):
        design = generate(
            component, f"{engine.name}_axi4", BusEngineConfig(engine=config, bus=bus), label=label, prefix=prefix,
            remark=JOB_REMARK,
        )  # fmt: skip
    with step("a job by the model"):
        vectors = engine.self_test().vectors(config)
    return Product(engine=engine.name, label=label, config=config, component=component, design=design, vectors=vectors)
