"""Where everything lies in the engine's memory image, bit by bit.

The contract between host and RTL: `memory_image.py` writes by these tables, `hw/radiance/layouts.py` reads by them.
A table is a list of fields from bit 0 upwards, little endian. A row's bytes are filled exactly.

A saved cache is a HEADER at the start of a line, and from the next line on a row for each set. Its header is cleared
before the first row is written, and is written last: an image whose writing was interrupted has none.
"""

from __future__ import annotations

from golden.radiance.spec import CHANNEL_BITS, WORD_BITS, Spec
from golden.rows import Field, width_of_row

LINE_BYTES = 64  # regions start on a multiple of it: the widest memory word
JOB_BYTES = VISIT_BYTES = LINE_BYTES
HEADER_BYTES = 16
RESULT_BYTES = 8
COUNT_BITS = 4  # of a record's number of ids
MAGIC = 0x54524331
VERSION = 1
#: Of the checksum of a saved cache's rows: CRC-32 as Ethernet, zip and zlib have it, lowest bit of each byte first.
CHECK_POLYNOMIAL = 0xEDB88320

#: The job, at the address that is given with `start`: visits of regions, one after the other.
JOB = [
    Field("visit_address", 32),
    Field("visit_count", 32),
    Field("identity", 32),  # of what the colours belong to; a saved cache of another one is not restored
    Field("spare", 416),
]

#: One region in one frame.
VISIT = [
    Field("pixel_address", 32),  # PIXEL rows, the region's pixels row by row
    Field("pixel_count", 32),  # 1 or more
    Field("image_address", 32),  # the saved cache to begin with, wherever or an earlier visit's `save_address` …
    Field("image_bytes", 32),  # … and how much of it there is; 0: begin with an empty one
    Field("save_address", 32),  # where the cache is saved; not where it came from
    Field("result_address", 32),  # RESULT rows, as the pixels
    Field("spare", 320),
]

#: What says that a saved cache is whole, and of what.
HEADER = [
    Field("magic", 32),
    Field("version", 4),
    Field("way_bits", 4),  # log2 of the ways
    Field("set_bits", 4),
    Field("key_bits", 8),  # of set index and tag together
    Field("hashed", 4),  # 1: keys are hashes, 0: the published bits
    Field("channels", 4),
    Field("record_length", 4),
    Field("identity", 32),
    Field("checksum", 32),  # of all rows' bytes
]


def pixel(spec: Spec) -> list[Field]:
    """A pixel: the ids of its first significant Gaussians, how many there are, and its colour drawn to the end."""
    fields = [
        *(Field(f"id_{k}", spec.id_bits) for k in range(spec.record_length)),
        Field("count", COUNT_BITS),
        *(Field(f"colour_{k}", CHANNEL_BITS) for k in range(spec.channels)),
    ]
    return [*fields, *_spare(8 * pixel_bytes(spec), fields)]


def pixel_bytes(spec: Spec) -> int:
    """A power of two from 16 on."""
    return _row_bytes(spec.record_length * spec.id_bits + COUNT_BITS + spec.value_bits)


def result(spec: Spec) -> list[Field]:
    """What a pixel got: a colour, and whether it came from the cache."""
    fields = [*(Field(f"colour_{k}", CHANNEL_BITS) for k in range(spec.channels)), Field("hit", 1)]
    return [*fields, *_spare(8 * RESULT_BYTES, fields)]


def tag_parts(spec: Spec) -> list[int]:
    """Bits of the words in which a tag is kept, lowest first."""
    return [min(WORD_BITS, spec.tag_bits - WORD_BITS * k) for k in range(spec.tag_words)]


def cache_set(spec: Spec) -> list[Field]:
    """A set of a saved cache."""
    fields: list[Field] = []
    for way in range(spec.ways):
        fields += [
            Field(f"valid_{way}", 1),
            *(Field(f"tag_{way}_{k}", bits) for k, bits in enumerate(tag_parts(spec))),
            *(Field(f"colour_{way}_{k}", CHANNEL_BITS) for k in range(spec.channels)),
        ]
    fields += [Field("recent", spec.ways - 1)]
    return [*fields, *_spare(8 * set_bytes(spec), fields)]


def set_bytes(spec: Spec) -> int:
    """A power of two from 16 on."""
    return _row_bytes(spec.ways * (1 + spec.tag_bits + spec.value_bits) + spec.ways - 1)


def image_bytes(spec: Spec) -> int:
    """A saved cache, its header's line included."""
    return LINE_BYTES + spec.sets * set_bytes(spec)


def layout_code(spec: Spec) -> dict[str, int]:
    """The fields of a HEADER that say how its rows are to be read: those of another spec are not restored."""
    return {
        "magic": MAGIC,
        "version": VERSION,
        "way_bits": spec.ways.bit_length() - 1,
        "set_bits": spec.set_bits,
        "key_bits": spec.whole_key_bits,
        "hashed": int(spec.hashed),
        "channels": spec.channels,
        "record_length": spec.record_length,
    }


def _row_bytes(bits: int) -> int:
    return max(16, 1 << (-(-bits // 8) - 1).bit_length())


def _spare(bits: int, fields: list[Field]) -> list[Field]:
    left = bits - width_of_row(fields)
    return [Field("spare", left)] if left else []
