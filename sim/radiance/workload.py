"""A sequence of frames to look up: a trace and a config to a memory image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from golden.radiance.memory_image import RadianceImage, build_memory_image
from golden.radiance.model import Visit, join_regions, split_regions
from golden.rows import Bytes, Ints
from hw.radiance.config import Config
from sim.radiance.traces import Trace


@dataclass(frozen=True, kw_only=True)
class RadianceWorkload:
    """The visits of a trace's regions, frame by frame, laid out for `config`."""

    config: Config
    trace: Trace
    visits: Sequence[Visit]
    images: Sequence[Bytes | None]  #: by region, the saved cache that it begins with
    identity: int
    memory: RadianceImage

    @property
    def regions(self) -> int:
        """Of a frame."""
        return len(self.images)

    def info(self) -> dict[str, Any]:
        """What identifies it in baselines and reports."""
        return trace_info(self.trace) | {"regions": self.regions, "identity": self.identity}

    def picture(self, pixels: Ints, frame: int) -> Ints:
        """A frame's picture out of values by visit and pixel, [visits, pixels, …]."""
        height, width = self.trace.count.shape[1:]
        begin = frame * self.regions
        counts = self.memory.pixels[begin : begin + self.regions]
        parts = [pixels[begin + k, :count] for k, count in enumerate(counts)]
        return join_regions(self.config.spec, parts, height, width)


def trace_info(trace: Trace) -> dict[str, Any]:
    """What makes a sequence the same for a report and a baseline."""
    return {"trace": trace.name, "size": trace.size, "frames": trace.frames}


def identity_of(config: Config, trace: Trace) -> int:
    """What saved caches carry: they are of this specification and this trace's name."""
    return crc32(f"{config.spec} {trace.name}".encode())


def prepare(trace: Trace, config: Config, images: Sequence[Bytes | None] | None = None) -> RadianceWorkload:
    """Cuts the frames into regions and lays the job out.

    Args:
        images: by region, the saved cache that it begins with, or None; None: all begin empty.

    Raises:
        InputError: ids, counts or colours that do not fit the spec.
    """
    spec = config.spec
    visits: list[Visit] = []
    for frame in range(trace.frames):
        cut = [split_regions(spec, array[frame]) for array in (trace.ids, trace.count, trace.colour)]
        for region, (ids, count, colour) in enumerate(zip(*cut, strict=True)):
            visits.append(Visit(region=region, ids=ids, count=count, colour=colour))
    regions = len(visits) // trace.frames
    begin = [None] * regions if images is None else images
    identity = identity_of(config, trace)
    memory = build_memory_image(spec, visits, begin, identity=identity)
    return RadianceWorkload(config=config, trace=trace, visits=visits, images=begin, identity=identity, memory=memory)


def drawn(workload: RadianceWorkload) -> Ints:
    """Colours of all pixels drawn to the end, as results have them: [visits, pixels, channels]."""
    most = max(workload.memory.pixels)
    return np.stack([np.pad(v.colour, ((0, most - len(v.colour)), (0, 0))) for v in workload.visits])
