"""Views whose Gaussians lead the fine filter to the ends of its number ranges."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from golden.splat.coarse_filter import Candidates
from golden.splat.projection import Projection, projection
from golden.splat.spec import DEFAULT, Spec
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import View, made, pick, view

CASES = ("embedded", "random", "close", "around", "far")


@cache
def case(name: str, spec: Spec = DEFAULT) -> View:
    """The default scene; random Gaussians seen from outside, from their middle with the widest lens, through a window
    beside the axis from amid large ones, from far off.
    """
    match name:
        case "embedded":
            return view(spec)
        case "random":
            return made(random_scene(6, 4000), camera_at(), spec)
        case "close":
            return made(random_scene(5, 6000), camera_at((0.1, 0.05, -0.3), size=(120, 96), focal=47), spec)
        case "around":
            camera = camera_at((0.1, 0.05, -0.3), size=(70, 64), focal=80)
            return made(random_scene(8, 4000, thinnest=0.2, widest=20), replace(camera, cx=-30.0, cy=43.0), spec)
        case _:
            return made(random_scene(7, 4000), camera_at((0, 0, -60), focal=3000), spec)


def inputs(name: str, seed: int) -> tuple[View, Candidates, Projection]:
    """Gaussians in front of the near plane, drawn from the whole scene."""
    v = case(name)
    candidates = pick(v.everything(v.middle), 6000, seed)
    assert len(candidates) > 1000
    return v, candidates, projection(candidates.point, v.frame, v.middle, v.spec)
