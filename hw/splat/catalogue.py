"""Every block of the splatting engine, for synthesis and lint one by one."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

from hw.splat.coarse_fetch import CoarseFetch
from hw.splat.coarse_filter import CoarseFilter
from hw.splat.coarse_lane import CoarseLane
from hw.splat.color import Color
from hw.splat.config import Config
from hw.splat.conic import Conic
from hw.splat.covariance import Covariance
from hw.splat.depth_sort import DepthSort
from hw.splat.dispatcher import Dispatcher
from hw.splat.extents import Extents
from hw.splat.fine_fetch import FineFetch
from hw.splat.fine_filter import FineFilter
from hw.splat.frame_fetch import FrameFetch
from hw.splat.heap_bank import HeapBank
from hw.splat.heap_level import HeapLevel
from hw.splat.lane_array import LaneArray
from hw.splat.pixel_lane import PixelLane
from hw.splat.pixel_writer import PixelWriter
from hw.splat.projection import Projection
from hw.splat.raster_setup import RasterSetup
from hw.splat.rasteriser import Rasteriser
from hw.splat.slot_pool import SlotPool
from hw.splat.touch import Touch
from hw.splat.view_rotation import ViewRotation
from hw.splat.voxel_fetch import VoxelFetch
from hw.splat.voxel_origin import VoxelOrigin


def catalogue(config: Config) -> dict[str, Callable[[], wiring.Component]]:
    """Name to constructor, in pipeline order."""
    spec = config.spec
    return {
        "frame_fetch": lambda: FrameFetch(memory_width=config.memory_width),
        "voxel_origin": lambda: VoxelOrigin(spec=spec),
        "voxel_fetch": lambda: VoxelFetch(config=config),
        "coarse_fetch": lambda: CoarseFetch(config=config),
        "coarse_lane": lambda: CoarseLane(spec=spec),
        "coarse_filter": lambda: CoarseFilter(config=config),
        "fine_fetch": lambda: FineFetch(config=config),
        "projection": lambda: Projection(spec=spec),
        "view_rotation": lambda: ViewRotation(spec=spec),
        "covariance": lambda: Covariance(spec=spec),
        "conic": lambda: Conic(spec=spec),
        "extents": lambda: Extents(spec=spec),
        "touch": lambda: Touch(spec=spec),
        "color": lambda: Color(spec=spec),
        "fine_filter": lambda: FineFilter(spec=spec),
        "heap_level": lambda: HeapLevel(spec=spec, level=spec.sort_levels - 1),
        "heap_bank": lambda: HeapBank(spec=spec),
        "slot_pool": lambda: SlotPool(count=spec.sort_banks << spec.sort_levels),
        "depth_sort": lambda: DepthSort(config=config),
        "dispatcher": lambda: Dispatcher(config=config),
        "raster_setup": lambda: RasterSetup(spec=spec),
        "pixel_lane": lambda: PixelLane(spec=spec),
        "lane_array": lambda: LaneArray(spec=spec),
        "pixel_writer": lambda: PixelWriter(config=config),
        "rasteriser": lambda: Rasteriser(config=config),
    }
