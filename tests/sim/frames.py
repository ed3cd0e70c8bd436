"""Frames that several tests draw, quantised once a process."""

from __future__ import annotations

from functools import cache
from typing import Any

from golden.scenes import load_scene, orbit
from golden.splat.model import ModelResult, render
from hw.splat.config import CONFIGS
from sim.workloads.splat import SplatWorkload, prepare

VIEWS = 3  # of an orbit


@cache
def workload(
    config: str = "tiny", *, source: str = "embedded", view: int = 1, width: int = 64, height: int = 64
) -> SplatWorkload:
    """A view of a scene for a named config."""
    scene = load_scene(source)
    return prepare(scene, orbit(scene, view, VIEWS, width=width, height=height), CONFIGS[config]())


@cache
def model(config: str = "tiny", **view: Any) -> ModelResult:
    """The frame of `workload` with the same arguments by the bit-true model."""
    drawn = workload(config, **view)
    return render(drawn.image, drawn.frame, drawn.config.spec)
