"""Every block of the splatting engine and how often it stands in the top, for synthesis and lint one by one."""

from __future__ import annotations

from hw.lib.block import Block
from hw.splat.book_loader import BookLoader
from hw.splat.book_table import BookTable
from hw.splat.coarse_fetch import CoarseFetch
from hw.splat.coarse_filter import CoarseFilter
from hw.splat.coarse_lane import CoarseLane
from hw.splat.coarse_row import CoarseRow
from hw.splat.color import Color
from hw.splat.config import Config
from hw.splat.conic import Conic
from hw.splat.covariance import Covariance
from hw.splat.cross_test import CrossTest
from hw.splat.depth_sort import DepthSort
from hw.splat.digit_places import DigitPlaces
from hw.splat.dispatcher import Dispatcher
from hw.splat.dot_unit import DotUnit
from hw.splat.extents import Extents
from hw.splat.fine_fetch import FineFetch
from hw.splat.fine_filter import FineFilter
from hw.splat.fine_pair import FinePair
from hw.splat.fine_unit import FineUnit
from hw.splat.frame_fetch import ROWS_AHEAD as FRAME_ROWS
from hw.splat.frame_fetch import FrameFetch
from hw.splat.frame_sequencer import FrameSequencer
from hw.splat.heap_bank import HeapBank
from hw.splat.heap_level import HeapLevel
from hw.splat.index_lookup import IndexLookup
from hw.splat.lane_array import LaneArray
from hw.splat.lane_front import LaneFront
from hw.splat.lane_group import LaneGroup
from hw.splat.lane_share import LaneShare, lane_queues
from hw.splat.layouts import SurvivorLayout, partner_spec
from hw.splat.list_writer import ListWriter
from hw.splat.lookup_pair import LookupPair
from hw.splat.mark_merger import MarkMerger
from hw.splat.order_entry import OrderEntry
from hw.splat.order_writer import OrderWriter
from hw.splat.pixel_lane import PixelLane
from hw.splat.pixel_writer import PixelWriter
from hw.splat.projection import Projection
from hw.splat.quad_check import QuadCheck
from hw.splat.raster_setup import RasterSetup
from hw.splat.rasteriser import Rasteriser
from hw.splat.record_decoder import RecordDecoder
from hw.splat.shared_lanes import SharedLanes
from hw.splat.side_test import SideTest
from hw.splat.side_unit import SideUnit
from hw.splat.side_writer import SideWriter
from hw.splat.slab_control import SlabControl
from hw.splat.slot_pool import SlotPool
from hw.splat.sort_bypass import SortBypass
from hw.splat.sort_entry import SortEntry
from hw.splat.tile_mask import TileMask
from hw.splat.touch import Touch
from hw.splat.view_fetch import ViewFetch
from hw.splat.view_rotation import ViewRotation
from hw.splat.voxel_fetch import VoxelFetch
from hw.splat.voxel_order import VoxelOrder
from hw.splat.voxel_origin import VoxelOrigin
from hw.splat.voxel_place import VoxelPlace
from hw.splat.voxel_reach import VoxelReach
from hw.splat.vsu import VoxelSortingUnit
from hw.splat.word_cache import WordCache


