"""The bytes of a job: pixels, saved caches in two rooms a region, and what the engine leaves behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import InputError, check_base
from golden.radiance.memory_map import (
    HEADER,
    HEADER_BYTES,
    JOB,
    LINE_BYTES,
    RESULT_BYTES,
    VISIT,
    image_bytes,
    pixel,
    pixel_bytes,
    result,
)
from golden.radiance.saved import save, set_columns
from golden.radiance.spec import Spec
from golden.rows import Bytes, Ints, from_bytes, to_bytes

if TYPE_CHECKING:
    from golden.radiance.model import Played, Visit


@dataclass(frozen=True, kw_only=True)
class RadianceImage:
    """All that the engine reads and writes. Rooms of saved caches and results are what is read back."""

    data: Bytes  #: from address 0, the rooms with the first saved caches at its end
    header_address: int
    result_address: int  #: the rooms, two for each region; the visits' results follow
    result_bytes: int
    spec: Spec
    identity: int
    regions: list[int]  #: by visit
    pixels: list[int]  #: by visit
    results: list[int]  #: by visit, the byte of the read-back region where its results begin
    room_bytes: int
    parts: dict[str, int] = field(default_factory=dict)  #: of each table the first byte address, for a DRAM's counts

    def last_room(self, region: int) -> int:
        """Where in the read-back region the region's last visit saves."""
        return (2 * region + Counter(self.regions)[region] % 2) * self.room_bytes


def build_memory_image(
    spec: Spec, visits: Sequence[Visit], images: Sequence[Bytes | None], *, identity: int, base: int = 0
) -> RadianceImage:
    """Lays out a job from `base`: job, visits, pixels, two rooms a region, results.

    A region's n-th visit reads the room that the one before has written, and writes the other one.

    Args:
        images: by region, the saved cache that its first visit begins with, of any length up to a whole one's, such
            as one that is to be refused; None: an empty cache.

    Raises:
        InputError: arrays that do not fit the spec, no visit, a region without a place in `images`, or `base` within
            a line.
    """
    check_base("radiance", base, LINE_BYTES)
    if not visits:
        raise InputError("radiance: a job needs at least one visit of a region, it has 0")
    for visit in visits:
        visit.check(spec)
        if not 0 <= visit.region < len(images):
            raise InputError(f"radiance: regions are numbered 0..{len(images) - 1}, one is {visit.region}")
    longest = max(map(_length, images))
    if longest > image_bytes(spec):
        raise InputError(f"radiance: a saved cache has at most {image_bytes(spec)} bytes, one has {longest}")
    rows = [_pixels(spec, visit) for visit in visits]
    visit_address = base + LINE_BYTES
    begins = visit_address + LINE_BYTES * len(visits) + np.cumsum([0, *(_line(len(each)) for each in rows)])
    rooms, room = int(begins[-1]), _line(image_bytes(spec))
    pixels = [len(visit.count) for visit in visits]
    places = np.cumsum([2 * room * len(images), *(_line(RESULT_BYTES * count) for count in pixels)])
    data = np.zeros(rooms + 2 * room * len(images), np.uint8)
    job = {"visit_address": visit_address, "visit_count": len(visits), "identity": identity}
    data[base:visit_address] = to_bytes(JOB, job, 1)[0]
    for begin, each in zip(begins[:-1], rows, strict=True):
        data[begin : begin + len(each)] = each
    for region, image in enumerate(images):
        if image is not None:
            data[rooms + 2 * region * room :][: len(image)] = image
    turns = _turns([visit.region for visit in visits])
    read = np.array([rooms + (2 * visit.region + turn % 2) * room for visit, turn in zip(visits, turns, strict=True)])
    write = np.array([rooms + (2 * v.region + (turn + 1) % 2) * room for v, turn in zip(visits, turns, strict=True)])
    held = [
        image_bytes(spec) if turn else _length(images[visit.region]) for visit, turn in zip(visits, turns, strict=True)
    ]
    table = {
        "pixel_address": begins[:-1],
        "pixel_count": np.array(pixels),
        "image_address": read,
        "image_bytes": np.array(held),
        "save_address": write,
        "result_address": rooms + places[:-1],
    }  # fmt: skip
    data[visit_address : visit_address + LINE_BYTES * len(visits)] = to_bytes(VISIT, table, len(visits)).reshape(-1)
    return RadianceImage(
        data=data, header_address=base, result_address=rooms, result_bytes=int(places[-1]), spec=spec,
        identity=identity, regions=[visit.region for visit in visits], pixels=pixels, results=places[:-1].tolist(),
        room_bytes=room,
        parts={
            "job": base, "visits": visit_address, "pixels": int(begins[0]), "caches": rooms,
            "results": rooms + int(places[0]),
        },
    )  # fmt: skip


def read_results(raw: Bytes, image: RadianceImage) -> dict[str, Ints]:
    """What the engine wrote, by name: `hit` [visits, pixels] and `colour`, 0 behind a region's last pixel; and of the
    regions' last saved caches `header` [regions, fields], `valid`, `tag`, `cached` and `recent`."""
    spec = image.spec
    found = []
    for begin, count in zip(image.results, image.pixels, strict=True):
        columns = from_bytes(result(spec), raw[begin : begin + RESULT_BYTES * count].reshape(-1, RESULT_BYTES))
        found.append((columns["hit"], np.stack([columns[f"colour_{k}"] for k in range(spec.channels)], -1)))
    images = [raw[image.last_room(region) :][: image_bytes(spec)] for region in sorted(set(image.regions))]
    return _by_name(spec, found, images)


def expected_results(played: Played, image: RadianceImage) -> dict[str, Ints]:
    """The same of the model's answer."""
    spec = image.spec
    found = [(one.hit[0].astype(np.int64), one.colour[0]) for one in played.found]
    images = [save(spec, played.caches[region], 0, image.identity) for region in sorted(set(image.regions))]
    return _by_name(spec, found, images)


def _by_name(spec: Spec, found: Sequence[tuple[Ints, Ints]], images: Sequence[Bytes]) -> dict[str, Ints]:
    most = max(len(hit) for hit, _ in found)
    sets = [set_columns(spec, image) for image in images]
    headers = [from_bytes(HEADER, image[None, :HEADER_BYTES]) for image in images]
    return {
        "hit": np.stack([np.pad(hit, (0, most - len(hit))) for hit, _ in found]),
        "colour": np.stack([np.pad(colour, ((0, most - len(colour)), (0, 0))) for _, colour in found]),
        "header": np.stack([np.concatenate(list(header.values())) for header in headers]),
        **{
            name: np.stack([each[column] for each in sets])
            for name, column in {"valid": "valid", "tag": "tag", "cached": "colour", "recent": "recent"}.items()
        },
    }


def _pixels(spec: Spec, visit: Visit) -> Bytes:
    columns: Mapping[str, Ints] = {
        **{f"id_{k}": visit.ids[:, k] for k in range(spec.record_length)},
        "count": visit.count,
        **{f"colour_{k}": visit.colour[:, k] for k in range(spec.channels)},
    }
    raw = to_bytes(pixel(spec), columns, len(visit.count))
    assert raw.shape[1] == pixel_bytes(spec)
    return raw.reshape(-1)


def _turns(regions: Sequence[int]) -> list[int]:
    """How often each visit's region was visited before."""
    seen: Counter[int] = Counter()
    turns = []
    for region in regions:
        turns.append(seen[region])
        seen[region] += 1
    return turns


def _length(image: Bytes | None) -> int:
    return 0 if image is None else len(image)


def _line(count: int) -> int:
    return -(-count // LINE_BYTES) * LINE_BYTES
