"""Payloads between the lanes and the cache."""

from __future__ import annotations

from amaranth.hdl import ShapeLike, Value
from amaranth.lib import data

from golden.chips.lumina.memory_map import JOB
from golden.radiance.spec import Spec as CacheSpec
from hw.chips.lumina.config import Config
from hw.lib.row_layout import layout_of
from hw.radiance.layouts import RecordLayout, key_of

CHANNELS = 4  # of a pixel that is handed out: red, green, blue, coverage


def job_layout() -> data.StructLayout:
    """`memory_map.JOB`."""
    return layout_of(JOB)


def place_layout(config: Config) -> data.StructLayout:
    """A sub-tile of a lane group, or none."""
    return data.StructLayout({"valid": 1, "place": range(config.splat.places)})


def size_layout(config: Config) -> data.StructLayout:
    """How much of a region lies on the image, in pixels."""
    side = range(config.spec.radiance.region + 1)
    return data.StructLayout({"width": side, "height": side})


class KeyLayout(data.StructLayout):
    """A pixel's record as the cache knows it."""

    def __init__(self, spec: CacheSpec) -> None:
        super().__init__(
            {
                "full": 1,  #: the pixel has met all that a record holds
                "key": spec.whole_key_bits,  #: set index, lowest, and tag; means something if it is full
            }
        )


class AskedLayout(data.StructLayout):
    """Pixels of a sub-tile with one key that ask the cache."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "place": range(config.splat.places),  #: the sub-tile
                "lanes": config.spec.splat.lanes,  #: the pixels
                "key": config.spec.radiance.whole_key_bits,  #: set index, lowest, and tag
            }
        )


class AnsweredLayout(data.StructLayout):
    """What pixels that asked get."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "place": range(config.splat.places),  #: their sub-tile
                "lanes": config.spec.splat.lanes,  #: they
                "hit": 1,  #: the cache has a colour for them, …
                "colour": config.spec.radiance.value_bits,  #: … this one
            }
        )


def by_lane(shape: ShapeLike, count: int) -> data.StructLayout:
    """`count` of one shape, under the names lane_0, lane_1 …; the first one lowest.

    No array: of an array that stands in registers the bits and the elements have one name for Yosys 0.70.
    """
    return data.StructLayout({f"lane_{k}": shape for k in range(count)})


class FinalLayout(data.StructLayout):
    """What a pixel leaves to the cache when its region is complete."""

    def __init__(self, spec: CacheSpec) -> None:
        super().__init__(
            {
                "full": 1,  #: it has asked, and so goes in
                "key": spec.whole_key_bits,  #: set index, lowest, and tag
                "colour": spec.value_bits,  #: its own, or the cached one
            }
        )


def final_row_layout(config: Config) -> data.StructLayout:
    """Neighbouring pixels in a row of a sub-tile."""
    return by_lane(FinalLayout(config.spec.radiance), config.spec.splat.subtile)


class FinalTileLayout(data.StructLayout):
    """The pixels of a finished sub-tile."""

    def __init__(self, config: Config) -> None:
        spec = config.spec
        super().__init__(
            {
                "valid": 1,  #: there is one
                "place": range(config.splat.places),  #: the lane group's number of it
                "pixels": by_lane(FinalLayout(spec.radiance), spec.splat.lanes),  #: as they are to be
            }
        )


def is_full(record: data.View, spec: CacheSpec) -> Value:
    """The record register holds as many ids as it can."""
    return record.count == spec.record_length


def key_layout_of(record: data.View, spec: CacheSpec) -> dict[str, Value]:
    """`KeyLayout`'s fields of a record register's content."""
    return {"full": is_full(record, spec), "key": key_of(record, spec)}


def fresh_record(spec: CacheSpec) -> int:
    """The bits of a record of no Gaussian."""
    layout = RecordLayout(spec)
    return layout.const(layout.fresh()).as_bits()
