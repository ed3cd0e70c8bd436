"""The sort key of a depth, code for code."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch
from amaranth.hdl import Elaboratable, Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.splat import depth_key as model
from golden.splat.spec import DEFAULT, Spec
from hw.lib.pipe import Pipe
from hw.splat.depth_key import DEPTH_BITS, depth_key
from tests.hw.lib.simulate import run_datapath


class Key(wiring.Component):
    """The block by itself."""

    latency = 4

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        super().__init__({"i": In(signed(DEPTH_BITS + 1)), "o": Out(spec.depth_bits)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        key = depth_key(p, p.source(self.i, "z"), self.spec, name="key")
        assert key.stage == self.latency
        m.d.comb += self.o.eq(key.value)
        return m


@pytest.mark.parametrize("bits", [12, 20, 30])
def test_depth_key(bits: int, seed: int) -> None:
    """Depths of every size, on both sides of every power of two, at and behind the camera."""
    spec, rng = replace(DEFAULT, depth_bits=bits), Random(seed)
    powers = [(1 << k) + step for k in range(DEPTH_BITS) for step in (-1, 0, 1)]
    depths = [*powers, (1 << DEPTH_BITS) - 1, -1, -(1 << DEPTH_BITS)]
    depths += [rng.getrandbits(rng.randrange(1, DEPTH_BITS + 1)) for _ in range(200)]
    wanted = model.depth_key(torch.tensor(depths), spec).tolist()
    assert run_datapath(Key(spec), [z & ((1 << (DEPTH_BITS + 1)) - 1) for z in depths]) == wanted
