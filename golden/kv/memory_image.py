"""The bytes of a job: header, tokens, queries, both levels of the store, and where results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from golden.errors import InputError, check_base
from golden.kv.memory_map import (
    HEADER,
    HEADER_BYTES,
    LINE_BYTES,
    LOG,
    LOG_BYTES,
    MODE_COUNT,
    MODE_PAGES,
    query_info,
    query_words,
    select_words,
)
from golden.kv.spec import Spec, check_hamming_threshold
from golden.rows import Bytes, from_bytes, pack

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from torch import Tensor

    from golden.kv.model import ModelResult, Options
    from golden.kv.quantise import Quantised


@dataclass(frozen=True, kw_only=True)
class MemoryImage:
    """All that the engine reads, and where it writes."""

    data: Bytes  # from address 0 to the end of the image, a whole number of lines
    header_address: int
    result_address: int  #: log, bitmaps, gathered records
    result_bytes: int
    select_offset: int  #: of the bitmaps in the result
    gather_offset: int  #: of the gathered records in the result
    parts: dict[str, int] = field(default_factory=dict)  #: of each table the first byte address, for a DRAM's counts


def records(data: Quantised, spec: Spec) -> Bytes:
    """[T, heads, chunks, 2, lanes]: a memory word is a chunk of a head's key, then of its value."""
    keys, values = (
        t.numpy().astype(np.int8).reshape(-1, spec.heads, spec.chunks, 1, spec.lanes) for t in (data.keys, data.values)
    )
    return np.concatenate([keys, values], axis=3).view(np.uint8)


