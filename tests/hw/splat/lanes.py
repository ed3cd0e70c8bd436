"""The model's pixels of a few sub-tiles, and random operations on them."""

from __future__ import annotations

import random

import torch

from golden.splat.pixel_lane import Pixels, alpha, blend
from golden.splat.spec import Spec
from hw.lib.fields import pack
from hw.splat.pixel_bytes import StateLayout
from hw.splat.raster_setup import cross_factors
from tests.hw.splat.datapath import Payload


class Lanes:
    """The model's pixels of a few sub-tiles, and random operations on them."""

    def __init__(self, spec: Spec, rng: random.Random, *, flushes: float = 0.15) -> None:
        self.spec, self.rng, self.flushes = spec, rng, flushes
        self.factors = cross_factors(spec)
        count = spec.columns**2
        self.pixels = Pixels(
            transmittance=torch.zeros(count, spec.lanes, dtype=torch.int64),
            done=torch.zeros(count, spec.lanes, dtype=torch.bool),
            color=torch.zeros(count, spec.lanes, 3, dtype=torch.int64),
        )
        self.clean: set[int] = set()  # flushed since reset

    def operation(self, blocked: list[int]) -> tuple[Payload, Payload | None]:
        """Inputs of a cycle, and what comes of them; places in `blocked` had an operation too lately."""
        rng, spec = self.rng, self.spec
        # Few places, so that most operations come as early as they may; now and then any.
        places = range(3) if rng.random() < 0.9 else range(spec.columns**2)
        place = rng.choice(places)
        free = place not in blocked and rng.random() < 0.95
        flush = free and (place not in self.clean or rng.random() < self.flushes)
        draw = free and not flush
        inputs = {
            "operation": {"draw": int(draw), "flush": int(flush), "place": place},
            "terms": self.terms(),
            "color": [
                rng.choice([0, 1, rng.randrange(1 << spec.color_format.width), spec.color_format.high])
                for _ in range(3)
            ],
        }
        if flush:
            known = place in self.clean
            self.clean.add(place)
            pixels = self.flush(place)
            # A sub-tile that was never flushed holds anything.
            return inputs, {"flushed": place, "pixels": pixels if known else None}
        return inputs, {"drawn": place, **self.draw(place, inputs)} if draw else None

    def terms(self) -> Payload:
        """Powers around what is visible: opaque, faint, just too faint, below zero, far away."""
        rng, spec = self.rng, self.spec
        one = 1 << spec.power_fraction
        start = rng.choice(
            [-4 * one // 3, -one, 0, 3, rng.randrange(one), rng.randrange(spec.max_power), spec.max_power - 2, 1 << 14]
        )
        size = rng.choice([1, 4, 40])
        bend = {"bend": rng.randrange(-size, 3 * size)} if spec.alpha_check == "quad_centre" else {}
        return {
            **bend,
            "row": [start + rng.randrange(-size, size + 1) for _ in range(spec.subtile)],
            "column": [rng.randrange(-size, size + 1) for _ in range(spec.subtile)],
            "cross": [rng.randrange(-size, size + 1) for _ in self.factors],
            "far": int(rng.random() < 0.05),
        }

    def draw(self, place: int, inputs: Payload) -> Payload:
        terms, n = inputs["terms"], self.spec.subtile
        power = [
            terms["row"][y] + terms["column"][x] + terms["cross"][self.factors.index(x * y)]
            for y in range(n)
            for x in range(n)
        ]
        bend = torch.tensor([terms.get("bend", 0)])
        alphas = alpha(torch.tensor([power]), bend, self.spec) * (1 - terms["far"])
        before = self.pixels.transmittance[place].clone()
        blend(self.pixels, torch.tensor([place]), alphas[None], torch.tensor([[inputs["color"]]]), self.spec)
        changed = int((self.pixels.transmittance[place] != before).sum())
        return {"done": int(self.pixels.done[place].all()), "changed": changed}

    def flush(self, place: int) -> int:
        """The state of the sub-tile's pixels, which are transparent afterwards."""
        bits = states(self.pixels, self.spec, place)
        self.pixels.transmittance[place] = self.spec.full_transmittance
        self.pixels.done[place] = False
        self.pixels.color[place] = 0
        return bits


def states(pixels: Pixels, spec: Spec, place: int) -> int:
    """What lanes hand out of a sub-tile: pixel after pixel, the first in the low bits."""
    layout = StateLayout(spec)
    each = zip(pixels.color[place].tolist(), pixels.transmittance[place].tolist(), strict=True)
    packed = [pack(layout, {"color": color, "transmittance": left}) for color, left in each]
    return sum(bits << k * layout.size for k, bits in enumerate(packed))
