"""What the papers leave open, measured on real keys, and quality against traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from golden.kv import livevlm
from golden.kv.attention import quality
from golden.kv.hash_unit import plane_signs
from golden.kv.model import Options, retrieve
from golden.kv.quantise import codes, scale_of
from golden.kv.reference import Mapping, cluster, hash_bits, pages_by_bounds, top_k, wicsum
from golden.kv.spec import DEFAULT, Spec
from sim.kv.streams import Stream, quantise_stream

SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
PAGE = 16


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A way to cluster and to weigh; the defaults are what the engine does, in float."""

    name: str
    bits: int = DEFAULT.hash_bits
    threshold: int = DEFAULT.hamming_threshold
    rule: str = "nearest"
    rebinarise: bool = False
    centred: bool = True
    gaussian: bool = False
    mapping: Mapping = "min"
    wicsum: float = 0.3


VARIANTS = (
    Variant(name="chosen: nearest, founder's hash, centred ±1 planes, s - min"),
    Variant(name="first match instead of nearest", rule="first"),
    Variant(name="hash of the mean, re-binarised", rebinarise=True),
    Variant(name="planes through the origin (as published)", centred=False),
    Variant(name="Gaussian planes, centred", gaussian=True),
    Variant(name="weight max(s, 0)", mapping="relu"),
    Variant(name="weight (s - min)²", mapping="square"),
    Variant(name="weight exp(s - max)", mapping="exp"),
    Variant(name="Th_hd 7", threshold=7),
    Variant(name="Th_hd 11", threshold=11),
    Variant(name="32 planes, Th_hd 7 (as published)", bits=32, threshold=7),
    Variant(name="32 planes, Th_hd 5", bits=32, threshold=5),
    Variant(name="40 planes, Th_hd 8", bits=40, threshold=8),
)


def measure_variant(stream: Stream, variant: Variant, spec: Spec = DEFAULT) -> dict[str, float]:
    """Clusters, share of tokens kept and mass against exact top-k, each row's own selection; mean over heads.

    Of the keys as the file has them: some variants depend on what all have in common.
    """
    length = stream.keys.shape[1]
    flat = (stream.keys + stream.taken).transpose(0, 1).reshape(length, -1)
    planes = plane_signs(replace(spec, hash_bits=variant.bits)).float()
    if variant.gaussian:
        planes = torch.randn(planes.shape, generator=torch.Generator().manual_seed(spec.plane_seed))
    calibration = (stream.calibration[:, :512] + stream.taken).transpose(0, 1).reshape(-1, flat.shape[1]).mean(0)
    centre = calibration if variant.centred else None
    table = cluster(
        flat,
        hash_bits(flat, planes, centre),
        variant.threshold,
        rule="first" if variant.rule == "first" else "nearest",
        planes=planes if variant.rebinarise else None,
        centre=centre,
    )
    means = table.means.reshape(len(table.counts), spec.heads, -1)
    kept = mass = best = 0.0
    for h in range(spec.heads):
        logits = stream.queries[h] @ means[:, h].T * stream.scale
        chosen = wicsum(logits, table.counts, variant.wicsum, mapping=variant.mapping)[:, table.cluster]
        q = quality(stream.queries[h], stream.keys[h], stream.values[h], stream.scale, chosen)
        kept, mass, best = kept + q.kept, mass + q.mass, best + q.best_mass
    return {
        "clusters": len(table.counts),
        "kept": kept / spec.heads,
        "mass": mass / spec.heads,
        "relative_mass": mass / best,
    }


Point = tuple[float, float]  # share of the head's tokens gathered, softmax mass on them


def _point(stream: Stream, choose: Callable[[int], Tensor]) -> Point:
    qualities = [
        quality(stream.queries[h], stream.keys[h], stream.values[h], stream.scale, choose(h))
        for h in range(len(stream.keys))
    ]
    return tuple(sum(getattr(q, name) for q in qualities) / len(qualities) for name in ("kept", "mass"))  # type: ignore[return-value]