def query_blocks(data: Quantised, spec: Spec) -> Bytes:
    """[heads, blocks, words, bytes]: rows after the last query are zero and not valid."""
    count = len(data.queries)
    blocks = -(-count // spec.rows)
    queries = np.zeros((blocks * spec.rows, spec.heads, spec.head_size), np.int8)
    queries[:count] = data.queries.numpy()
    chunked = queries.reshape(blocks, spec.rows, spec.heads, spec.chunks, spec.lanes).transpose(2, 0, 3, 1, 4)
    words = chunked.reshape(spec.heads, blocks, query_words(spec), spec.word_bytes).view(np.uint8)
    shifts = np.zeros((blocks * spec.rows, spec.heads), np.int64)
    shifts[:count] = data.shifts.numpy()
    valid = (np.arange(blocks * spec.rows) < count).reshape(blocks, spec.rows) @ (1 << np.arange(spec.rows))
    info = {"valid": np.tile(valid, spec.heads)} | {
        f"shift_{r}": shifts.reshape(blocks, spec.rows, spec.heads)[:, r].T.reshape(-1) for r in range(spec.rows)
    }
    first = pack(query_info(spec), info, spec.word_bytes).reshape(spec.heads, blocks, 1, spec.word_bytes)
    return np.concatenate([first, words], axis=2)


def build_memory_image(data: Quantised, spec: Spec, options: Options, *, base: int = 0) -> MemoryImage:
    """Lays out one job from `base`.

    Raises:
        InputError: Th_hd or the share out of range, more pages than clusters, or `base` within a line.
    """
    check_base("kv", base, LINE_BYTES)
    check_hamming_threshold(options.hamming_threshold, spec.hash_bits)
    if not 1 <= options.wicsum_code <= 1023:
        raise InputError(f"kv: the selected share must lie in 1/1024..1023/1024, it is {options.wicsum_code}/1024")
    tokens = len(data.keys)
    if options.pages and -(-tokens // spec.block_tokens) > spec.clusters:
        raise InputError(
            f"kv: at most {spec.clusters} pages of {spec.block_tokens} tokens fit this config; there are {tokens}"
        )
    token_bytes = spec.token_words * spec.word_bytes
    block_bytes = spec.block_tokens * token_bytes
    queries = query_blocks(data, spec)
    regions = {
        "token": records(data, spec).reshape(-1),
        "query": queries.reshape(-1),
        "near": np.zeros(spec.near_blocks * block_bytes, np.uint8),
        "far": np.zeros(spec.blocks * block_bytes, np.uint8),
    }
    addresses: dict[str, int] = {}
    place = base + lines(HEADER_BYTES)
    for name, region in regions.items():
        addresses[name] = place
        place += lines(len(region))
    select_offset = lines(tokens * LOG_BYTES)
    gather_offset = select_offset + spec.heads * select_words(spec) * spec.word_bytes
    header = {
        "token_count": tokens,
        "query_blocks": queries.shape[1],
        "mode": MODE_PAGES * options.pages + MODE_COUNT * options.count_mode,
        "hamming_threshold": options.hamming_threshold,
        "wicsum_code": options.wicsum_code,
        **{f"{name}_address": address for name, address in addresses.items()},
        "log_address": place,
        "select_address": place + select_offset,
        "gather_address": place + gather_offset,
        **{f"offset_{k}": int(v) for k, v in enumerate(data.offsets)},
    }
    image = np.zeros(place, np.uint8)
    image[base : base + HEADER_BYTES] = pack(HEADER, header, HEADER_BYTES).reshape(-1)
    for name, region in regions.items():
        image[addresses[name] : addresses[name] + len(region)] = region
    return MemoryImage(
        data=image,
        header_address=base,
        result_address=place,
        result_bytes=gather_offset + tokens * token_bytes,
        select_offset=select_offset,
        gather_offset=gather_offset,
        parts={
            "header": base,
            **addresses,
            "log": place,
            "bitmaps": place + select_offset,
            "gathered": place + gather_offset,
        },
    )


def lines(size: int) -> int:
    """Bytes of the lines that hold `size` bytes."""
    return -(-size // LINE_BYTES) * LINE_BYTES


def read_results(
    raw: Bytes, image: MemoryImage, spec: Spec, *, tokens: int, clusters: int, words: int
) -> dict[str, npt.NDArray]:
    """What the engine wrote, by name.

    `log.*`: the fields of a token's entry, [T]. `bitmaps`: a bit for every cluster, up to the last one's word,
    [heads, bits]. `records`: what was gathered, head after head, [N, bytes].

    Args:
        clusters, words: how many clusters were founded and how many words gathered, as the engine counted them.
    """
    log = from_bytes(LOG, raw[: tokens * LOG_BYTES].reshape(-1, LOG_BYTES))
    heads = raw[image.select_offset : image.gather_offset].reshape(spec.heads, -1)
    gathered = raw[image.gather_offset :][: words * spec.word_bytes]
    return {
        **{f"log.{name}": column for name, column in log.items()},
        "bitmaps": np.unpackbits(heads, axis=1, bitorder="little")[:, : _bitmap_bits(clusters, spec)],
        "records": gathered.reshape(-1, spec.chunks * spec.word_bytes),
    }


def bitmap(selected: Tensor, spec: Spec) -> Bytes:
    """The bitmap of a head's selected clusters, [bytes]: whole words, the last filled up with zeros."""
    bits = np.zeros(_bitmap_bits(len(selected), spec), np.uint8)
    bits[: len(selected)] = selected.numpy()
    return np.packbits(bits, bitorder="little")


def expected_log(model: ModelResult) -> Bytes:
    """The log that the engine writes, [T, 8]."""
    refused = np.zeros(len(model.hashes), np.int64)
    refused[model.store.refused] = 1
    clustering = model.clustering
    values = {
        "hash": model.hashes.numpy(),
        "cluster": clustering.cluster.numpy(),
        "new": clustering.new.numpy(),
        "spilled": clustering.spilled.numpy(),
        "refused": refused,
    }
    return pack(LOG, values, LOG_BYTES)


def expected_results(model: ModelResult, data: Quantised, spec: Spec) -> dict[str, npt.NDArray]:
    """What `read_results` must give, by the model."""
    return {
        **{f"log.{name}": column for name, column in from_bytes(LOG, expected_log(model)).items()},
        "bitmaps": np.stack([np.unpackbits(bitmap(head.selected, spec), bitorder="little") for head in model.heads]),
        "records": np.concatenate(expected_records(model, data, spec)),
    }


def _bitmap_bits(clusters: int, spec: Spec) -> int:
    """Bits of the words of a head's bitmap that are written."""
    width = 8 * spec.word_bytes
    return -(-clusters // width) * width


def expected_records(result: ModelResult, data: Quantised, spec: Spec) -> list[Bytes]:
    """For every head the gathered records, [N, chunks · word bytes]; they follow each other in memory."""
    everything = records(data, spec)
    return [everything[head.tokens.numpy(), h].reshape(len(head.tokens), -1) for h, head in enumerate(result.heads)]
