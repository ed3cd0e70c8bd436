"""The radiance cache bit for bit: a job's visits of regions in order, from saved caches to saved caches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.errors import InputError
from golden.radiance.alpha_record import make_records
from golden.radiance.cache import Found, RegionCache, empty_cache, frame
from golden.radiance.saved import refusal, restore
from golden.radiance.spec import Spec
from golden.rows import Bytes, Ints


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One region in one frame. Its cache is what the region's visit before has saved."""

    region: int
    ids: Ints  #: [P, record_length] of the first significant Gaussians, in drawing order
    count: Ints  #: [P]
    colour: Ints  #: [P, channels] drawn to the end

    def check(self, spec: Spec) -> None:
        """The arrays fit together and the spec's formats.

        Raises:
            InputError: they do not.
        """
        pixels = len(self.count)
        for name, array, shape, most in (
            ("ids", self.ids, (pixels, spec.record_length), (1 << spec.id_bits) - 1),
            ("count", self.count, (pixels,), spec.record_length),
            ("colour", self.colour, (pixels, spec.channels), 255),
        ):
            if array.shape != shape:
                raise InputError(f"radiance: {name} must be {list(shape)}, it is {list(array.shape)}")
            if array.size and not 0 <= array.min() <= array.max() <= most:
                raise InputError(
                    f"radiance: {name} must lie in 0..{most}, it reaches {int(array.min())}..{int(array.max())}"
                )
        if not 1 <= pixels <= spec.pixels:
            raise InputError(f"radiance: a region has 1 to {spec.pixels} pixels, this one {pixels}")


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a job's visits gave."""

    found: list[Found]  #: by visit, each of one region: [1, P]
    caches: dict[int, RegionCache]  #: by region, after its last visit
    refused: int  #: images that were not restored


def play(spec: Spec, visits: Sequence[Visit], images: Sequence[Bytes | None], identity: int) -> Played:
    """Every visit in order.

    Args:
        images: by region, the saved cache that its first visit begins with, whatever it may be; None: an empty one.
    """
    caches: dict[int, RegionCache] = {}
    refused = 0
    for region in {visit.region for visit in visits}:
        image = images[region]
        good = image is not None and refusal(spec, image, identity) is None
        refused += image is not None and not good
        caches[region] = restore(spec, image) if image is not None and good else empty_cache(spec)
    found: list[Found] = []
    for visit in visits:
        records = make_records(spec, visit.ids[None], visit.count[None])
        one, caches[visit.region] = frame(spec, caches[visit.region], records, visit.colour[None])
        found.append(one)
    return Played(found=found, caches=caches, refused=refused)


def split_regions(spec: Spec, picture: Ints) -> list[Ints]:
    """A picture [H, W, …] as its regions' pixels [P, …], regions and pixels row by row; those at the edge are cut."""
    side = spec.region
    height, width = picture.shape[:2]
    return [
        picture[y : y + side, x : x + side].reshape(-1, *picture.shape[2:])
        for y in range(0, height, side)
        for x in range(0, width, side)
    ]


def join_regions(spec: Spec, regions: Sequence[Ints], height: int, width: int) -> Ints:
    """The picture of which `split_regions` made the regions."""
    side = spec.region
    picture = np.zeros((height, width, *regions[0].shape[1:]), regions[0].dtype)
    places = [(y, x) for y in range(0, height, side) for x in range(0, width, side)]
    for (y, x), pixels in zip(places, regions, strict=True):
        part = picture[y : y + side, x : x + side]
        part[...] = pixels.reshape(part.shape)
    return picture
