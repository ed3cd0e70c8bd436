"""The bytes of a scan's job: a row a head, bit planes and records of its keys and values, and where results go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden.errors import InputError, check_base
from golden.kv.memory_image import MemoryImage, lines
from golden.kv.memory_map import (
    ENTRY_BYTES,
    HEADER,
    HEADER_BYTES,
    LINE_BYTES,
    MODE_SCAN,
    SCAN_ENTRY,
    scan_record_words,
    scan_row,
    scan_row_bytes,
)
from golden.kv.quantise import centred, check_finite, codes, plane_codes, scale_of, value_scales
from golden.kv.scan import Scan, ScanOptions, fold, select
from golden.kv.scan_scores import bucket_decay, bucket_shift
from golden.kv.spec import FIRST_PLANES, KEY_BITS, Spec
from golden.rows import Bytes, from_bytes, pack


@dataclass(frozen=True, kw_only=True)
class ScanData:
    """One layer's keys and values, and the queries of one token's groups of heads, as codes."""

    keys: Tensor  # int64 [T, heads, head_size], of records
    planes: Tensor  # int64 [T, heads, head_size], the keys' codes whose planes are read
    values: Tensor  # int64 [T, heads, head_size]
    queries: Tensor  # int64 [heads, R, head_size], with the scales of the planes' channels in them
    key_scale: Tensor  # [heads, head_size]
    value_scale: Tensor  # [T, heads]
    units: tuple[float, ...]  # of each head: a score's unit of a logit


def quantise_scan(
    keys: Tensor, values: Tensor, queries: Tensor, scale: float, spec: Spec, *, calibration: Tensor | None = None,
    planes: int = KEY_BITS,
) -> ScanData:  # fmt: skip
    """Symmetric INT8: of keys less their mean a scale a channel, of values one a token, of a group's queries one.

    Planes are of the same codes in exact mode, else of codes for so many planes (`plane_codes`).

    Args:
        keys, values: float [heads, T, head_size]. queries: float [heads, R, head_size], the rows of one token's group.
        scale: of the logits. calibration: keys whose mean is subtracted, the stream's own if left out.

    Raises:
        InputError: a shape or a number of tokens or rows that the spec does not have, or a value that is not finite.
    """
    heads, tokens = keys.shape[:2]
    if not 1 <= tokens <= spec.scan_tokens:
        raise InputError(f"kv: a scan takes 1 to {spec.scan_tokens} tokens, there are {tokens}")
    if not 1 <= queries.shape[1] <= spec.group:
        raise InputError(f"kv: 1 to {spec.group} query heads may share a key-value head, they are {queries.shape[1]}")
    for name, tensor in (("keys", keys), ("values", values), ("queries", queries)):
        check_finite(name, tensor)
    plain = centred(keys, keys if calibration is None else calibration)
    key_scale, value_scale = scale_of(plain, (1,)), value_scales(values)
    searched, narrow = plane_codes(plain, key_scale, planes)
    folded = [fold(queries[h], narrow[h, 0], scale) for h in range(heads)]
    return ScanData(
        keys=codes(plain, key_scale).transpose(0, 1).contiguous(),
        planes=searched.transpose(0, 1).contiguous(),
        values=codes(values, value_scale).transpose(0, 1).contiguous(),
        queries=torch.stack([query for query, _ in folded]),
        key_scale=key_scale[:, 0].float(),
        value_scale=value_scale[:, :, 0].T.contiguous(),
        units=tuple(unit for _, unit in folded),
    )


def select_heads(data: ScanData, spec: Spec, options: ScanOptions) -> list[Scan]:
    """The selection of every head."""
    return [
        select(data.queries[h], data.planes[:, h], options, unit=data.units[h], word_bytes=spec.word_bytes)
        for h in range(spec.heads)
    ]


def plane_words(keys: Tensor, spec: Spec) -> Bytes:
    """Bit planes of a head's keys [T, head_size]: [words of tokens, planes from the most significant, bytes]."""
    count = -(-len(keys) // spec.plane_tokens)
    padded = np.zeros((count * spec.plane_tokens, spec.head_size), np.uint8)
    padded[: len(keys)] = keys.numpy().astype(np.int8).view(np.uint8)
    bits = padded.reshape(count, 1, -1) >> np.arange(KEY_BITS - 1, -1, -1)[:, None] & 1
    full = np.zeros((count, KEY_BITS, 8 * spec.word_bytes), np.uint8)
    full[:, :, : bits.shape[2]] = bits
    return np.packbits(full, axis=2, bitorder="little")


def scan_records(keys: Tensor, values: Tensor, spec: Spec) -> Bytes:
    """A head's keys and values [T, head_size], each filled up to whole memory words: [T, 2, bytes]."""
    result = np.zeros((len(keys), 2, scan_record_words(spec) * spec.word_bytes), np.uint8)
    for part, tensor in enumerate((keys, values)):
        result[:, part, : spec.head_size] = tensor.numpy().astype(np.int8).view(np.uint8)
    return result


def scan_fields(data: ScanData, spec: Spec, options: ScanOptions, head: int) -> dict[str, int]:
    """The fields of a head's row, but for its addresses."""
    tokens = len(data.keys)
    queries = data.queries[head]
    longest = int((data.planes[:, head] ** 2).sum(1).max())
    shift = bucket_shift(queries, longest, options.first)
    rows = enumerate(queries.tolist())
    return {
        "words": -(-tokens // spec.plane_tokens),
        "budget": min(options.budget, tokens),
        "always": int(options.always(tokens).sum()),
        "sink_tokens": min(options.sink_tokens, tokens),
        "window_start": max(tokens - options.window, 0),
        "planes": options.planes,
        "shift": shift,
        "mass_code": options.mass_code,
        "decay": bucket_decay(data.units[head], shift),
        "magnitude": int(queries.abs().sum(1).max()),
        "valid": (1 << len(queries)) - 1,
        **{f"sum_{r}": int(total) for r, total in enumerate(queries.sum(1))},
        **{f"query_{r}_{c}": code for r, row in rows for c, code in enumerate(row)},
    }


def build_scan_image(data: ScanData, spec: Spec, options: ScanOptions, *, base: int = 0) -> MemoryImage:
    """Lays out one job from `base`.

    Raises:
        InputError: `base` lies within a line.
    """
    check_base("kv", base, LINE_BYTES)
    tokens = len(data.keys)
    row_bytes = lines(spec.heads * scan_row_bytes(spec))
    parts: list[Bytes] = []
    addresses: list[dict[str, int]] = []
    place = base + lines(HEADER_BYTES) + row_bytes
    list_bytes, gather_bytes = _result_bytes(tokens, spec)
    for head in range(spec.heads):
        planes = plane_words(data.planes[:, head], spec)
        regions = {
            "planes": planes[:, :FIRST_PLANES],
            "rest": planes[:, FIRST_PLANES:],
            "record": scan_records(data.keys[:, head], data.values[:, head], spec),
        }
        own: dict[str, int] = {}
        for name, region in regions.items():
            own[f"{name}_address"] = place
            padded = np.zeros(lines(region.size), np.uint8)
            padded[: region.size] = region.reshape(-1)
            parts.append(padded)
            place += len(padded)
        addresses.append(own)
    for head, own in enumerate(addresses):
        own["list_address"] = place + head * list_bytes
        own["gather_address"] = place + spec.heads * list_bytes + head * gather_bytes
    rows = np.concatenate(
        [
            pack(scan_row(spec), {**scan_fields(data, spec, options, head), **own}, scan_row_bytes(spec))
            for head, own in enumerate(addresses)
        ]
    ).reshape(-1)
    header = {"token_count": tokens, "mode": MODE_SCAN, "query_address": base + lines(HEADER_BYTES)}
    front = np.zeros(lines(HEADER_BYTES) + row_bytes, np.uint8)
    front[:HEADER_BYTES] = pack(HEADER, header, HEADER_BYTES).reshape(-1)
    front[lines(HEADER_BYTES) :][: len(rows)] = rows
    return MemoryImage(
        data=np.concatenate([np.zeros(base, np.uint8), front, *parts]),
        header_address=base,
        result_address=place,
        result_bytes=spec.heads * (list_bytes + gather_bytes),
        select_offset=0,
        gather_offset=spec.heads * list_bytes,
        parts={
            "header": base,
            "rows": base + lines(HEADER_BYTES),
            **_store_parts(addresses),
            "lists": place,
            "gathered": place + spec.heads * list_bytes,
        },
    )


def _store_parts(addresses: list[dict[str, int]]) -> dict[str, int]:
    """Of one head its planes, rest and records; those of several lie head by head, and are one part."""
    if len(addresses) > 1:
        return {"store": addresses[0]["planes_address"]}
    return {name: addresses[0][f"{name}_address"] for name in ("planes", "rest", "record")}


def _result_bytes(tokens: int, spec: Spec) -> tuple[int, int]:
    """Of a head's list and of its records, where all tokens are selected."""
    return lines((tokens + 1) * ENTRY_BYTES), lines(2 * tokens * scan_record_words(spec) * spec.word_bytes)


def read_results(raw: Bytes, image: MemoryImage, spec: Spec, tokens: int) -> dict[str, npt.NDArray]:
    """What the engine wrote, by name: of every head `tokens.H` [k], and `records.H` [k, bytes]."""
    part = scan_record_words(spec) * spec.word_bytes
    list_bytes, gather_bytes = _result_bytes(tokens, spec)
    results: dict[str, npt.NDArray] = {}
    for head in range(spec.heads):
        entries = from_bytes(SCAN_ENTRY, raw[head * list_bytes :][:list_bytes].reshape(-1, ENTRY_BYTES))
        count = min(int(entries["token"][0]), tokens)
        record = part if entries["score"][0] else 2 * part
        gathered = raw[image.gather_offset + head * gather_bytes :][: count * record]
        results[f"tokens.{head}"] = entries["token"][1 : 1 + count]
        results[f"records.{head}"] = gathered.reshape(count, record)
    return results


def expected_results(data: ScanData, scans: list[Scan], spec: Spec) -> dict[str, npt.NDArray]:
    """What `read_results` must give, by the model."""
    results: dict[str, npt.NDArray] = {}
    for head, scan in enumerate(scans):
        records = scan_records(data.keys[:, head], data.values[:, head], spec)[scan.tokens.numpy()]
        parts = records[:, 2 - scan.record_parts :]
        results[f"tokens.{head}"] = scan.tokens.numpy()
        results[f"records.{head}"] = parts.reshape(len(parts), scan.record_parts * parts.shape[2])
    return results
