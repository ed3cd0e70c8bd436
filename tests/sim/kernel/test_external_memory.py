from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.sim.kernel.memory_run import WORD_BYTES, WORDS, Served, Words, serve

FREE = {"latency": 20, "bandwidth": 256, "stalls": 0}


@pytest.fixture
def image(seed: int) -> Words:
    """Random contents of the whole memory."""
    return np.random.default_rng(seed).integers(0, 1 << 64, WORDS, dtype=np.uint64)


def bursts(seed: int, count: int = 12) -> list[tuple[int, int]]:
    """Random bursts of 1 to 64 words that end inside."""
    rng = np.random.default_rng(seed)
    lengths = [1, 64, *rng.integers(1, 65, count - 2).tolist()]
    return [(int(rng.integers(0, WORDS - n + 1)) * WORD_BYTES, n) for n in lengths]


def assert_in_order(served: Served, image: Words, reads: list[tuple[int, int]]) -> None:
    """Every burst whole, in order, its last word marked."""
    places = np.concatenate([a // WORD_BYTES + np.arange(n) for a, n in reads])
    assert (served.words == image[places]).all()
    assert served.last == [int(k == n - 1) for _, n in reads for k in range(n)]
    assert served.status == {"fault": 0, "fault_address": 0, "words_read": len(places), "words_written": 0}


@pytest.mark.parametrize(
    ("settings", "pause"),
    [({}, 0.0), ({"stalls": 128}, 0.0), ({"stalls": 64, "latency": 1}, 0.5), ({"bandwidth": 37, "stalls": 32}, 0.3)],
)
def test_bursts_come_whole_and_in_order(
    tmp_path: Path, image: Words, seed: int, settings: dict[str, int], pause: float
) -> None:
    """Words, order and marks do not depend on latency, bandwidth or pauses, the client's own included."""
    reads = bursts(seed)
    served = serve(tmp_path, image, reads, pause=pause, seed=seed % 10_000, **{**FREE, **settings})
    assert_in_order(served, image, reads)


@pytest.mark.parametrize("latency", [1, 100, 900])
def test_latency_is_what_was_asked(tmp_path: Path, image: Words, latency: int) -> None:
    """The first word of a burst comes `latency` cycles after its service, the others one a cycle behind."""
    served = serve(tmp_path, image, [(0, 16)], **{**FREE, "latency": latency})
    first = served.cycles[0] - latency
    assert 1 <= first <= 3  # request, service
    assert np.diff(served.cycles).tolist() == [1] * 15


@pytest.mark.parametrize("bandwidth", [256, 128, 100, 16])
def test_bandwidth_is_a_ceiling_that_is_reached(tmp_path: Path, image: Words, bandwidth: int) -> None:
    """Back-to-back bursts flow at `bandwidth` words in 256 cycles, no faster and hardly slower."""
    served = serve(tmp_path, image, [(0, 64), (0, 64)], **{**FREE, "bandwidth": bandwidth})
    needed = 127 * 256 / bandwidth
    taken = served.cycles[-1] - served.cycles[0]
    assert needed - 2 * 256 / bandwidth <= taken <= needed + 4


def test_reads_and_writes_share_the_bandwidth(tmp_path: Path, image: Words) -> None:
    """Both together move no more words than the memory allows."""
    writes = [(k * WORD_BYTES, k) for k in range(64)]
    served = serve(tmp_path, image, [(64 * WORD_BYTES, 64)], writes, **{**FREE, "bandwidth": 64, "latency": 1})
    assert served.all >= 4 * 126
    assert served.status["words_read"] == served.status["words_written"] == 64


def test_writes_land_where_they_should(tmp_path: Path, image: Words, seed: int) -> None:
    """After random writes with pauses the dump is the image with these words replaced; the last one counts."""
    rng = np.random.default_rng(seed)
    writes = [
        (int(a) * WORD_BYTES, int(d)) for a, d in zip(*rng.integers(0, (WORDS, 1 << 62), (300, 2)).T, strict=True)
    ]
    served = serve(tmp_path, image, [], writes, **{**FREE, "stalls": 100})
    for address, word in writes:
        image[address // WORD_BYTES] = word
    assert (served.dump == image).all()
    assert served.status["words_written"] == 300


def test_pauses_follow_the_seed(tmp_path: Path, image: Words) -> None:
    """The same seed pauses in the same cycles, another one elsewhere; pauses cost time."""
    reads = [(0, 64), (512, 64)]
    first, again, other = (serve(tmp_path, image, reads, **{**FREE, "stalls": 128}, seed=s).cycles for s in (5, 5, 6))
    assert first == again
    assert first != other
    assert first[-1] > 1.5 * serve(tmp_path, image, reads, **FREE).cycles[-1]


@pytest.mark.parametrize("beyond", [0, 1, 1 << 20])
def test_a_read_beyond_the_end_is_a_fault(tmp_path: Path, image: Words, beyond: int) -> None:
    """The first address outside is kept; what lies outside reads as zero, what lies inside as it is."""
    start = (WORDS + beyond - 2) * WORD_BYTES
    served = serve(tmp_path, image, [(start, 4), (0, 1), (1 << 31, 1)], **FREE)
    inside = max(0, 2 - beyond)
    assert served.words.tolist() == [*image[WORDS - inside :].tolist(), *[0] * (4 - inside), int(image[0]), 0]
    assert served.status["fault"] == 1
    assert served.status["fault_address"] == max(start, WORDS * WORD_BYTES)


def test_a_write_beyond_the_end_is_dropped(tmp_path: Path, image: Words) -> None:
    """It changes no word, and is a fault."""
    served = serve(tmp_path, image, [], [(8, 77), (WORDS * WORD_BYTES, 1), (1 << 30, 2)], **FREE)
    image[1] = 77
    assert (served.dump == image).all()
    assert (served.status["fault"], served.status["fault_address"]) == (1, WORDS * WORD_BYTES)
