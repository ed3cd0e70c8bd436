from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.kernel.dram import ALL_BANKS, DRAMS, PER_BANK, Dram
from tests.sim.kernel.dram_run import Traced, address, run
from tests.sim.kernel.dram_twin import replay
from tests.sim.kernel.memory_run import WORD_BYTES, WORDS, serve

#: One channel, a clock of the DRAM in every cycle, no refresh, banks and rows as addresses have them.
LPDDR4 = replace(DRAMS["lpddr4"], channels=1, engine_megahertz=1600, refi=0, hash=0)
LPDDR5 = replace(DRAMS["lpddr5"], channels=1, engine_megahertz=800, refi=0, hash=0)
SMALL: dict[str, Any] = {"queue": 4, "window": 4}  # three writes are three quarters of the queue
BEFORE_DATA = 2  # cycles from the bench's first to the memory's clock 0, less those to the port

Place = tuple[int, int]  # bank, row
Command = tuple[int, str, int]  # clock since the first, name, bank


@dataclass(frozen=True)
class Sequence:
    """Accesses, and the commands that must follow from them, worked out by hand."""

    commands: list[Command]
    reads: tuple[Place, ...] = ()
    writes: tuple[Place, ...] = ()
    changes: Any = ()
    part: Dram = LPDDR4
    after: int = 0  # words that come before the writes

    def run(self, folder: Path, **shortened: int) -> Traced:
        """On the part with its changes, and some timings shortened."""
        dram = replace(self.part, **dict(self.changes), **shortened)
        reads = [address(dram, *place) for place in self.reads]
        writes = [address(dram, *place, column=k % 2) for k, place in enumerate(self.writes)]  # or they were one access
        return run(folder, dram, reads, writes, after=self.after, rest=300 if writes else 8)

    def told(self, traced: Traced) -> list[Command]:
        """Its commands as far as the expected ones reach, and what is read or written later."""
        end = self.commands[-1][0]
        return [command for command in traced.named() if command[0] <= end or command[1] in ("RED", "WRT")]


