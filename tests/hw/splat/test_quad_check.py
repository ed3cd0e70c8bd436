"""The check of a 2×2 block: any of its pixels, or its centre."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from golden.splat.spec import TINY
from hw.splat.quad_check import QuadCheck
from tests.hw.splat.datapath import answers, same


def test_any_of_four() -> None:
    """Every set of pixels but the empty one."""
    rows = [{"passes": passes} for passes in range(16)]
    same(
        answers(QuadCheck(spec=replace(TINY, alpha_check="quad_any")), rows), [{"drawn": int(n > 0)} for n in range(16)]
    )


def test_centre(seed: int) -> None:
    """(first + last - bend) >> 1 from -1 to -log2(1/255), both included; the sum may be beyond a power's range."""
    rng = Random(seed)
    spec = replace(TINY, alpha_check="quad_centre")
    low, high = -(1 << spec.power_fraction), spec.max_power
    rows: list[dict[str, int]] = []
    for centre in (low, high):
        for off in (-2, -1, 0, 1, 2, 3):  # in halves
            first, bend = rng.randrange(-200, 600), rng.randrange(-9, 60)
            rows.append({"first": first, "last": 2 * centre + off + bend - first, "bend": bend})
    top = spec.power_format.high
    rows += [{"first": top, "last": top, "bend": 0}, {"first": top, "last": top, "bend": -1}]
    wanted = [int(low <= (row["first"] + row["last"] - row["bend"]) // 2 <= high) for row in rows]
    assert wanted == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    same(answers(QuadCheck(spec=spec), rows), [{"drawn": drawn} for drawn in wanted])
