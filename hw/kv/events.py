"""What the engine's counters count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amaranth.hdl import Module, Signal, Value

from hw.lib.counters import count, only_while
from hw.lib.stream import transfer
from hw.lib.tree import add_all

if TYPE_CHECKING:
    from hw.kv.top import KvEngine


def count_events(m: Module, engine: KvEngine, starts: Value, ingesting: Value, querying: Value) -> None:
    """Counts the events of the stages of `engine` in `COUNTERS` while it is busy.

    Args:
        starts: a job begins; all counters start from 0. ingesting, querying: its phase.
    """
    spec = engine.config.spec
    hcu, store, wtu, gather, scan = engine.hcu, engine.block_store, engine.wtu, engine.gather, engine.scan_unit
    rows = Signal(range(spec.rows + 1))
    m.d.sync += rows.eq(add_all([engine.query_fetch.info.valid[r] for r in range(spec.rows)]))
    words = {
        "header": engine.job_fetch.memory.response, "token": engine.token_fetch.memory.response,
        "query": engine.query_fetch.memory.response, "evict": engine.evictor.source.response,
        "gather": gather.source.response, "sink": engine.sink_fetch.memory.response,
        "row": scan.rows.response, "plane": scan.planes.response, "fetch": scan.source.response,
        "record": engine.token_writer.memory.request, "far": engine.evictor.target.request,
        "log": engine.log_writer.memory.request,
        "select": engine.select_writer.memory.request, "result": gather.target.request,
        "list": scan.lists.request, "pick": scan.target.request,
    }  # fmt: skip
    events = {
        "cycles": Value.cast(1),
        "ingest_cycles": ingesting,
        "query_cycles": querying,
        "tokens": transfer(hcu.o),
        "clusters": transfer(hcu.o) & hcu.o.payload.new,
        "comparisons": hcu.comparing,
        "compare_cycles": hcu.comparing != 0,
        "hcu_wait": ingesting & ~hcu.i.valid,
        "hcu_stall": hcu.o.valid & ~hcu.o.ready,
        "spilled": transfer(hcu.o) & hcu.o.payload.spilled,
        "refused": store.refused,
        "blocks": transfer(store.places) & (store.places.payload.position == 0) & store.places.payload.stored,
        "evicted": engine.evictor.done,
        "store_stall": store.waiting,
        "score_cycles": engine.score_unit.reading,
        "walk_cycles": wtu.walking,
        "row_scores": only_while(engine.score_unit.o.valid, rows),
        "opened": only_while(wtu.walked, wtu.opened),
        "visited": only_while(wtu.walked, wtu.visited),
        "selected": gather.selected,
        "bursts": gather.burst,
        "far_bursts": gather.far,
        "row_hits": gather.row_hit,
        **{f"{name}_words": transfer(port) for name, port in words.items()},
        "sink_cycles": engine.vision_sink.loading | engine.vision_sink.sweeping,
        "kept": transfer(engine.vision_sink.o) & engine.vision_sink.o.payload.selected,
        "picked": scan.picked,
        "sweep_cycles": scan.sweeping,
        "digit_cycles": scan.walking,
        "write_stall": engine.write.request.valid & ~engine.write.request.ready,
    }
    count(m, engine.counters, {name: only_while(engine.busy, event) for name, event in events.items()}, clear=starts)