SEQUENCES = {
    # Both reads of the open row, tCCD apart; the other row after tRAS, tRP.
    "rows": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (37, "RED", 0), (68, "PRE", 0), (97, "ACT", 0), (126, "RED", 0)],
        reads=((0, 0), (0, 0), (0, 1)),
    ),
    # tRC is short, and tRP decides.
    "precharge": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (68, "PRE", 0), (97, "ACT", 0), (126, "RED", 0)],
        reads=((0, 0), (0, 1)), changes={"rc": 60},
    ),
    # tRC is long, and decides.
    "row cycle": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (68, "PRE", 0), (120, "ACT", 0), (149, "RED", 0)],
        reads=((0, 0), (0, 1)), changes={"rc": 120},
    ),
    # tRAS is short: 37 + tRTP.
    "read to precharge": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (37, "RED", 0), (49, "PRE", 0), (97, "ACT", 0), (126, "RED", 0)],
        reads=((0, 0), (0, 0), (0, 1)), changes={"ras": 20},
    ),
    # tRRD; tRCD is long, so that the reads keep out of the way.
    "activates": Sequence(
        [(0, "ACT", 0), (16, "ACT", 1), (32, "ACT", 2), (150, "RED", 0), (166, "RED", 1), (182, "RED", 2)],
        reads=((0, 0), (1, 0), (2, 0)), changes={"rcd": 150},
    ),
    # tRRD is short, and the fifth waits for tFAW.
    "four activates": Sequence(
        [*((10 * k, "ACT", k) for k in range(4)), (64, "ACT", 4), *((150 + 10 * k, "RED", k) for k in range(4)),
         (214, "RED", 4)],
        reads=tuple((k, 0) for k in range(5)), changes={"rcd": 150, "rrd": 10},
    ),
    # 37 + tCWL + burst + tWR.
    "write to precharge": Sequence(
        [(0, "ACT", 0), (29, "WRT", 0), (37, "WRT", 0), (89, "PRE", 0), (118, "ACT", 0), (147, "WRT", 0)],
        writes=((0, 0), (0, 0), (0, 1)), changes=SMALL,
    ),
    # One write is left, which waits for more: 29 + tCWL + burst + tWTR.
    "write to read": Sequence(
        [(0, "ACT", 0), (29, "WRT", 0), (68, "RED", 0)], reads=((0, 0),), writes=((0, 0), (0, 0)), changes=SMALL,
    ),
    # The writes come when the word is back; tRTW is longer still.
    "read to write": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (229, "WRT", 0), (237, "WRT", 0)],
        reads=((0, 0),), writes=((0, 0), (0, 0)), after=1, changes={**SMALL, "rtw": 200},
    ),
    # Due at clock 303, 300 after the first activate: precharge, tRP, refresh, tRFC, activate.
    "refresh": Sequence(
        [(0, "ACT", 0), *((29 + 8 * k, "RED", 0) for k in range(34)), (300, "PRE", 0), (329, "REF", 0), (473, "ACT", 0),
         (502, "RED", 0), (510, "RED", 0)],
        reads=((0, 0),) * 36, changes={"refi": 303, "refresh": ALL_BANKS, "rtp": 1},
    ),
    # The same, but that the last read, at 293, puts the precharge off by tRTP, and the refresh with it.
    "refresh after a read": Sequence(
        [(0, "ACT", 0), *((29 + 8 * k, "RED", 0) for k in range(34)), (305, "PRE", 0), (334, "REF", 0), (478, "ACT", 0),
         (507, "RED", 0)],
        reads=((0, 0),) * 35, changes={"refi": 303, "refresh": ALL_BANKS},
    ),
    # Banks 0 and 1 are refreshed at clocks 48 and 96; bank 2 only finds the command bus taken.
    "refresh of banks": Sequence(
        [(0, "ACT", 2), (29, "RED", 2), (37, "RED", 2), (45, "REF", 0), *((47 + 8 * k, "RED", 2) for k in range(6)),
         (93, "REF", 1), *((95 + 8 * k, "RED", 2) for k in range(4))],
        reads=((2, 0),) * 12, changes={"refi": 8 * 48, "refresh": PER_BANK},
    ),
    # The second of a group waits for tCCD_L, another group's only for tCCD.
    "groups": Sequence(
        [(0, "ACT", 0), (4, "ACT", 1), (15, "RED", 0), (19, "RED", 1), (21, "RED", 0), (23, "RED", 1)],
        reads=((0, 0), (1, 0), (0, 0), (1, 0)), part=LPDDR5,
    ),
    # The open row's second read passes the other row's.
    "first ready": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (37, "RED", 0), (68, "PRE", 0), (97, "ACT", 0), (126, "RED", 0)],
        reads=((0, 0), (0, 1), (0, 0)),
    ),
    "in order": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (68, "PRE", 0), (97, "ACT", 0), (126, "RED", 0), (165, "PRE", 0),
         (194, "ACT", 0), (223, "RED", 0)],
        reads=((0, 0), (0, 1), (0, 0)), changes={"window": 1},
    ),
    # One may pass, the second may not.
    "passed": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (37, "RED", 0), (68, "PRE", 0), (97, "ACT", 0), (126, "RED", 0),
         (165, "PRE", 0), (194, "ACT", 0), (223, "RED", 0)],
        reads=((0, 0), (0, 1), (0, 0), (0, 0)), changes={"cap": 1},
    ),
    # The command bus is taken for 4, 4 and 8 clocks.
    "bus of activates": Sequence(
        [(0, "ACT", 0), (4, "ACT", 1), (29, "RED", 0), (37, "RED", 1)], reads=((0, 0), (1, 0)), changes={"rrd": 1},
    ),
    "bus of reads": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (33, "RED", 0)], reads=((0, 0), (0, 0)), changes={"ccd": 1, "ccd_long": 1},
    ),
    "bus of precharges": Sequence(
        [(0, "ACT", 0), (29, "RED", 0), (68, "PRE", 0), (76, "ACT", 1), (105, "RED", 1), (146, "ACT", 0),
         (175, "RED", 0)],
        reads=((0, 0), (0, 1), (1, 0)), changes={"rrd": 70, "precharge_clocks": 8},
    ),
}  # fmt: skip
#: Where each is what decides.
DECIDES = {
    "rcd": "rows", "ccd": "groups", "ras": "rows", "rp": "precharge", "rc": "row cycle", "rtp": "read to precharge",
    "rrd": "activates", "faw": "four activates", "wr": "write to precharge", "cwl": "write to precharge",
    "burst": "write to precharge", "wtr": "write to read", "rtw": "read to write", "refi": "refresh", "rfc": "refresh",
    "ccd_long": "groups", "activate_clocks": "bus of activates", "column_clocks": "bus of reads",
    "precharge_clocks": "bus of precharges",
}  # fmt: skip


@pytest.mark.parametrize("name", SEQUENCES)
def test_commands_come_when_they_must(tmp_path: Path, name: str) -> None:
    """Every command of a sequence in its clock, and no other; after it at most refreshes."""
    sequence = SEQUENCES[name]
    assert sequence.told(sequence.run(tmp_path)) == sequence.commands


