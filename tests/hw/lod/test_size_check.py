"""Size check: RTL equals the model, node by node."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from amaranth.sim import Simulator

from golden.lod.frustum_check import outside
from golden.lod.size_check import size_check
from golden.lod.spec import Spec
from golden.lod.traversal import jumps
from hw.lod.config import Config
from hw.lod.size_check import SizeCheck

AXES = "xyz"
NODES = 300


def random_node(rng: random.Random, spec: Spec, camera: list[int]) -> dict[str, Any]:
    near = rng.random() < 0.5
    top = (1 << spec.box_bits) - 1
    exponents = [rng.randrange(0, 21 - spec.box_bits) for _ in AXES]
    origin = [
        min(max(c + rng.randrange(-3000, 3000), 0), (1 << 20) - 1) if near else rng.randrange(1 << 20) for c in camera
    ]
    low = [rng.randrange(top + 1) for _ in AXES]
    high = [min(top, v + rng.randrange(top + 1)) for v in low]
    return {
        "context": rng.randrange(4),
        "index": rng.randrange(32),
        "node": {
            **{f"low_{a}": v for a, v in zip(AXES, low, strict=True)},
            **{f"high_{a}": v for a, v in zip(AXES, high, strict=True)},
            "mantissa": rng.randrange(1 << spec.size_bits), "size_exponent": rng.randrange(8),
            "frontier": rng.randrange(2), "link": rng.randrange(32),
            "entry": rng.randrange(32),
        },
        "header": {
            **{f"origin_{a}": v for a, v in zip(AXES, origin, strict=True)},
            **{f"exponent_{a}": v for a, v in zip(AXES, exponents, strict=True)},
            "size_exponent": rng.randrange(-16, 16),
        },
        "entered": rng.getrandbits(32),
        "before": rng.getrandbits(32) & rng.getrandbits(32),
        "todo": rng.getrandbits(32) & rng.getrandbits(32),
        "turn": 1,
    }  # fmt: skip


def model_inputs(rows: list[dict[str, Any]], camera: list[int]) -> list[torch.Tensor]:
    low, high, mantissa, exponent, place = ([] for _ in range(5))
    for row in rows:
        node, header = row["node"], row["header"]
        low.append([node[f"low_{a}"] << header[f"exponent_{a}"] for a in AXES])
        high.append([node[f"high_{a}"] << header[f"exponent_{a}"] for a in AXES])
        mantissa.append(node["mantissa"])
        exponent.append(node["size_exponent"] + header["size_exponent"])
        place.append([c - header[f"origin_{a}"] for c, a in zip(camera, AXES, strict=True)])
    return [torch.tensor(v) for v in (low, high, mantissa, exponent, place)]


@pytest.mark.parametrize("spec", [Spec(), Spec(box_bits=16, size_bits=8), Spec(box_bits=6, size_bits=4)])
@pytest.mark.parametrize(("reach", "frustum"), [(10, 0), (16, 1), (23, 1)])
def test_equals_the_model(spec: Spec, reach: int, frustum: int, seed: int) -> None:
    rng = random.Random(seed)
    config = Config(spec=spec, frustum=frustum)
    camera = [rng.randrange(-(1 << reach), 1 << reach) for _ in AXES]
    factor, power = rng.randrange(1 << 16, 1 << 17), rng.randrange(-60, -25)
    rows = [random_node(rng, spec, camera) for _ in range(NODES)]
    planes = [[rng.randrange(-2047, 2048) for _ in AXES] for _ in range(4)]
    low, high, mantissa, exponent, place = model_inputs(rows, camera)
    expected = size_check(spec, low, high, mantissa, exponent, place, factor, power)
    aside = outside(torch.tensor(planes), low - place, high - place, torch.zeros(3, dtype=torch.int64))
    dut = SizeCheck(config=config)
    got: list[dict[str, int]] = []
    names = (
        "context", "index", "target", "inner", "big", "after", "past", "shut", "outside", "was", "frontier", "link",
        "left", "right", "zeros",
    )  # fmt: skip

    async def bench(ctx: Any) -> None:
        other = {"camera": [0, 0, 0], "factor": 1 << 16, "exponent": 0}
        mine = {"camera": camera, "factor": factor, "exponent": power}
        ctx.set(dut.view, [other, mine])
        ctx.set(dut.planes, planes)
        for cycle in range(NODES + dut.latency):
            if cycle < NODES:
                ctx.set(dut.i, rows[cycle])
            if cycle >= dut.latency:
                got.append({name: ctx.get(dut.o[name]) for name in names})
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    for k, (mine, row) in enumerate(zip(got, rows, strict=True)):
        node, index = row["node"], row["index"]
        skip = 0 if node["frontier"] else node["link"]
        after, past = jumps(row["todo"], row["before"], index, index + 1 + skip)
        wanted = {
            "context": row["context"], "index": index, "target": (index + 1 + skip) % 64,
            "inner": int(node["mantissa"] > 0 or node["size_exponent"] > 0), "big": int(expected.big[k]),
            "after": after, "past": past,
            "shut": 1 - (row["entered"] >> node["entry"] & 1),
            "outside": frustum * int(aside[k]),
            "was": row["before"] >> index & 1, "frontier": node["frontier"], "link": node["link"],
            "left": int(expected.left[k]), "right": int(expected.right[k]), "zeros": int(expected.zeros[k]),
        }  # fmt: skip
        assert mine == wanted, f"node {k}"
