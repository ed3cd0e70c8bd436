"""Payloads of the radiance cache, and rows of its memory image."""

from __future__ import annotations

from amaranth.hdl import Cat, Value
from amaranth.lib import data

from golden.radiance.memory_map import COUNT_BITS, HEADER, JOB, VISIT, pixel, result
from golden.radiance.spec import PUBLISHED_BITS, PUBLISHED_LOW, START, Spec
from hw.lib.row_layout import layout_of


def job_layout() -> data.StructLayout:
    """`memory_map.JOB`."""
    return layout_of(JOB)


def visit_layout() -> data.StructLayout:
    """`memory_map.VISIT`."""
    return layout_of(VISIT)


def header_layout() -> data.StructLayout:
    """`memory_map.HEADER`."""
    return layout_of(HEADER)


def pixel_layout(spec: Spec) -> data.StructLayout:
    """`memory_map.pixel`."""
    return layout_of(pixel(spec))


def result_layout(spec: Spec) -> data.StructLayout:
    """`memory_map.result`."""
    return layout_of(result(spec))


def colour_of(row: data.View, spec: Spec) -> Value:
    """The channels of a pixel's or a result's row side by side."""
    return Cat(row[f"colour_{k}"] for k in range(spec.channels))


class RecordLayout(data.StructLayout):
    """The first significant Gaussians of a pixel, as a record register holds them."""

    def __init__(self, spec: Spec) -> None:
        published = {
            "ids": data.ArrayLayout(PUBLISHED_BITS, spec.record_length),  #: their lowest bits, the nearest first
        }
        hashed = {
            "hash": spec.key_bits,  #: of all that were met
        }
        super().__init__(
            {
                "count": COUNT_BITS,  #: of Gaussians met
                **(hashed if spec.hashed else published),
            }
        )

    def fresh(self) -> dict[str, int]:
        """Fields of a record of no Gaussian that are not 0."""
        return {"hash": START} if "hash" in self.members else {}


def key_of(record: data.View, spec: Spec) -> Value:
    """Set index and tag of a record that is full, the set index lowest."""
    if spec.hashed:
        return Value.cast(record["hash"])
    ids = [record["ids"][k] for k in range(spec.record_length)]
    return Cat(*(each[:PUBLISHED_LOW] for each in ids), *(each[PUBLISHED_LOW:] for each in ids))


class AskLayout(data.StructLayout):
    """A pixel on its way to the cache."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "full": 1,  #: its record is; else the pixel neither asks nor fills
                "set": spec.set_bits,  #: where its tag is looked for
                "tag": spec.tag_bits,  #: the rest of its key
                "colour": spec.value_bits,  #: drawn to its end; without meaning where that is not known
            }
        )


class AnswerLayout(data.StructLayout):
    """What a pixel got."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "full": 1,  #: its record is
                "hit": 1,  #: the colour is out of the cache
                "set": spec.set_bits,  #: of its key
                "tag": spec.tag_bits,  #: the rest of it
                "colour": spec.value_bits,  #: the cached one, or the pixel's own
            }
        )


class FillLayout(data.StructLayout):
    """A pixel that goes into the cache."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "set": spec.set_bits,  #: of its key
                "tag": spec.tag_bits,  #: the rest of it
                "colour": spec.value_bits,  #: that it got
            }
        )


class EntryLayout(data.StructLayout):
    """A way of a set."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "valid": 1,  #: it holds something; else the rest is 0
                "tag": spec.tag_bits,  #: of the record that filled it
                "colour": spec.value_bits,  #: of the pixel that filled it
            }
        )


class SetLayout(data.StructLayout):
    """A set, as `memory_map.cache_set` has it, its spare bits left out."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "entries": data.ArrayLayout(EntryLayout(spec), spec.ways),  #: the ways
                "recent": spec.ways - 1,  #: node n of the pseudo-LRU tree, from 1 at its root, is bit n - 1
            }
        )


class LoadLayout(data.StructLayout):
    """A set that is written whole."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "valid": 1,  #: in this cycle
                "set": spec.set_bits,  #: its number
                "row": SetLayout(spec),  #: what it is to hold
            }
        )


class DumpLayout(data.StructLayout):
    """A set that is asked for."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "valid": 1,  #: in this cycle
                "set": spec.set_bits,  #: its number
            }
        )
