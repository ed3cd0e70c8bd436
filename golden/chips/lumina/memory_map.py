"""Where a cached frame's job lies in memory: a line of its own, and behind it what the engines know.

The job names the splatting engine's header (`golden.splat.memory_map`) and two rows of rooms for saved caches
(`golden.radiance.memory_map`), a room for each region row by row: those that are read, and those that are written.
"""

from __future__ import annotations

from golden.rows import Field

JOB_BYTES = 64

#: The job, at the address that is given with `start`.
JOB = [
    Field("frame_address", 32),  # of the splatting engine's header, of a single frame
    Field("read_address", 32),  # of the saved cache of region 0 …
    Field("read_bytes", 32),  # … and how much of each there is; 0: all begin empty
    Field("write_address", 32),  # where that of region 0 is saved; not where it came from
    Field("room_bytes", 32),  # from a region's saved cache to the next one's, whole lines
    Field("identity", 32),  # of what the colours belong to
    Field("columns", 16),  # of regions
    Field("rows", 16),
    Field("last_width", 16),  # pixels of the last column of regions that lie on the image
    Field("last_height", 16),  # … and of the last row
    Field("spare", 256),
]
