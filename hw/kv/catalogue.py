"""Every block of the KV-retrieval engine and how often it stands in the top, for synthesis, lint and sums of area."""

from __future__ import annotations

from hw.kv.block_store import BlockStore
from hw.kv.bucket_best import BucketBest
from hw.kv.bucket_memory import BucketMemory
from hw.kv.config import Config
from hw.kv.digit_counts import DigitCounts
from hw.kv.digit_feed import DigitFeed
from hw.kv.digit_finder import DigitFinder
from hw.kv.evictor import Evictor
from hw.kv.first_words import FirstWords
from hw.kv.gather import RecordGather
from hw.kv.hamming_array import HammingArray
from hw.kv.hash_lane import HashLane
from hw.kv.hash_unit import HashUnit
from hw.kv.hcu import HashClusteringUnit
from hw.kv.job_fetch import JobFetch
from hw.kv.key_table import KeyTable
from hw.kv.layouts import scan_row_layout
from hw.kv.list_writer import ListWriter
from hw.kv.log_writer import LogWriter
from hw.kv.mass_budget import MassBudget
from hw.kv.mass_search import MassSearch
from hw.kv.mean_unit import MeanUnit
from hw.kv.plane_fetch import PlaneFetch
from hw.kv.plane_scores import PlaneScores
from hw.kv.query_fetch import QueryFetch
from hw.kv.rank_select import RankSelect
from hw.kv.reach_limits import ReachLimits
from hw.kv.record_fetch import RecordFetch
from hw.kv.refiner import Refiner
from hw.kv.row_maximum import RowMaximum
from hw.kv.scan_control import ScanControl
from hw.kv.scan_lane import ScanLane
from hw.kv.scan_unit import ScanUnit
from hw.kv.score_lane import ScoreLane
from hw.kv.score_sweep import ScoreSweep
from hw.kv.score_unit import ScoreUnit
from hw.kv.select_writer import SelectWriter
from hw.kv.sink_fetch import SinkFetch
from hw.kv.token_fetch import TokenFetch
from hw.kv.token_picker import TokenPicker
from hw.kv.token_writer import TokenWriter
from hw.kv.vision_sink import VisionSink
from hw.kv.wtu import WeightedThresholdUnit
from hw.kv.wtu_lane import WtuLane
from hw.lib.block import Block


def catalogue(config: Config) -> dict[str, Block]:
    """By name, in pipeline order."""
    spec, width = config.spec, config.memory_width
    tokens, count_bits = spec.plane_tokens, spec.scan_tokens.bit_length()
    return {
        "job_fetch": Block(lambda: JobFetch(memory_width=width)),
        "token_fetch": Block(lambda: TokenFetch(config=config)),
        "hash_lane": Block(lambda: HashLane(spec=spec), spec.hash_bits),
        "hash_unit": Block(lambda: HashUnit(spec=spec)),
        "hamming_array": Block(lambda: HammingArray(bits=spec.hash_bits, lanes=config.compare_width)),
        "hcu": Block(lambda: HashClusteringUnit(config=config)),
        "block_store": Block(lambda: BlockStore(config=config)),
        "token_writer": Block(lambda: TokenWriter(config=config)),
        "key_table": Block(lambda: KeyTable(spec=spec)),
        "log_writer": Block(lambda: LogWriter(memory_width=width)),
        "evictor": Block(lambda: Evictor(config=config)),
        "query_fetch": Block(lambda: QueryFetch(config=config)),
        "mean_unit": Block(lambda: MeanUnit(spec=spec)),
        "score_lane": Block(lambda: ScoreLane(spec=spec), spec.rows),
        "score_unit": Block(lambda: ScoreUnit(config=config)),
        "bucket_memory": Block(lambda: BucketMemory(spec=spec), spec.rows),
        "wtu_lane": Block(lambda: WtuLane(spec=spec), spec.rows),
        "wtu": Block(lambda: WeightedThresholdUnit(config=config)),
        "select_writer": Block(lambda: SelectWriter(config=config)),
        "gather": Block(lambda: RecordGather(config=config)),
        "sink_fetch": Block(lambda: SinkFetch(config=config)),
        "rank_select": Block(lambda: RankSelect(spec=spec)),
        "bucket_best": Block(lambda: BucketBest(spec=spec)),
        "vision_sink": Block(lambda: VisionSink(config=config)),
        "first_words": Block(lambda: FirstWords(spec=spec)),
        "plane_fetch": Block(lambda: PlaneFetch(config=config)),
        "scan_lane": Block(lambda: ScanLane(spec=spec), tokens),
        "row_maximum": Block(lambda: RowMaximum(spec=spec)),
        "plane_scores": Block(lambda: PlaneScores(spec=spec)),
        "reach_limits": Block(lambda: ReachLimits(magnitude_bits=scan_row_layout(spec)["magnitude"].width)),
        "refiner": Block(lambda: Refiner(spec=spec)),
        "score_sweep": Block(lambda: ScoreSweep(config=config)),
        "digit_counts": Block(lambda: DigitCounts(digit_bits=8, count_bits=count_bits), tokens),
        "digit_feed": Block(lambda: DigitFeed(spec=spec)),
        "digit_finder": Block(lambda: DigitFinder(lanes=tokens, count_bits=count_bits)),
        "mass_budget": Block(lambda: MassBudget(count_bits=count_bits)),
        "mass_search": Block(lambda: MassSearch(count_bits=count_bits)),
        "token_picker": Block(lambda: TokenPicker(spec=spec)),
        "list_writer": Block(lambda: ListWriter(config=config)),
        "record_fetch": Block(lambda: RecordFetch(config=config)),
        "scan_control": Block(lambda: ScanControl(spec=spec)),
        "scan_unit": Block(lambda: ScanUnit(config=config)),
    }
