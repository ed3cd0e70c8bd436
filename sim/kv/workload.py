"""Jobs of the engine: a stream and a config to a memory image, for a retrieval or for a compression."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from golden.errors import InputError
from golden.kv.memory_image import MemoryImage, build_memory_image
from golden.kv.spec import LONGEST_BURST, Spec, check_hamming_threshold
from hw.kv.config import Config

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.kv.model import Options
    from golden.kv.quantise import Quantised
    from golden.kv.scan import ScanOptions
    from golden.kv.scan_image import ScanData
    from golden.kv.vision_sink import SinkOptions
    from sim.kv.streams import Stream

HEAD_STEP = 8  # of a stream's head size


@dataclass(frozen=True, kw_only=True)
class RetrieveWorkload:
    """One layer's tokens to cluster and its queries to select for, quantised for `config`."""

    config: Config
    stream: Stream
    data: Quantised
    options: Options
    memory: MemoryImage

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return retrieve_info(self.stream, self.options)


def retrieve_info(stream: Stream, options: Options) -> dict[str, Any]:
    """What makes a retrieval the same for a report and a baseline."""
    return {**stream.info(), "options": vars(options)}


@dataclass(frozen=True, kw_only=True)
class ScanWorkload:
    """One layer's bit planes to scan for one token's groups of query heads, quantised for `config`."""

    config: Config
    stream: Stream  #: with the queries of that token alone
    data: ScanData
    options: ScanOptions
    memory: MemoryImage

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return {**self.stream.info(), "options": vars(self.options)}


@dataclass(frozen=True, kw_only=True)
class CompressWorkload:
    """Tokens of which the best are to stay, by their scores."""

    config: Config
    scores: Tensor  #: float [L]
    codes: Tensor  #: the scores as the engine reads them, [L]
    options: SinkOptions
    memory: MemoryImage
    source: Mapping[str, Any] = field(default_factory=dict)  #: what identifies the tokens

    def info(self) -> dict[str, Any]:
        """What identifies it in reports."""
        return {**self.source, "options": vars(self.options)}


def for_stream(config: Config, stream: Stream) -> Config:
    """The config for a stream's heads and head size.

    A head size that is no multiple of `lanes` has narrower memory words, and shorter blocks where a
    block's burst would be too long for it: 80 has words of 32 bytes and blocks of 8 tokens.

    Raises:
        InputError: the engine cannot be built for them.
    """
    heads, _, size = stream.keys.shape
    spec = config.spec
    if size % HEAD_STEP:
        raise InputError(f"kv: a head size must be a multiple of {HEAD_STEP}, it is {size}")
    lanes = math.gcd(spec.lanes, size)  # a power of two, as `lanes` is one
    block_tokens = spec.block_tokens
    while block_tokens * (size // lanes) > LONGEST_BURST and block_tokens > 2:
        block_tokens //= 2
    return replace(config, spec=replace(spec, heads=heads, head_size=size, lanes=lanes, block_tokens=block_tokens))


def retrieve_options(
    spec: Spec, *, pages: bool = False, share: float | None = None, hamming: int | None = None
) -> Options:
    """V-Rex's clusters or LiveVLM's pages. `share`: of the weighted sum or of the tokens, else the usual one.

    Raises:
        InputError: a Th_hd that the hashes do not have.
    """
    from golden.kv.model import Options

    options = Options.livevlm(spec) if pages else Options.of(spec)
    if hamming is not None:
        check_hamming_threshold(hamming, spec.hash_bits)
        options = replace(options, hamming_threshold=hamming)
    return options if share is None else replace(options, wicsum_code=round(share * 1024))


def scan_options(
    tokens: int, *, share: float | None = None, top_k: int | None = None, top_p: float | None = None, planes: int = 8,
    sink_tokens: int = 16, window: int = 64,
) -> ScanOptions:  # fmt: skip
    """A budget of a share of the tokens, a tenth if nothing is said, or of `top_k` tokens; `top_p` alone has none.

    Raises:
        InputError: one is out of range.
    """
    from golden.kv.scan import ALL_MASS, ScanOptions

    usual = 1.0 if top_p is not None else 0.1
    budget = int(tokens * (usual if share is None else share)) if top_k is None else top_k
    return ScanOptions(
        budget=budget, mass_code=ALL_MASS if top_p is None else round(top_p * ALL_MASS), planes=planes,
        sink_tokens=sink_tokens, window=window,
    )  # fmt: skip


def prepare_retrieve(stream: Stream, config: Config, options: Options) -> RetrieveWorkload:
    """Quantises a stream and lays it out in memory, for the config with the stream's heads.

    Raises:
        InputError: a stream or options that the config does not have.
    """
    from sim.kv.streams import quantise_stream

    config = for_stream(config, stream)
    data = quantise_stream(stream, config.spec, options)
    memory = build_memory_image(data, config.spec, options)
    return RetrieveWorkload(config=config, stream=stream, data=data, options=options, memory=memory)


def prepare_scan(stream: Stream, config: Config, options: ScanOptions) -> ScanWorkload:
    """Quantises a stream for the last of its queries' tokens, and lays bit planes and records out in memory.

    Raises:
        InputError: a stream or options that the config does not have.
    """
    from golden.kv.scan_image import build_scan_image, quantise_scan

    config = for_stream(config, stream)
    config = replace(config, spec=replace(config.spec, group=max(config.spec.group, stream.group)))
    rows = replace(stream, queries=stream.queries[:, -stream.group :])
    data = quantise_scan(
        rows.keys, rows.values, rows.queries, rows.scale, config.spec, calibration=rows.calibration,
        planes=options.planes,
    )  # fmt: skip
    memory = build_scan_image(data, config.spec, options)
    return ScanWorkload(config=config, stream=rows, data=data, options=options, memory=memory)


def sink_options(length: int, *, budget: int | None, capacity: int, unconditional: int | None) -> SinkOptions:
    """LiveVLM's shape where nothing is said: 40 % of the tokens stay, the best quarter of these in any case."""
    from golden.kv.vision_sink import SinkOptions

    size = max(1, length * 2 // 5 // capacity) * capacity if budget is None else budget
    best = size // 4 if unconditional is None else unconditional
    return SinkOptions(budget=size, capacity=capacity, unconditional=best)


def prepare_compress(stream: Stream, config: Config, options: SinkOptions) -> CompressWorkload:
    """Scores a stream's tokens by the attention of its query rows, and lays the scores out in memory.

    Raises:
        InputError: a stream or options that the config does not have.
    """
    from golden.kv.vision_sink import sink_codes
    from sim.kv.streams import sink_scores

    scores = sink_scores(stream)
    return prepare_scores(scores, sink_codes(scores), config, options, source=stream.info())


def prepare_scores(
    scores: Tensor, codes: Tensor, config: Config, options: SinkOptions, *, source: Mapping[str, Any] | None = None
) -> CompressWorkload:
    """The same of scores that are at hand, with the codes that stand for them."""
    from golden.kv.vision_sink import build_sink_image

    memory = build_sink_image(codes, config.spec, options)
    return CompressWorkload(
        config=config, scores=scores, codes=codes, options=options, memory=memory, source=source or {}
    )