@pytest.mark.slow
@pytest.mark.parametrize("timing", DECIDES)
def test_a_timing_that_is_a_clock_shorter_is_seen(tmp_path: Path, timing: str) -> None:
    """The sequence in which it decides has other clocks then."""
    sequence = SEQUENCES[DECIDES[timing]]
    shorter = {**vars(sequence.part), **dict(sequence.changes)}[timing] - 1
    other = replace(sequence, changes={k: v for k, v in dict(sequence.changes).items() if k != timing})
    assert sequence.told(other.run(tmp_path, **{timing: shorter})) != sequence.commands


@pytest.mark.parametrize("changes", [{}, {"cl": 30, "burst": 6, "path": 1}])
def test_a_word_comes_with_its_last_beat(tmp_path: Path, changes: dict[str, int]) -> None:
    """tCL, burst and path after its read command."""
    dram = replace(LPDDR4, **changes)
    traced = run(tmp_path, dram, [address(dram, 0, 0), address(dram, 0, 1)])
    reads = [event.clock for event in traced.commands if event.name == "RED"]
    assert traced.served.cycles == [clock + dram.cl + dram.burst + dram.path - BEFORE_DATA for clock in reads]


@pytest.mark.parametrize("engine", [533, 3200])
def test_clocks_of_engine_and_dram(tmp_path: Path, engine: int) -> None:
    """The same commands in the same DRAM clocks; a word needs as many cycles as the clocks' ratio says."""
    dram = replace(LPDDR4, engine_megahertz=engine, path=0)
    traced = run(tmp_path, dram, [address(dram, 0, 0)])
    assert traced.named() == [(0, "ACT", 0), (29, "RED", 0)]
    waited = (29 + dram.cl + dram.burst) * engine / 1600
    assert waited <= traced.served.cycles[0] <= waited + 5


@pytest.mark.parametrize("case", [*range(3), *(pytest.param(k, marks=pytest.mark.slow) for k in range(3, 9))])
def test_commands_are_the_twins(tmp_path: Path, seed: int, case: int) -> None:
    """Random reads and writes on random parts and controllers: every command in the clock of the plain-Python twin."""
    rng = np.random.default_rng((seed, case))
    name = list(DRAMS)[case % 3]
    choices: dict[str, list[Any]] = {
        "channels": [1, 2, 4], "refi": [0, 1600], "refresh": [ALL_BANKS, PER_BANK], "queue": [4, 8, 32],
        "window": [1, 4, 32], "cap": [1, 3, 16], "hash": [0, 1], "engine_megahertz": [500, 800, 1000, 1600],
    }  # fmt: skip
    chosen = {field: values[int(rng.integers(len(values)))] for field, values in choices.items()}
    dram = replace(DRAMS[name], **chosen)

    def places(count: int) -> list[int]:
        banks = rng.integers(dram.banks, size=count) * (rng.random(count) < 0.5)
        others = rng.integers((3, dram.channels), size=(count, 2))
        return [address(dram, int(b), int(row), channel=int(c)) for b, (row, c) in zip(banks, others, strict=True)]

    reads, writes = places(150), places(150)
    cuts = rng.choice([*reads, *writes], int(rng.integers(1, 8)))
    parts = sorted({0, *map(int, cuts)})
    traced = run(tmp_path, dram, reads, writes, after=60 * (case % 2), rest=300, parts=parts)
    entries = [event for event in traced.events if event.entry]
    assert len(entries) > 200
    commands, counts = replay(dram, entries, traced.events[-1].clock + 1, parts)
    assert commands == traced.commands
    assert {name: n for name, n in traced.served.parts.items() if n} == {
        f"{k}_{name}": n for (k, name), n in counts.items() if n
    }


def test_an_access_counts_for_the_part_of_its_address(tmp_path: Path) -> None:
    """Worked out by hand: reads of rows 0, 0 and 1 of a bank, cut at the second read and at row 1.

    Each is queued from its entry to its read command; see the sequence `rows`. A wrong cut is seen, and moves nothing.
    """
    places = [address(LPDDR4, 0, 0), address(LPDDR4, 0, 0, column=1), address(LPDDR4, 0, 1)]
    traced = run(tmp_path, LPDDR4, places, parts=[0, *places[1:]])
    entered = [event.clock for event in traced.events if event.entry]
    left = [event.clock for event in traced.commands if event.name == "RED"]
    queued = [out - come for come, out in zip(entered, left, strict=True)]
    assert list(traced.served.parts.values())[: 3 * 6] == [
        *(1, 0, 1, 0, 1, queued[0]), *(1, 1, 0, 0, 0, queued[1]), *(1, 0, 0, 1, 1, queued[2]),
    ]  # fmt: skip
    assert not any(list(traced.served.parts.values())[3 * 6 :])
    assert left[2] - left[0] == 126 - 29
    wrong = run(tmp_path, LPDDR4, places, parts=[0, places[1] + LPDDR4.burst_bytes, places[2]])
    assert wrong.commands == traced.commands
    assert wrong.served.parts["0_bursts"] == 2


