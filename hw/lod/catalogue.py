"""Every block of the LoD search core, and how often it stands in the top."""

from __future__ import annotations

from hw.lib.block import Block
from hw.lod.child_walk import ChildWalk
from hw.lod.config import Config
from hw.lod.context_pool import ContextPool
from hw.lod.decisions import Decisions
from hw.lod.entry_filter import EntryFilter
from hw.lod.frustum_check import FrustumCheck
from hw.lod.horizon import Horizon
from hw.lod.job_fetch import JobFetch
from hw.lod.lt_unit import LtUnit
from hw.lod.node_buffer import NodeBuffer
from hw.lod.node_issue import NodeIssue
from hw.lod.reorder import Reorder
from hw.lod.result_table import ResultTable
from hw.lod.result_writer import ResultWriter
from hw.lod.retire import Retire
from hw.lod.search import Search
from hw.lod.size_check import SizeCheck
from hw.lod.slack import Slack
from hw.lod.state_scan import StateScan
from hw.lod.state_update import StateUpdate
from hw.lod.subtree_fetch import SubtreeFetch
from hw.lod.subtree_queue import SubtreeQueue
from hw.lod.view_flow import ViewFlow
from hw.lod.visit_allocator import VisitAllocator


def catalogue(config: Config) -> dict[str, Block]:
    """By name, in pipeline order."""
    units = config.units
    temporal = {
        "slack": Block(lambda: Slack(config=config), units),
        "horizon": Block(lambda: Horizon(config=config)),
        "state_scan": Block(lambda: StateScan(config=config)),
        "state_update": Block(lambda: StateUpdate(config=config)),
    }
    frustum = {"frustum_check": Block(FrustumCheck, units)}
    return {
        "job_fetch": Block(lambda: JobFetch(config=config)),
        "subtree_queue": Block(lambda: SubtreeQueue(config=config)),
        "child_walk": Block(ChildWalk),
        "visit_allocator": Block(lambda: VisitAllocator(config=config)),
        "subtree_fetch": Block(lambda: SubtreeFetch(config=config)),
        "context_pool": Block(lambda: ContextPool(count=config.contexts), units),
        "entry_filter": Block(lambda: EntryFilter(config=config), units),
        "node_buffer": Block(lambda: NodeBuffer(config=config), units),
        "node_issue": Block(lambda: NodeIssue(config=config), units),
        **(frustum if config.frustum else {}),
        "size_check": Block(lambda: SizeCheck(config=config), units),
        "decisions": Block(lambda: Decisions(config=config), units),
        "result_table": Block(lambda: ResultTable(config=config), units),
        "lt_unit": Block(lambda: LtUnit(config=config), units),
        **(temporal if config.temporal else {}),
        "reorder": Block(lambda: Reorder(config=config)),
        "retire": Block(lambda: Retire(config=config)),
        "search": Block(lambda: Search(config=config)),
        "view_flow": Block(ViewFlow),
        "result_writer": Block(lambda: ResultWriter(config=config)),
    }
