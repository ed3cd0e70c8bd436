"""The engine's counters."""

from __future__ import annotations

from hw.lib.counters import CounterLayout

COUNTERS = CounterLayout(
    {
        "cycles": "cycles of the job",
        "ingest_cycles": "cycles in which tokens were clustered and stored",
        "query_cycles": "cycles in which queries were scored and records gathered",
        "tokens": "tokens clustered",
        "clusters": "clusters founded",
        "comparisons": "hash comparisons",
        "compare_cycles": "cycles in which the HCU compared",
        "hcu_wait": "cycles in which the HCU had no hash",
        "hcu_stall": "cycles in which the HCU waited for the block store",
        "spilled": "tokens that joined a cluster beyond Th_hd because the table was full",
        "refused": "tokens for which no block was left",
        "blocks": "blocks opened",
        "evicted": "blocks copied to the far level",
        "store_stall": "cycles in which a token waited for a slot",
        "score_cycles": "cycles in which the score unit walked the table",
        "walk_cycles": "cycles in which buckets were opened",
        "row_scores": "scores of rows that hold a query",
        "opened": "buckets opened, all rows",
        "visited": "scores in opened buckets, all rows",
        "selected": "clusters selected, all heads",
        "bursts": "bursts that gathered records",
        "far_bursts": "of these, from the far level",
        "row_hits": "bursts that began in the DRAM row in which the one before ended",
        "sink_cycles": "cycles in which vision-sink bucketing took or read a score",
        "kept": "tokens that vision-sink bucketing kept",
        "header_words": "words read: header",
        "token_words": "words read: tokens",
        "query_words": "words read: queries",
        "evict_words": "words read: blocks on their way to the far level",
        "gather_words": "words read: gathered records",
        "sink_words": "words read: scores of tokens",
        "record_words": "words written: tokens into the near level",
        "far_words": "words written: blocks into the far level",
        "log_words": "words written: log",
        "select_words": "words written: bitmaps of selected clusters",
        "result_words": "words written: gathered records",
        "write_stall": "cycles in which a word waited to be written",
    }
)
