"""The bytes that the engine leaves behind, by the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from golden.lod.memory_image import SUMS, LodImage
from golden.lod.memory_map import RESULT, STATE, SUMMARY
from golden.region import Region, region
from golden.rows import Bytes, to_bytes

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.lod.model import Found


def result_region(model: Sequence[Found], image: LodImage) -> Region:
    """The kept views' results of an engine that is `ordered`, their summaries' sums, and after a temporal path the
    state table."""
    parts: list[tuple[int, Bytes]] = []
    for number in image.kept:
        found = model[number]
        begin = image.state_bytes + number % image.buffers * image.result_stride
        sums = {"subtrees": len(found.subtrees), "nodes": found.nodes}
        parts.append((begin, to_bytes([field for field in SUMMARY if field.name in SUMS], sums, 1)))
        columns = {"subtree": found.subtrees.numpy(), "cut": found.cuts.numpy()}
        parts.append((begin + image.word_bytes, to_bytes(RESULT, columns, len(found.subtrees))))
    if image.temporal:
        table = {name: column.numpy() for name, column in vars(model[-1].state).items()}
        parts.append((0, to_bytes(STATE, table, image.subtrees)))
    return region(image.result_bytes, parts)