def catalogue(config: Config) -> dict[str, Block]:
    """By name, in pipeline order. Of a heap's levels `heap_level` is the deepest, which is the largest.

    Of the codebooks `book_table` is that of scales, of the caches `word_cache` is the larger one. Of two fine units the
    second is `partner_unit`.
    """
    spec = config.spec
    groups, interval = config.lane_groups, config.fine_interval
    banks, deepest, inputs = spec.sort_banks, spec.sort_levels - 1, config.sort_inputs

    def heap_level(level: int) -> Block:
        return Block(lambda: HeapLevel(spec=spec, level=level), banks)

    rest, units, partner = spec.rest_coefficients, config.fine_units, partner_spec(spec)
    books = {
        "book_loader": Block(lambda: BookLoader(memory_width=config.memory_width)),
        "book_table": Block(
            lambda: BookTable(width=3 * spec.scale_bits, entries=spec.scale_entries, per_line=4), 3 * units + (rest > 0)
        ),
        "index_lookup": Block(lambda: IndexLookup(spec=spec)),
        **({"partner_lookup": Block(lambda: IndexLookup(spec=partner))} if units > 1 else {}),
        **({"lookup_pair": Block(lambda: LookupPair(spec=spec))} if units > 1 else {}),
        "record_decoder": Block(lambda: RecordDecoder(spec=spec, units=units)),
    }
    pair = {
        "partner_color": Block(lambda: Color(spec=partner)),
        "partner_unit": Block(lambda: FineUnit(spec=partner)),
        "fine_pair": Block(lambda: FinePair(spec=spec)),
    }
    caches = [words for words in (config.coarse_cache, config.record_cache) if words]
    word_cache = Block(
        lambda: WordCache(width=config.memory_width, words=max(caches), waiting=config.outstanding), len(caches) or 1
    )
    order = {
        "order_entry": Block(lambda: OrderEntry(spec=spec, units=units)),
        "order_writer": Block(lambda: OrderWriter(spec=spec, memory_width=config.memory_width)),
    }
    share, places = config.lane_share, config.places
    whole = config.lanes // share  # whole lanes, or back ends
    queues = lane_queues(config)
    shared = {
        "lane_front": Block(lambda: LaneFront(spec=spec), config.lanes),
        "lane_share": Block(lambda: LaneShare(spec=spec, places=places, share=share, **queues), whole),
        "shared_lanes": Block(lambda: SharedLanes(spec=spec, places=places, share=share, **queues), groups),
    }
    sides = config.sides_bits
    side_tests = {
        "side_test": Block(lambda: SideTest(spec=spec, position_bits=sides), 2),
    }
    if config.lean:
        side_tests = {
            "cross_test": Block(
                lambda: CrossTest(spec=spec, position_bits=sides, interval=config.order_interval)
            ),
        }  # fmt: skip
    quad_check = Block(lambda: QuadCheck(spec=spec), spec.lanes // 4)
    return {
        "view_fetch": Block(lambda: ViewFetch(memory_width=config.memory_width, ahead=config.order_rows)),
        "side_unit": Block(lambda: SideUnit(spec=spec, interval=config.order_interval)),
        "side_writer": Block(
            lambda: SideWriter(spec=spec, sides_bits=config.sides_bits, interval=config.order_interval)
        ),
        "dot_unit": Block(lambda: DotUnit(spec=spec, steps=5, interval=config.order_interval)),
        "voxel_place": Block(lambda: VoxelPlace(config=config)),
        **side_tests,
        "voxel_reach": Block(lambda: VoxelReach(config=config)),
        "digit_places": Block(lambda: DigitPlaces(bits=8, turns=4, capacity=config.order_voxels)),
        "voxel_order": Block(lambda: VoxelOrder(config=config)),
        "list_writer": Block(lambda: ListWriter(config=config)),
        "vsu": Block(lambda: VoxelSortingUnit(config=config)),
        "frame_sequencer": Block(FrameSequencer),
        "frame_fetch": Block(
            lambda: FrameFetch(spec=spec, memory_width=config.memory_width, ahead=config.rows_ahead(FRAME_ROWS))
        ),
        "slab_control": Block(lambda: SlabControl(config=config)),
        "voxel_origin": Block(
            lambda: VoxelOrigin(spec=spec, shared=config.shared_sort == 1, interval=config.order_interval)
        ),
        "voxel_fetch": Block(lambda: VoxelFetch(config=config)),
        "coarse_fetch": Block(lambda: CoarseFetch(config=config)),
        "coarse_lane": Block(lambda: CoarseLane(spec=spec, interval=config.coarse_interval), config.coarse_lanes),
        "coarse_row": Block(
            lambda: CoarseRow(
                spec=spec, lanes=config.coarse_lanes, interval=config.coarse_interval, writes=config.writes_order
            )
        ),
        "coarse_filter": Block(lambda: CoarseFilter(config=config)),
        "fine_fetch": Block(lambda: FineFetch(config=config)),
        **({"word_cache": word_cache} if caches else {}),
        **(books if spec.codebooks else {}),
        "projection": Block(lambda: Projection(spec=spec, interval=interval), units),
        "view_rotation": Block(lambda: ViewRotation(spec=spec, interval=interval), units),
        "covariance": Block(lambda: Covariance(spec=spec, interval=interval), units),
        "conic": Block(lambda: Conic(spec=spec, interval=interval), units),
        "extents": Block(lambda: Extents(spec=spec, interval=interval), units),
        "touch": Block(lambda: Touch(spec=spec, interval=interval), units),
        "color": Block(lambda: Color(spec=spec, interval=interval)),
        "fine_unit": Block(lambda: FineUnit(spec=spec, interval=interval)),
        **(pair if units > 1 else {}),
        "fine_filter": Block(lambda: FineFilter(config=config)),
        "mark_merger": Block(lambda: MarkMerger(spec=spec, shape=SurvivorLayout(spec, inputs)), 2),
        **{f"heap_level_{level}": heap_level(level) for level in range(2, deepest)},
        "heap_level": heap_level(deepest),
        "heap_bank": Block(lambda: HeapBank(spec=spec), banks),
        "slot_pool": Block(lambda: SlotPool(count=(banks << spec.sort_levels) // inputs), inputs),
        "sort_entry": Block(lambda: SortEntry(config=config)),
        "depth_sort": Block(lambda: DepthSort(config=config)),
        **({"sort_bypass": Block(lambda: SortBypass(spec=spec))} if config.shared_sort else {}),
        **(order if config.writes_order else {}),
        "tile_mask": Block(lambda: TileMask(spec=spec)),
        "dispatcher": Block(lambda: Dispatcher(config=config), groups),
        "raster_setup": Block(lambda: RasterSetup(spec=spec, interval=config.setup_interval), groups),
        "pixel_lane": Block(lambda: PixelLane(spec=spec, places=places * share), whole),
        **(shared if share > 1 else {}),
        **({"quad_check": quad_check} if spec.alpha_check != "pixel" else {}),
        **({"lane_array": Block(lambda: LaneArray(spec=spec, places=places), groups)} if share == 1 else {}),
        "lane_group": Block(lambda: LaneGroup(config=config), groups),
        "pixel_writer": Block(lambda: PixelWriter(config=config)),
        "rasteriser": Block(lambda: Rasteriser(config=config)),
    }
