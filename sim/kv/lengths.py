"""What single rows and their union keep as a video-like stream grows, bit-true model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from golden.kv.keys import KeySet
from golden.kv.model import Options, retrieve
from golden.kv.spec import DEFAULT, Spec
from sim.kv.selection import head_qualities, mean_quality, row_qualities
from sim.kv.streams import Stream, layer_stream, quantise_stream

LENGTHS = (4096, 8192, 16384, 32768)
SPECS = {
    "48 planes, Th_hd 9 (chosen)": DEFAULT,
    "the same, Th_r-wics 0.35": replace(DEFAULT, wicsum_code=358),
    "32 planes, Th_hd 7 (as published)": replace(DEFAULT, hash_bits=32, hamming_threshold=7),
}


def length_rows(files: KeySet) -> list[dict[str, Any]]:
    """Per spec, length and layer: mass against exact top-k, mean over heads; clusters; share of scores visited."""
    return [
        {"variant": name, "tokens": tokens, "layer": layer, **_figures(stream, spec)}
        for name, spec in SPECS.items()
        for tokens in LENGTHS
        for layer in range(len(files.K))
        for stream in (layer_stream(files, layer, tokens, kind="video", correlation=0.95),)
    ]


def _figures(stream: Stream, spec: Spec) -> dict[str, float]:
    options = Options.of(spec)
    data = quantise_stream(stream, spec, options)
    model = retrieve(data, spec, options)
    scores = sum(head.scores.numel() for head in model.heads)
    return {
        "clusters": model.clustering.count,
        "spilled": int(model.clustering.spilled.sum()),
        "visited": round(sum(int(head.rows.visited.sum()) for head in model.heads) / scores, 4),
        "row": mean_quality(row_qualities(stream, data, model))["relative_mass"],
        "union": mean_quality(head_qualities(stream, data, [head.tokens for head in model.heads]))["relative_mass"],
    }