def curves(stream: Stream, spec: Spec = DEFAULT) -> Iterator[tuple[str, list[Point]]]:
    """Mass against traffic for a block of query rows: the union over its rows is gathered."""
    options = Options.of(spec)
    length = stream.keys.shape[1]
    data = quantise_stream(stream, spec, options)
    points: list[Point] = []
    for share in THRESHOLDS:
        model = retrieve(data, spec, replace(options, wicsum_code=round(share * 1024)))
        points.append(_point(stream, lambda h, m=model: m.heads[h].selected[m.clustering.cluster]))
    yield "ReSV (bit-true model)", points

    paged = quantise_stream(stream, spec, Options.livevlm(spec))
    points = []
    for share in SHARES:
        model = retrieve(paged, spec, Options.livevlm(spec, share))
        points.append(_point(stream, lambda h, m=model: m.heads[h].selected[m.clustering.cluster]))
    yield "LiveVLM pages (bit-true model)", points

    means = [livevlm.page_means(keys, PAGE) for keys in stream.keys]
    pooled = [livevlm.page_scores(stream.queries[h], m, stream.scale) for h, m in enumerate(means)]
    yield (
        "LiveVLM pages (float, softmax pooling)",
        [_point(stream, lambda h, s=share: livevlm.best_pages(pooled[h], length, PAGE, s)) for share in SHARES],
    )
    bounds = [
        torch.softmax(pages_by_bounds(stream.queries[h], k, PAGE) * stream.scale, 1).mean(0)
        for h, k in enumerate(stream.keys)
    ]
    yield (
        "page bounds",
        [_point(stream, lambda h, s=share: livevlm.best_pages(bounds[h], length, PAGE, s)) for share in SHARES],
    )
    keys = codes(stream.keys, scale_of(stream.keys, (1, 2))).float()
    queries = codes(stream.queries, scale_of(stream.queries, (2,))).float()
    # Per row few tokens, so that the union of the rows spans the same traffic.
    yield (
        "top-k by int8 scores",
        [
            _point(stream, lambda h, s=share: _union_top(queries[h] @ keys[h].T, max(1, round(s * length / 4))))
            for share in SHARES
        ],
    )


def _union_top(scores: Tensor, count: int) -> Tensor:
    return top_k(scores, torch.full((len(scores),), count)).any(0)


def decision_rows(streams: dict[str, list[Stream]]) -> list[dict[str, Any]]:
    """Every variant on every kind of stream, mean over its layers."""
    rows: list[dict[str, Any]] = []
    for variant in VARIANTS:
        row: dict[str, Any] = {"variant": variant.name}
        for kind, layers in streams.items():
            results = [measure_variant(stream, variant) for stream in layers]
            row[kind] = {name: round(sum(r[name] for r in results) / len(results), 4) for name in results[0]}
        rows.append(row)
    return rows


def head_rows(streams: list[Stream], spec: Spec = DEFAULT) -> list[dict[str, Any]]:
    """Per layer and head, each row's own selection at its size: ReSV, int8 top-k, page bounds, against exact top-k."""
    options = Options.of(spec)
    rows: list[dict[str, Any]] = []
    for stream in streams:
        data = quantise_stream(stream, spec, options)
        model = retrieve(data, spec, options)
        length = stream.keys.shape[1]
        for h, head in enumerate(model.heads):
            own = head.rows.selected[:, model.clustering.cluster]
            count = own.sum(1)
            int8 = data.queries[:, h] @ data.keys[:, h].T
            bounds = pages_by_bounds(stream.queries[h], stream.keys[h], PAGE)
            paged = top_k(bounds, (count / PAGE).ceil().long()).repeat_interleave(PAGE, 1)[:, :length]

            def figures(chosen: Tensor, s: Stream = stream, h: int = h) -> dict[str, float]:
                q = quality(s.queries[h], s.keys[h], s.values[h], s.scale, chosen)
                return {name: round(getattr(q, name), 4) for name in ("kept", "recall", "mass", "relative_mass")}

            rows.append(
                {
                    "stream": stream.name,
                    "head": h,
                    "resv": figures(own),
                    "int8 top-k": figures(top_k(int8.float(), count)),
                    "page bounds": figures(paged),
                    "union": figures(head.selected[model.clustering.cluster].expand(len(own), -1)),
                }
            )
    return rows
