"""Every block of the LoD search core, for synthesis and lint one by one."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

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
from hw.lod.size_check import SizeCheck
from hw.lod.slack import Slack
from hw.lod.state_scan import StateScan
from hw.lod.state_update import StateUpdate
from hw.lod.subtree_fetch import SubtreeFetch
from hw.lod.subtree_queue import SubtreeQueue
from hw.lod.view_flow import ViewFlow
from hw.lod.visit_allocator import VisitAllocator


def catalogue(config: Config) -> dict[str, Callable[[], wiring.Component]]:
    """Name to constructor, in pipeline order."""
    temporal: dict[str, Callable[[], wiring.Component]] = {
        "slack": lambda: Slack(config=config),
        "horizon": lambda: Horizon(config=config),
        "state_scan": lambda: StateScan(config=config),
        "state_update": lambda: StateUpdate(config=config),
    }
    frustum: dict[str, Callable[[], wiring.Component]] = {"frustum_check": FrustumCheck}
    return {
        "job_fetch": lambda: JobFetch(config=config),
        "subtree_queue": lambda: SubtreeQueue(config=config),
        "child_walk": lambda: ChildWalk(),
        "visit_allocator": lambda: VisitAllocator(config=config),
        "subtree_fetch": lambda: SubtreeFetch(config=config),
        "context_pool": lambda: ContextPool(count=config.contexts),
        "entry_filter": lambda: EntryFilter(config=config),
        "node_buffer": lambda: NodeBuffer(config=config),
        "node_issue": lambda: NodeIssue(config=config),
        **(frustum if config.frustum else {}),
        "size_check": lambda: SizeCheck(config=config),
        "decisions": lambda: Decisions(config=config),
        "result_table": lambda: ResultTable(config=config),
        "lt_unit": lambda: LtUnit(config=config),
        **(temporal if config.temporal else {}),
        "reorder": lambda: Reorder(config=config),
        "retire": lambda: Retire(config=config),
        "view_flow": lambda: ViewFlow(),
        "result_writer": lambda: ResultWriter(config=config),
    }
