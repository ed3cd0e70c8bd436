"""What the splatting engine counts."""

from __future__ import annotations

from hw.lib.counters import CounterLayout
from hw.splat.config import Config

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the job",
        "frames": "frames drawn",
        "groups": "groups drawn or given up; a square of pixels in depth slabs counts once a slab",
        "groups_stopped": "groups that were opaque before their list ended",
        "voxels": "voxels visited",
        "rows": "rows of neighbouring Gaussians through the coarse filter",
        "streamed": "Gaussians through the coarse filter",
        "candidates": "Gaussians that passed it",
        "splats": "Gaussians that passed the fine filter",
        "draws": "times that a lane group drew a splat on a sub-tile",
        "changed": "results of those draws that changed a pixel",
        "flushes": "times that a lane group handed a sub-tile out",
        "lanes_starved": "cycles without a splat for a lane group, summed over the groups",
        "lanes_blocked": "cycles in which all splats at hand waited for a sub-tile, summed over lane groups",
        "forced": "splats that left the depth sort before they were safe",
        "crowded": "times that splats were too many for the depth sort, and their square was parted",
        "bound_fell": "voxels out of order",
        "coarse_wait": "cycles in which the coarse filter waited for memory",
        "coarse_stall": "cycles in which the coarse filter was held up by the next stage",
        "fine_wait": "cycles in which the fine filter had no candidate with its record",
        "fine_stall": "cycles in which the fine filter was held up by the depth sort",
        "sort_stall": "cycles in which a survivor waited for the depth sort",
        "raster_stall": "cycles in which a sorted splat waited for the rasteriser",
        "order_cycles": "cycles in which the voxel sorting unit made lists",
        "order_alone": "of these, cycles in which no frame was drawn",
        "ordered_voxels": "voxels that it ordered",
        "listed_voxels": "entries in the lists that it made",
        "lost_voxels": "voxels in view beyond those that it orders, which no group visits",
        "lost_entries": "entries for which there was no room in memory",
        "order_words": "words read: headers, views and voxel table for the lists",
        "frame_words": "words read: header and group table",
        "list_words": "words read: visiting lists",
        "coarse_words": "words read: coarse halves",
        "record_words": "words read: records",
        "order_write_words": "words written: lists, group tables and what of the header follows from the camera",
        "write_words": "words written: pixels",
        "write_stall": "cycles in which a word waited to be written",
    }
)


#: Further ones of an engine with codebooks, and of caches by what they keep.
BOOK_COUNTERS = {
    "book_loads": "times that the codebooks were loaded: 0 or 1 a frame",
    "book_wait": "cycles in which a candidate with its record waited for the codebooks",
    "book_words": "words read: where the codebooks lie, and codebooks",
}
#: … of one that writes lists in drawing order.
SHARED_COUNTERS = {
    "shared_entries": "entries of lists in drawing order that were written",
    "shared_write_words": "words written: lists in drawing order, and their groups' entries",
}
CACHES = {"coarse": "coarse halves", "record": "records"}


def counters_of(config: Config) -> CounterLayout:
    """The engine's counters."""
    hits = {f"{name}_hits": f"words of {what} that were on chip" for name, what in CACHES.items()}
    return CounterLayout(
        {
            **COUNTERS.descriptions,
            **(BOOK_COUNTERS if config.spec.codebooks else {}),
            **(SHARED_COUNTERS if config.writes_order else {}),
            **{name: text for name, text in hits.items() if getattr(config, name.replace("hits", "cache"))},
        }
    )