def moved_a_cycle(traced: Traced, dram: Dram) -> float:
    """Bytes of accesses, of the peak, from the first word to the last."""
    served = traced.served
    accesses = served.memory["read_bursts"]
    return accesses * dram.burst_bytes / (served.cycles[-1] - served.cycles[0]) / dram.peak


@pytest.mark.parametrize("name", DRAMS)
def test_streaming_reaches_the_published_peak(tmp_path: Path, name: str) -> None:
    """Bursts of following addresses: rows and refresh cost less than a tenth."""
    dram = replace(DRAMS[name], channels=1, engine_megahertz=2000)
    traced = run(tmp_path, dram, [512 * k for k in range(60)], words=64)
    assert 0.9 < moved_a_cycle(traced, dram) <= 1.001  # the first access is counted, and not its time
    accesses = traced.served.memory
    assert accesses["read_row_hits"] > 0.95 * accesses["read_bursts"]


@pytest.mark.parametrize("name", ["lpddr4", *(pytest.param(n, marks=pytest.mark.slow) for n in ("lpddr3", "lpddr5"))])
def test_random_accesses_are_bound_by_activates(tmp_path: Path, seed: int, name: str) -> None:
    """Every access opens a row: at most four in tFAW, and in each bank one in tRC; in order it is far less."""
    rng = np.random.default_rng(seed)
    dram = replace(DRAMS[name], channels=1, engine_megahertz=2000, refi=0)
    reads = [address(dram, int(b), int(r)) for b, r in rng.integers((dram.banks, 4096), size=(300, 2))]
    found = moved_a_cycle(run(tmp_path, dram, reads), dram)
    most = min(4 * dram.burst / dram.faw, dram.banks * dram.burst / dram.rc, 1)
    assert 0.6 * most < found <= 1.02 * most
    (tmp_path / "order").mkdir()
    ordered = run(tmp_path / "order", replace(dram, window=1), reads)
    assert moved_a_cycle(ordered, dram) < 0.6 * found


@pytest.mark.parametrize(("hashed", "channels"), [(0, [16, 0, 0, 0]), (1, [4, 4, 4, 4])])
def test_blocks_far_apart_share_the_channels(tmp_path: Path, hashed: int, channels: list[int]) -> None:
    """Only with a hash: blocks that begin 4 KiB apart have the channel's bits in common."""
    traced = run(tmp_path, replace(DRAMS["lpddr4"], hash=hashed), [4096 * k for k in range(16)])
    entered = [event.channel for event in traced.events if event.entry]
    assert [entered.count(channel) for channel in range(4)] == channels


@pytest.mark.parametrize("name", DRAMS)
def test_words_do_not_depend_on_time(tmp_path: Path, seed: int, name: str) -> None:
    """Bursts come whole and in order, and writes land, with pauses too; counters add up."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 1 << 62, WORDS, dtype=np.uint64)
    reads = [(int(rng.integers(0, WORDS // 2 - n)) * WORD_BYTES, int(n)) for n in rng.integers(1, 65, 20)]
    writes = [(int(a) * WORD_BYTES, int(d)) for a, d in rng.integers((WORDS // 2, 0), (WORDS, 1 << 62), (90, 2))]
    dram = replace(DRAMS[name], row_bytes=512, rows=16, interleave=128, queue=8)
    settings = {"stalls": 60, "seed": seed % 1000 + 1, "pause": 0.2}
    served = serve(tmp_path, image, reads, writes, **settings, **dram.plusargs())
    assert (served.words == image[np.concatenate([a // WORD_BYTES + np.arange(n) for a, n in reads])]).all()
    assert served.last == [int(k == n - 1) for _, n in reads for k in range(n)]
    for place, word in writes:
        image[place // WORD_BYTES] = word
    assert (served.dump == image).all()
    counted = served.memory
    for port in ("read", "write"):
        kinds = [counted[f"{port}_row_{kind}"] for kind in ("hits", "misses", "conflicts")]
        assert sum(kinds) == counted[f"{port}_bursts"] > 0
        assert counted[f"{port}_activations"] >= kinds[1] + kinds[2]
    touched = [len({place // dram.burst_bytes for place in range(a, a + n * WORD_BYTES)}) for a, n in reads]
    assert counted["read_bursts"] == sum(touched)


def test_the_flat_memory_counts_waits_alone(tmp_path: Path) -> None:
    """Words under way and none offered: the latency of the first, and nothing of a DRAM."""
    served = serve(tmp_path, np.zeros(WORDS, np.uint64), [(0, 4)], latency=50)
    assert served.memory.pop("read_waits") == 49  # the word is offered in the cycle after
    assert not any(served.memory.values())
