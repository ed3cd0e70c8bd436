"""The composition's counters."""

from __future__ import annotations

from hw.lib.counters import CounterLayout

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the step",
        "project_cycles": "cycles in which the nodes projected",
        "row_cycles": "cycles in which scan rows were made",
        "wait_cycles": "cycles in which the nodes waited for a selection",
        "attend_cycles": "cycles in which the nodes attended to a selection",
        "scan_cycles": "cycles in which the scan was under way, beside the nodes or alone",
        "selected": "tokens that were selected, all heads",
        "clipped": "codes that were clipped, all nodes: of new entries, and of queries in every node",
        "status": "golden.cluster.spec.Status of the program that did not end well, and ended the step; 0: all did",
        "header_words": "words read: the step's header",
        "node_words": "words read by the nodes: programs, weights, constants, and selected tokens once for every query",
        "template_words": "words read: templates of scan rows, and query codes",
        "scan_words": "words read by the retrieval: rows, bit planes, records of selected tokens",
        "row_words": "words written: scan rows",
        "list_words": "words written: lists of selected tokens",
        "record_words": "words written: their records, as rows of the nodes' cache",
        "store_words": "words written by the nodes: query codes, new entries, results",
        "write_stall": "cycles in which a word waited to be written",
    }
)
