"""Every block of the KV-retrieval engine, for synthesis and lint one by one."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

from hw.kv.block_store import BlockStore
from hw.kv.bucket_best import BucketBest
from hw.kv.bucket_memory import BucketMemory
from hw.kv.config import Config
from hw.kv.evictor import Evictor
from hw.kv.gather import Gather
from hw.kv.hamming_array import HammingArray
from hw.kv.hash_lane import HashLane
from hw.kv.hash_unit import HashUnit
from hw.kv.hcu import HashClusteringUnit
from hw.kv.job_fetch import JobFetch
from hw.kv.key_table import KeyTable
from hw.kv.log_writer import LogWriter
from hw.kv.mean_unit import MeanUnit
from hw.kv.query_fetch import QueryFetch
from hw.kv.rank_select import RankSelect
from hw.kv.score_lane import ScoreLane
from hw.kv.score_unit import ScoreUnit
from hw.kv.select_writer import SelectWriter
from hw.kv.sink_fetch import SinkFetch
from hw.kv.token_fetch import TokenFetch
from hw.kv.token_writer import TokenWriter
from hw.kv.vision_sink import VisionSink
from hw.kv.wtu import WeightedThresholdUnit
from hw.kv.wtu_lane import WtuLane


def catalogue(config: Config) -> dict[str, Callable[[], wiring.Component]]:
    """Name to constructor, in pipeline order."""
    spec, width = config.spec, config.memory_width
    return {
        "job_fetch": lambda: JobFetch(memory_width=width),
        "token_fetch": lambda: TokenFetch(config=config),
        "hash_lane": lambda: HashLane(spec=spec),
        "hash_unit": lambda: HashUnit(spec=spec),
        "hamming_array": lambda: HammingArray(bits=spec.hash_bits, lanes=config.compare_width),
        "hcu": lambda: HashClusteringUnit(config=config),
        "block_store": lambda: BlockStore(config=config),
        "token_writer": lambda: TokenWriter(config=config),
        "key_table": lambda: KeyTable(spec=spec),
        "log_writer": lambda: LogWriter(memory_width=width),
        "evictor": lambda: Evictor(config=config),
        "query_fetch": lambda: QueryFetch(config=config),
        "mean_unit": lambda: MeanUnit(spec=spec),
        "score_lane": lambda: ScoreLane(spec=spec),
        "score_unit": lambda: ScoreUnit(config=config),
        "bucket_memory": lambda: BucketMemory(spec=spec),
        "wtu_lane": lambda: WtuLane(spec=spec),
        "wtu": lambda: WeightedThresholdUnit(config=config),
        "select_writer": lambda: SelectWriter(config=config),
        "gather": lambda: Gather(config=config),
        "sink_fetch": lambda: SinkFetch(config=config),
        "rank_select": lambda: RankSelect(spec=spec),
        "bucket_best": lambda: BucketBest(spec=spec),
        "vision_sink": lambda: VisionSink(config=config),
    }
