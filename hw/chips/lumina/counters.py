"""What the composition counts beside its splatting engine."""

from __future__ import annotations

from hw.chips.lumina.config import Config
from hw.lib.counters import CounterLayout
from hw.splat.counters import counters_of as splat_counters

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the job",
        "regions": "regions whose caches were saved",
        "refused": "saved caches that were not restored: another length, version, geometry or identity, or damaged",
        "look_ups": "questions that the cache was asked: pixels of a sub-tile with one key may ask together",
        "asked": "pixels that asked",
        "hits": "pixels that got a colour out of it",
        "tiles_ended": "draws behind which a sub-tile needed no splat any more because pixels had hit",
        "merged": "pixels whose entry was the most recent one already, from a pixel just before",
        "filled": "entries that were written",
        "replaced": "entries that were written over another one",
        "set_wait": "cycles in which a pixel waited for another one of its set to go into the cache",
        "open_cycles": "cycles in which pixels of a region could ask",
        "fill_cycles": "cycles in which a region's pixels went into the cache",
        "restore_cycles": "cycles in which sets were loaded or emptied",
        "save_cycles": "cycles in which a cache was saved",
        "job_words": "words read: the job",
        "image_words": "words read: saved caches",
        "save_write_words": "words written: saved caches",
    }
)


def engine_counters(config: Config) -> CounterLayout:
    """Those of the splatting engine, but for the cycles, which are the whole job's."""
    every = splat_counters(config.splat).descriptions
    return CounterLayout({name: text for name, text in every.items() if name != "cycles"})


def counters_of(config: Config) -> CounterLayout:
    """All of them."""
    return CounterLayout({**COUNTERS.descriptions, **engine_counters(config).descriptions})
