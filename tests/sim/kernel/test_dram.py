from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from golden.errors import InputError
from sim.kernel.dram import DRAMS, FLAT, Dram, dram_named
from sim.kernel.jobs import MemorySettings
from tests.sim.conftest import Tessera


@pytest.mark.parametrize(("name", "gigabytes"), [("lpddr3", 25.6), ("lpddr4", 25.6), ("lpddr5", 51.2)])
def test_the_peak_is_the_published_bandwidth(name: str, gigabytes: float) -> None:
    """Transfers a second × pins: 1600 on 4 × 32, 3200 and 6400 on 4 × 16. At 1 GHz, GB/s are bytes a cycle."""
    dram = DRAMS[name]
    assert dram.peak == pytest.approx(gigabytes)
    rate = {"lpddr3": 1600, "lpddr4": 3200, "lpddr5": 6400}[name]
    assert dram.burst_beats / dram.burst * dram.megahertz == rate
    assert replace(dram, engine_megahertz=500).peak == pytest.approx(2 * gigabytes)
    assert replace(dram, channels=8).peak == pytest.approx(2 * gigabytes)


@pytest.mark.parametrize("name", DRAMS)
def test_timings_agree_with_each_other(name: str) -> None:
    """What follows from the parts' definitions: a row's cycle, the data bus, the turn of its direction."""
    dram = DRAMS[name]
    assert dram.rc >= dram.ras + dram.rp
    assert dram.ccd >= dram.burst >= dram.column_clocks
    assert dram.ccd_long >= dram.ccd
    assert dram.ras >= dram.rcd + dram.rtp
    assert dram.rtw >= dram.cl + dram.burst - dram.cwl  # the data of both do not meet
    assert dram.faw >= 4 * dram.rrd
    assert dram.refi > 8 * dram.rfc


@pytest.mark.parametrize("name", DRAMS)
@pytest.mark.parametrize("mapping", Dram.LIMITS["mapping"].words)  # pyright: ignore[reportAttributeAccessIssue]
def test_every_byte_has_one_place(name: str, mapping: str) -> None:
    """Channel, bank and row take bits of their own, above the burst; the columns between are the rest of a row."""
    dram = replace(DRAMS[name], mapping=mapping)
    taken = [bit for low, count in dram.places().values() for bit in range(low, low + count)]
    low = (dram.interleave // dram.burst_bytes - 1).bit_length()
    assert sorted(taken) == list(range(low, low + len(taken)))
    size = dram.burst_bytes << (low + len(taken))
    assert size == dram.channels * dram.banks * dram.rows * dram.row_bytes


def test_fields_are_changed_by_name() -> None:
    """And `flat` is none."""
    assert dram_named(FLAT) is None
    assert dram_named("lpddr4") == DRAMS["lpddr4"]
    changed = dram_named("lpddr4,channels=8,refresh=all-bank,queue=0x10")
    assert changed == replace(DRAMS["lpddr4"], channels=8, refresh="all-bank", queue=16)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ddr9", "--dram must be one of flat, lpddr3, lpddr4, lpddr5, it is 'ddr9'"),
        ("", "it is ''"),
        ("flat,queue=4", "flat has no fields"),
        ("lpddr4,queue", "--dram takes NAME,FIELD=VALUE, got 'queue'"),
        ("lpddr4,quene=4", "no field 'quene', there is queue"),
        ("lpddr4,name=lpddr3", "no field 'name'"),
        ("lpddr4,queue=x", "queue must be a whole number, it is 'x'"),
        ("lpddr4,queue=3", "dram lpddr4: queue must lie in 4..64, it is 3"),
        ("lpddr4,channels=3", "channels must be a power of two, it is 3"),
        ("lpddr4,mapping=row", "mapping must be one of row-bank-column-channel,"),
        ("lpddr4,refresh=never", "refresh must be one of all-bank, per-bank, it is 'never'"),
        (
            "lpddr5,groups=4,interleave=64",
            "interleave must lie in a burst's and a row's bytes of all groups, 128..8192, it is 64",
        ),
        ("lpddr4,burst_beats=4", "a burst must have at least 16 bytes, it has 8"),
        ("lpddr4,groups=8,banks=4,interleave=256", "groups must not exceed banks = 4, it is 8"),
        ("lpddr4,engine_megahertz=100", "megahertz must not exceed 8 · engine_megahertz = 800, it is 1600"),
    ],
)
def test_what_is_refused(text: str, rule: str) -> None:
    """One line with rule and value."""
    with pytest.raises(InputError, match=re.escape(rule)) as refused:
        dram_named(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "render embedded --size 16x16 --out f.png",
        "lod embedded --tau 30 --size 16x16",
        "retrieve synthetic --tokens 64",
        "reduce --size 64",
        "gather --size 64",
        "decode --head-size 32 --hidden 256",
        "sim kv",
    ],
)
def test_a_name_that_is_none_ends_every_command(tessera: Tessera, line: str) -> None:
    """Before any work: one line, exit 2."""
    outcome = tessera(*line.split(), "--dram", "lpddr9")
    assert outcome.status == 2
    assert outcome.err == "tessera: error: --dram must be one of flat, lpddr3, lpddr4, lpddr5, it is 'lpddr9'\n"


@pytest.mark.parametrize("option", ["--latency", "--bandwidth"])
def test_the_flat_memorys_options_are_not_a_drams(tessera: Tessera, option: str) -> None:
    """A latency beside a DRAM would do nothing."""
    outcome = tessera("reduce", "--size", "64", "--dram", "lpddr4", option, "50")
    assert outcome.status == 2
    assert outcome.err == f"tessera: error: {option} is of the memory 'flat', --dram is lpddr4\n"


@pytest.mark.parametrize(
    ("settings", "word_bytes", "rate"),
    [
        ({}, 64, 1.0),
        ({"bandwidth": 64}, 64, 0.25),
        ({"dram": DRAMS["lpddr4"]}, 64, 0.4),
        ({"dram": DRAMS["lpddr4"]}, 16, 1.0),
        ({"dram": DRAMS["lpddr5"]}, 64, 0.8),
    ],
)
def test_bounds_are_of_the_presets_bandwidth(settings: dict[str, Any], word_bytes: int, rate: float) -> None:
    """Words a cycle, one at most."""
    assert MemorySettings(**settings).words_a_cycle(word_bytes) == pytest.approx(rate)
