"""Attention's second half: shares of tokens, weighted sums of values, and the record they become."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from golden.cluster.compute import probabilities, record_of
from golden.cluster.spec import PROBABILITY_BITS, QUARTERS, Spec
from golden.float_format import SINGLE
from hw.cluster.probability import Probability
from hw.cluster.serial_sums import SerialSums
from hw.cluster.value_sums import ValueSums
from hw.lib.fields import pack
from tests.hw.cluster.cycles import play
from tests.hw.cluster.numbers import code, flits_of, parted, single
from tests.hw.lib.simulate import run_datapath

NARROW = Spec(nodes=4, link_width=64, memory_kib=4, inputs=256)


@pytest.mark.parametrize("maximum", [code(4.0), SINGLE.negative_infinity, SINGLE.nan])
def test_probability(maximum: int, rng: random.Random) -> None:
    """Scores from the maximum itself, whose share is the largest code, to far below it."""
    scores = [maximum, SINGLE.negative_infinity, SINGLE.nan]
    if maximum == code(4.0):
        scores += [code(4.0 - abs(rng.gauss(0, spread))) for spread in (1e-5, 1, 12) for _ in range(80)]
    dut = Probability()
    got = run_datapath(dut, [pack(dut.i.shape(), {"score": s, "maximum": maximum}) for s in scores])
    assert got == probabilities(torch.tensor(scores), maximum).tolist()


@pytest.mark.parametrize("spec", [NARROW, replace(NARROW, link_width=128)], ids=["64 bits", "128 bits"])
@pytest.mark.parametrize("head", [16, 128])
@pytest.mark.parametrize("serial", [False, True], ids=["parallel", "serial"])
def test_sums_and_record(spec: Spec, head: int, serial: bool, rng: random.Random) -> None:
    """Two sets of tokens, rows back to back and with gaps: nothing of the first set is left in the second."""
    flits = head // spec.flit_bytes
    maximum = single(rng)
    interval, words_of = (2 * spec.lanes, spec.lanes) if serial else (1, 1)  # cycles a flit, and of a record's flit
    dut = SerialSums(spec=spec, interval=interval) if serial else ValueSums(spec=spec)
    latency = SerialSums.record_latency(spec) if serial else ValueSums.record_latency
    cycles: list[dict[str, Any]] = []
    for tokens in (3, 6):
        shares = [(1 << PROBABILITY_BITS) - 1, 0, *(rng.getrandbits(17) for _ in range(tokens - 2))]
        rng.shuffle(shares)
        values = np.array([[rng.choice([-128, 127, rng.randint(-127, 127)]) for _ in range(head)] for _ in shares])
        for token, (share, row) in enumerate(zip(shares, values, strict=True)):
            for k, flit in enumerate(flits_of(row.astype(np.int8).view(np.uint8), spec)):
                while rng.random() < 0.2:
                    noise = {"probability": rng.getrandbits(17), "codes": rng.getrandbits(spec.link_width), "first": 1}
                    cycles.append({"i": noise})
                beat = {"probability": share, "codes": flit, "row": k, "first": int(k == 0), "begin": int(token == 0)}
                cycles += [{"valid": 1, "i": beat}, *({"i": beat} for _ in range(interval - 1))]
        cycles += [{}, {}]  # the last sum is written
    start = len(cycles)
    asked = [{"header": 1}] + [{"row": k // QUARTERS, "part": k % QUARTERS} for k in range(QUARTERS * flits)]
    numbers: list[dict[str, int]] = [{"word": word} for word in range(spec.lanes)] if serial else [{}]
    cycles += [{"read": each | number, "maximum": maximum} for each in asked for number in numbers]
    cycles += [{"maximum": maximum}] * latency
    got = play(dut, cycles, ["o"])[start + latency :: words_of]
    total, output = torch.tensor([sum(shares)]), torch.from_numpy(np.array(shares) @ values)
    words = [word for each in got for word in parted(each["o"], 32, spec.lanes)]
    assert words == record_of(maximum, total, output, spec).tolist()
