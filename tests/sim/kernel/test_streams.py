from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from hw.generate import generate
from hw.lib.checked import Checked
from sim.kernel.memory import MemoryHarness
from sim.kernel.runner import SimulationError
from sim.kernel.stages import Expected, run_stage
from tests.sim.kernel.faulty import CHANGES, OBEDIENT, SHAPE, WITHDRAWS, Faulty
from tests.sim.kernel.memory_run import LOG2_WORDS, WIDTH, Passthrough


def payloads(seed: int, count: int = 200) -> list[int]:
    rng = random.Random(seed)
    return [rng.getrandbits(SHAPE.size) for _ in range(count)]


def through_a_register(
    sent: Sequence[int], expected: Sequence[int], *, fault: int = OBEDIENT, pause_out: float = 0.4, seed: int,
    masks: Sequence[int] | None = None,
) -> None:  # fmt: skip
    run_stage(
        Faulty,
        "faulty",
        None,
        inputs={"i": sent},
        outputs={"o": Expected(layout=SHAPE, payloads=expected, masks=masks)},
        constants={"fault": fault},
        pause_in=0.4,
        pause_out=pause_out,
        seed=seed,
        drain=50,
    )


@pytest.mark.parametrize("offset", range(3))
def test_every_payload_arrives_under_random_pauses(seed: int, offset: int) -> None:
    """Whatever the pauses, a good block passes: driver and monitor keep the stream rule themselves."""
    sent = payloads(seed + offset)
    through_a_register(sent, sent, seed=seed + offset)


def test_a_wrong_payload_fails_the_run(seed: int) -> None:
    """One flipped bit among 200 payloads is found at its place and in its field."""
    sent = payloads(seed)
    expected = [*sent[:150], sent[150] ^ 1 << 9, *sent[151:]]
    with pytest.raises(
        SimulationError, match=r"o: payload 150, cycle \d+: of 200 payloads 1 differ\n.*\n +high\.b +\d+ +\d+\n"
    ):
        through_a_register(sent, expected, seed=seed)
    through_a_register(sent, expected, seed=seed, masks=[0xFF] * len(sent))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sent: sent[:-1], r"payload 199, cycle \d+: of 199 payloads 1 are too many\n.*\n +nothing +{low: "),
        (
            lambda sent: [*sent, 5],
            r"payload 200, cycle \d+: of 201 payloads 1 are missing\n.*\n +{low: 5.*} +nothing",
        ),
        (lambda sent: [sent[1], sent[0], *sent[2:]], r"payload 0, cycle \d+: of 200 payloads 2 differ"),
        (
            lambda sent: sent[:50] + sent[51:],
            r"payload 50, cycle \d+: payload 50 is one more; from there on",
        ),
    ],
)
def test_a_lost_added_or_moved_payload_fails_the_run(
    seed: int, change: Callable[[list[int]], list[int]], message: str
) -> None:
    """Number and order count."""
    sent = payloads(seed)
    with pytest.raises(SimulationError, match=message):
        through_a_register(sent, change(sent), seed=seed)


@pytest.mark.parametrize(
    ("fault", "message"),
    [(WITHDRAWS, "valid was withdrawn before the payload was taken"), (CHANGES, "the payload changed before")],
)
def test_a_producer_that_breaks_the_rule_stops_the_run(seed: int, fault: int, message: str) -> None:
    """The protocol checker sees what a comparison of payloads would not."""
    sent = payloads(seed)
    with pytest.raises(SimulationError, match=message):
        through_a_register(sent, sent, fault=fault, seed=seed)
    if fault == WITHDRAWS:  # a consumer that never waits gives no occasion
        through_a_register(sent, sent, fault=fault, pause_out=0, seed=seed)


def test_every_stream_port_has_a_checker() -> None:
    """Inputs as well as outputs, at any depth: what a driver or a memory offers is watched like what a block offers."""
    checked = generate(Checked(Faulty()), "checked").verilog
    assert all(f"check_{name} (" in checked for name in ("i", "o"))
    harness = generate(MemoryHarness(Passthrough(), width=WIDTH, log2_words=LOG2_WORDS), "checked").verilog
    assert all(f"check_{name} (" in harness for name in ("read__request", "read__response", "write__request"))
