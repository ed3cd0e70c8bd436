"""What the stages of the splatting engine do in a cycle; `hw/splat/counters.py` has a sentence for each."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream

from hw.lib.counters import only_while
from hw.lib.stream import transfer
from hw.lib.tree import add_all
from hw.splat.coarse_filter import CoarseFilter
from hw.splat.config import Config
from hw.splat.depth_sort import DepthSort
from hw.splat.fine_fetch import FineFetch
from hw.splat.fine_filter import FineFilter
from hw.splat.rasteriser import Rasteriser


def work_of(
    m: Module, config: Config, coarse_filter: CoarseFilter, fine_fetch: FineFetch, unsorted: stream.Interface,
    depth_sort: DepthSort, rasteriser: Rasteriser,
) -> dict[str, Value]:  # fmt: skip
    """What passes each stage in this cycle; `unsorted`: splats on their way to the sort, or past it."""
    lanes = config.coarse_lanes
    row = coarse_filter.i
    streamed = Signal(range(lanes + 1))
    found = fine_fetch.i.payload
    candidates = Signal(range(config.fine_units + 1))
    survivor, splats = unsorted.payload, Signal(range(config.sort_inputs + 1))
    m.d.comb += [
        streamed.eq(add_all([row.payload.mask[k] for k in range(lanes)])),
        candidates.eq(found.mark.some + (found.partner.there if config.fine_units > 1 else 0)),
        splats.eq(survivor.mark.some + (survivor.partner.there if config.sort_inputs > 1 else 0)),
    ]
    return {
        "rows": transfer(row) & row.payload.mask.any(),
        "streamed": only_while(transfer(row), streamed),
        "candidates": only_while(transfer(fine_fetch.i), candidates),
        "splats": only_while(transfer(unsorted) & survivor.mark.some, splats),
        "draws": rasteriser.drawing,
        "changed": rasteriser.changed,
        "flushes": rasteriser.flushing,
        "lanes_starved": rasteriser.starved,
        "lanes_blocked": rasteriser.blocked,
        "forced": depth_sort.forced,
        "bound_fell": depth_sort.regressed,
    }


def waits_of(
    coarse_filter: CoarseFilter, fine_filter: FineFilter, unsorted: stream.Interface, rasteriser: Rasteriser
) -> dict[str, Value]:
    """Which stage has nothing to take in this cycle, and which is held up."""

    def waits(s: stream.Interface) -> Value:
        return ~s.valid & s.ready

    def stalls(s: stream.Interface) -> Value:
        return s.valid & ~s.ready

    return {
        "coarse_wait": waits(coarse_filter.i),
        "coarse_stall": stalls(coarse_filter.i),
        "fine_wait": waits(fine_filter.i),
        "fine_stall": stalls(fine_filter.i),
        "sort_stall": stalls(unsorted),
        "raster_stall": stalls(rasteriser.i),
    }
