"""A decode step by nodes and tokens, fused and through external memory: docs/sweeps/cluster.*."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from golden.cluster.heads import random_head
from golden.cluster.spec import MAX_HEAD, Dataflow
from golden.errors import InputError
from hw.cluster.config import Config, default
from sim.cluster.decode import decode
from sim.kernel.files import whole_file, write_json, write_text

NODES = (2, 4, 8, 16)
SMALLEST, DEFAULT_SIZE = 1024, 16384  # tokens, the decoded one among them
HIDDEN = 4096
MEMORY_KIB = 256  # the scores of 16,384 tokens twice, and a whole result


def record(docs: Path, progress: Callable[[str], None], *, size: int = DEFAULT_SIZE) -> list[Path]:
    """Runs a head of 128 of a hidden vector of 4,096 on caches of 1,024 to `size` tokens; JSON, table and curves.

    Raises:
        InputError: a size out of range.
    """
    if not SMALLEST <= size <= DEFAULT_SIZE:
        raise InputError(f"--size must lie in {SMALLEST}..{DEFAULT_SIZE}, it is {size}")
    rows = []
    for config, dataflow, tokens in _cases(size):
        nodes = config.spec.nodes
        progress(f"decoding {tokens} tokens on {nodes} nodes, split by {dataflow.name.lower()}")
        head = random_head(MAX_HEAD, HIDDEN, tokens - 1, 1)
        report = decode(config, *head, dataflow=dataflow, check=True).report()
        rows.append(
            {
                "dataflow": dataflow.name.lower(), "nodes": nodes, "tokens": tokens, "cycles": report["cycles"],
                "bound": report["bound"]["cycles"], "ratio": report["ratio"], "bytes": report["bytes"]["total"],
                "link_bytes": report["counters"]["flits"] * config.spec.flit_bytes,
                "collective_cycles": report["counters"]["collective_cycles"],
                "unfused_cycles": report["unfused"]["cycles"], "unfused_bytes": report["unfused"]["bytes"],
                "rms_error": report["quality"]["rms_error"],
            }
        )  # fmt: skip
    paths = [docs / "sweeps" / "cluster.json", docs / "sweeps" / "cluster.md", docs / "images" / "cluster-decode.png"]
    write_json(paths[0], {"schema": 1, "head": MAX_HEAD, "hidden": HIDDEN, "memory_kib": MEMORY_KIB, "rows": rows})
    write_text(paths[1], _table(rows))
    _plot(rows, paths[2])
    return paths


def _cases(size: int) -> Iterator[tuple[Config, Dataflow, int]]:
    """Nodes outside, so that each is built once; split by head as far as a node has a flit of the head."""
    base = default()
    for nodes in NODES:
        config = replace(base, spec=replace(base.spec, nodes=nodes, memory_kib=MEMORY_KIB))
        for dataflow in Dataflow:
            if dataflow == Dataflow.HEAD and nodes * config.spec.flit_bytes > MAX_HEAD:
                continue
            tokens = SMALLEST
            while tokens <= size:
                yield config, dataflow, tokens
                tokens *= 2


def _table(rows: list[dict[str, Any]]) -> str:
    """Every run."""
    lines = [
        f"A head of {MAX_HEAD} of a hidden vector of {HIDDEN}, INT8, config `default` with N nodes and {MEMORY_KIB} "
        "KiB each. Cycles and bytes measured, bound modelled from counters; *through memory*: without the network's "
        "sums.",
        "",
        "| split by | N | tokens | cycles | ratio | on links, B | through memory | times | bytes more | error |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        more = row["unfused_bytes"] - row["bytes"]
        cells = (
            row["dataflow"], row["nodes"], f"{row['tokens']:,}", f"{row['cycles']:,}", f"{row['ratio']:.3f}",
            f"{row['link_bytes']:,}", f"{row['unfused_cycles']:,}", f"{row['unfused_cycles'] / row['cycles']:.3f}",
            f"{more:,}", f"{100 * row['rms_error']:.1f} %",
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, ""])


def _plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Cycles by nodes, and how many times as many the step takes through memory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.6))
    for dataflow, style in (("token", "o-"), ("head", "s--")):
        for tokens in sorted({row["tokens"] for row in rows}):
            chosen = [row for row in rows if (row["dataflow"], row["tokens"]) == (dataflow, tokens)]
            nodes = [row["nodes"] for row in chosen]
            name = f"{tokens:,} tokens, by {dataflow}"
            left.plot(nodes, [row["cycles"] for row in chosen], style, markersize=3, label=name)
            right.plot(nodes, [row["unfused_cycles"] / row["cycles"] for row in chosen], style, markersize=3)
    for axis, title in ((left, "cycles, fused"), (right, "through memory / fused")):
        axis.set_xscale("log", base=2)
        axis.set_xticks(NODES, [str(n) for n in NODES])
        axis.set_xlabel("nodes")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    left.set_yscale("log", base=2)
    left.legend(fontsize=6)
    figure.tight_layout()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)
    pyplot.close(figure)
