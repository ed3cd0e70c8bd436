"""Streams of keys, values and queries by name: a file's own, video-like ones from a file, a synthetic one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv.keys import KeySet, load_keys
from golden.kv.livevlm import vision_sink_scores
from golden.kv.model import Options
from golden.kv.quantise import Quantised, centred, check_finite, quantise
from golden.kv.spec import Spec
from golden.kv.video import video_stream
from sim.kernel.data import present

PYDOC = "kv/pydoc_small.npz"  # in the data folder
SMOLLM = "kv/smollm2_8k.npz"  # in the data folder: a language model, its query heads in groups
SYNTHETIC = "synthetic"
QUERIES = 16
FORM = re.compile(r"(?:(?P<kind>video|drift)(?P<rho>0?\.\d+|1|0)?:)?(?P<file>[^@]+)(?:@(?P<layer>\d+))?")


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One layer: float [heads, length, d]."""

    name: str
    keys: Tensor
    values: Tensor
    queries: Tensor  #: of a head's `group` query heads: the rows of one token side by side
    scale: float
    calibration: Tensor  #: keys whose mean is subtracted and centres the hyperplanes
    group: int = 1  #: query heads of a key-value head
    taken: Tensor = field(default_factory=lambda: torch.zeros(1))  #: [heads, 1, d] what the file's keys had in common

    def info(self) -> dict[str, object]:
        """What identifies it in reports."""
        return {"stream": self.name, "tokens": self.keys.shape[1], "queries": self.queries.shape[1]}


def known_streams() -> list[str]:
    """Every layer of the real keys as they are, and one as video, where they are at hand; else a synthetic stream."""
    found = present(PYDOC)
    if not found:
        return [SYNTHETIC]
    return [*(f"{found[0]}@{layer}" for layer in range(3)), f"video0.95:{found[0]}@1"]


def load_stream(source: str, tokens: int, *, queries: int = QUERIES, spec: Spec = Spec()) -> Stream:
    """A stream of at most `tokens` tokens and `queries` rows.

    `FILE@L` is layer number L (from 0) of a file; `video0.95:FILE@L` and `drift0.95:FILE@L` are
    streams with that frame-to-frame correlation built from it; `synthetic` needs no file and has the heads of `spec`.

    Raises:
        InputError: no such file or layer, or another form.
    """
    if source == SYNTHETIC:
        return synthetic_stream(tokens, spec=spec, queries=queries)
    match = FORM.fullmatch(source)
    if not match:
        raise InputError(
            f"a stream is FILE[@LAYER], videoC:FILE[@LAYER], driftC:FILE[@LAYER] or synthetic, got '{source}'"
        )
    files = load_keys(match["file"])
    return layer_stream(
        files,
        int(match["layer"] or 0),
        tokens,
        queries=queries,
        kind=match["kind"],
        correlation=float(match["rho"] or 0.95),
    )


def find_stream(
    source: str, layer: int, tokens: int | None, *, queries: int, correlation: float | None, spec: Spec,
    names: str | None = None,
) -> Stream:  # fmt: skip
    """What a command's STREAM names: a layer of a file, as video if a correlation is given, or `synthetic`.

    `names`: the pattern of a file's tensors, see `load_keys`.

    Raises:
        InputError: no such file or layer, or what is in it.
    """
    if source == SYNTHETIC:
        return synthetic_stream(tokens or 1024, spec=spec, queries=queries)
    files = load_keys(source, names)
    kind = None if correlation is None else "video"
    there = files.K.shape[2]
    if kind is None and tokens is not None and tokens > there:
        raise InputError(f"{files.name}: --tokens must lie in 1..{there}, the tokens there are, it is {tokens}")
    length = tokens or there
    return layer_stream(files, layer, length, queries=queries, kind=kind, correlation=correlation or 0.0)


def layer_stream(
    files: KeySet,
    layer: int,
    tokens: int,
    *,
    queries: int = QUERIES,
    kind: str | None = None,
    correlation: float = 0.95,
) -> Stream:
    """One layer of a file as a stream; see `load_stream`.

    Its keys are less the layer's mean key, so that no step in float32 loses them beside it.

    Raises:
        InputError: no such layer, or keys that float32 does not hold without their mean.
    """
    if not 0 <= layer < len(files.K):
        raise InputError(f"{files.name}: layer must lie in 0..{len(files.K) - 1}, it is {layer}")
    keys, values = centred(files.K[layer], files.K[layer]).float(), files.V[layer]
    check_finite("keys less their mean", keys)
    taken = (files.K[layer][:, :1].double() - keys[:, :1]).float()
    name = f"{files.name}@{layer}"
    stream = Stream(
        name=name,
        keys=keys[:, :tokens],
        values=values[:, :tokens],
        queries=_rows(files, layer, queries),
        scale=files.scales[layer],
        calibration=keys,
        group=files.group,
        taken=taken,
    )
    if kind is None:
        return stream
    mode = "shot" if kind == "video" else "drift"
    k, v = video_stream(keys, values, tokens, correlation=correlation, mode=mode)
    return replace(stream, name=f"{kind}{correlation:g}:{name}", keys=k, values=v)


def _rows(files: KeySet, layer: int, count: int) -> Tensor:
    """The query rows of the first `count` tokens for every key-value head, [heads, count · group, d]."""
    grouped = files.Q[layer].unflatten(0, (-1, files.group))
    return grouped[:, :, :count].transpose(1, 2).flatten(1, 2)


def synthetic_stream(tokens: int, *, spec: Spec = Spec(), queries: int = QUERIES, seed: int = 1) -> Stream:
    """Video-like keys around Gaussian anchors with a common mean: no real data, the same shapes of work."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    source = normal(spec.heads, 1024, 2 * spec.head_size) + 2 * normal(spec.heads, 1, 2 * spec.head_size)
    keys, values = source.split(spec.head_size, -1)
    k, v = video_stream(keys, values, tokens, correlation=0.95, seed=seed)
    return Stream(
        name=SYNTHETIC,
        keys=k,
        values=v,
        queries=normal(spec.heads, queries, spec.head_size),
        scale=spec.head_size**-0.5,
        calibration=keys,
    )


def quantise_stream(stream: Stream, spec: Spec, options: Options) -> Quantised:
    """A stream's codes. Pages are chosen for a question as a whole: its rows become one, their mean."""
    queries = stream.queries.mean(1, keepdim=True) if options.pages else stream.queries
    return quantise(stream.keys, stream.values, queries, spec, calibration=stream.calibration)


def sink_scores(stream: Stream) -> Tensor:
    """S of a layer: attention of the stream's query rows to every token, mean over rows and heads. [L]

    Raises:
        InputError: logits overflow float32, so that the softmax has no value.
    """
    heads = zip(stream.queries, stream.keys, strict=True)
    scores = torch.stack([vision_sink_scores(queries, keys, stream.scale) for queries, keys in heads]).mean(0)
    check_finite("attention scores of tokens", scores)
    return scores
