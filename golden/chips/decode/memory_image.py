"""The bytes of a step with retrieval, where its results lie, and what they are by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from golden.chips.decode.layer import SharedLayer
from golden.chips.decode.memory_map import HEADER, HEADER_BYTES
from golden.chips.decode.programs import Programs
from golden.chips.decode.spec import Spec
from golden.cluster.command import Command
from golden.cluster.fused_decode import regions
from golden.cluster.memory_image import from_lanes, program_bytes, to_lanes
from golden.kv import memory_map as kv
from golden.kv.memory_image import lines
from golden.kv.scan_image import ScanData, plane_words, scan_fields, scan_records
from golden.kv.spec import FIRST_PLANES, KEY_MAX
from golden.rows import Bytes, from_bytes, pack

#: What the heads keep, in the order in which it lies in memory, after what all heads share.
OF_HEADS = ("factors", "constants", "projections", "outputs", "planes", "rest", "record")
#: What a step writes: for all heads, then head after head.
RESULTS = ("codes", "rows", "lists", "records", "results")


@dataclass(frozen=True, kw_only=True)
class MemoryImage:
    """`data` from address 0, the results behind it."""

    data: Bytes
    header_address: int
    result_address: int
    result_bytes: int
    address: dict[str, int]  # of everything
    sizes: dict[str, int]  # of the results, a head's part of each
    project: tuple[Command, ...]
    attend: tuple[tuple[Command, ...], ...]  # of every head


def lanes_of(codes: npt.NDArray[np.int64], rows: int, spec: Spec) -> Bytes:
    """Codes [k, H] of tokens as `rows` rows of the decode units' cache: token r·N + b is row r of node b."""
    nodes, size = spec.nodes, codes.shape[1]
    padded = np.zeros((rows * nodes, size), np.int8)
    padded[: len(codes)] = codes
    return to_lanes(padded.reshape(rows, nodes, size).swapaxes(0, 1).reshape(nodes, -1).view(np.uint8), spec.cluster)


def template_rows(layer: SharedLayer, address: dict[str, int]) -> list[dict[str, int]]:
    """The fields of every head's scan row, for the largest queries there can be: their scores fit any others' shift."""
    spec, heads = layer.spec.kv, len(layer.heads)
    data = ScanData(
        keys=layer.keys,
        planes=layer.planes,
        values=layer.values,
        queries=torch.full((heads, layer.group, spec.head_size), KEY_MAX),
        key_scale=torch.ones(heads, spec.head_size),
        value_scale=torch.ones(layer.tokens, heads),
        units=(0.0,) * heads,
    )
    return [
        {
            **scan_fields(data, spec, layer.options, head),
            **{f"{name}_address": address[f"{name}.{head}"] for name in ("planes", "rest", "record", "list")},
            "gather_address": address[f"keys.{head}"],
        }
        for head in range(heads)
    ]


def query_fields(codes: npt.NDArray[np.int64]) -> dict[str, int]:
    """The fields of a scan row that follow from its query codes [G, H]."""
    return {
        "magnitude": int(np.abs(codes).sum(1).max()),
        **{f"sum_{r}": int(row.sum()) for r, row in enumerate(codes)},
        **{f"query_{r}_{c}": int(code) for r, row in enumerate(codes) for c, code in enumerate(row)},
    }


def row_bytes(fields: Sequence[dict[str, int]], spec: Spec) -> Bytes:
    """Scan rows as bytes, [heads, bytes]."""
    size = kv.scan_row_bytes(spec.kv)
    return np.concatenate([pack(kv.scan_row(spec.kv), row, size) for row in fields])


def build(layer: SharedLayer, *, watchdog: int = 0) -> MemoryImage:
    """Lays out a step from address 0: header, both jobs' headers, programs, weights, cache; then results.

    Raises:
        InputError: something does not fit a node's memories.
    """
    spec, heads = layer.spec, len(layer.heads)
    parts = _parts(layer)
    address: dict[str, int] = {"header": 0}
    place = lines(HEADER_BYTES)
    programs = _program_sizes(layer)
    fixed = {
        "scan": lines(kv.HEADER_BYTES), "template": lines(heads * kv.scan_row_bytes(spec.kv)), **programs,
    }  # fmt: skip
    for name, size in {**fixed, **{name: lines(part.size) for name, part in parts.items()}}.items():
        address[name] = place
        place += size
    sizes = result_sizes(layer)
    result_address = place
    for name in RESULTS:
        address[name] = place
        for head in range(heads):
            address |= _result_addresses(name, head, place, sizes)
            place += sizes[name]
        place = lines(place)
    made = Programs(layer, address)
    project, attend = made.project(), [made.attend(head) for head in range(heads)]
    data = np.zeros(result_address, np.uint8)
    stride = programs["attend.0"]
    written = {
        **parts,
        "header": pack(HEADER, _header(layer, address, sizes, stride), HEADER_BYTES),
        "scan": pack(kv.HEADER, _scan_header(layer, address), kv.HEADER_BYTES),
        "template": row_bytes(template_rows(layer, address), spec),
        "project": program_bytes(project, spec.cluster, watchdog=watchdog, base=address["project"]),
        **{
            f"attend.{h}": program_bytes(c, spec.cluster, watchdog=watchdog, base=address[f"attend.{h}"])
            for h, c in enumerate(attend)
        },
    }
    for name, part in written.items():
        flat = part.reshape(-1)
        data[address[name] : address[name] + len(flat)] = flat
    return MemoryImage(
        data=data, header_address=0, result_address=result_address, result_bytes=place - result_address,
        address=address, sizes=sizes, project=tuple(project), attend=tuple(map(tuple, attend)),
    )  # fmt: skip


def _header(layer: SharedLayer, address: dict[str, int], sizes: dict[str, int], stride: int) -> dict[str, int]:
    own = {f"{name}_address": address[name] for name in ("project", "scan", "template", "codes", "rows", "records")}
    return {
        **own, "records_stride": sizes["records"], "attend_address": address["attend.0"], "attend_stride": stride,
        "selected": layer.selected,
    }  # fmt: skip


def _scan_header(layer: SharedLayer, address: dict[str, int]) -> dict[str, int]:
    return {"token_count": layer.tokens, "mode": kv.MODE_SCAN, "query_address": address["rows"]}


def _parts(layer: SharedLayer) -> dict[str, Bytes]:
    """What the step reads beside headers and programs."""
    spec = layer.spec
    parts: dict[str, Bytes] = {"hidden": regions(layer.heads[0])["hidden"]}
    for number, head in enumerate(layer.heads):
        factors = np.stack([layer.factors[number]] * spec.nodes)
        alone = replace(head, constants=np.stack([factors] * 4, 1))  # four vectors of constants, of which one is used
        planes = plane_words(layer.planes[:, number], spec.kv)
        own = {
            **{name: regions(head)[name] for name in ("constants", "projections", "outputs")},
            "factors": regions(alone)["constants"][: regions(alone)["constants"].size // 4],
            "planes": planes[:, :FIRST_PLANES],
            "rest": planes[:, FIRST_PLANES:],
            "record": scan_records(layer.keys[:, number], layer.values[:, number], spec.kv),
        }
        parts |= {f"{name}.{number}": own[name] for name in OF_HEADS}
    return parts


def _program_sizes(layer: SharedLayer) -> dict[str, int]:
    """Bytes of the programs, whatever their addresses."""
    anywhere = Programs(layer, _Anywhere())
    cluster = layer.spec.cluster

    def size(commands: Sequence[Command]) -> int:
        return lines(len(program_bytes(commands, cluster)))

    attend = {f"attend.{h}": size(anywhere.attend(h)) for h in range(len(layer.heads))}
    return {"project": size(anywhere.project()), **attend}


class _Anywhere(dict[str, int]):
    """Address 0 of everything."""

    def __missing__(self, name: str) -> int:
        return 0


def result_sizes(layer: SharedLayer) -> dict[str, int]:
    """Bytes of a head's part of each result."""
    spec, head = layer.spec, layer.heads[0]
    word = spec.word_bytes
    return {
        "codes": layer.group * spec.key_words * word,
        "rows": kv.scan_row_bytes(spec.kv),
        "lists": lines((layer.selected + 1) * kv.ENTRY_BYTES),
        "records": 2 * head.rows * spec.entry_words * word,
        "results": layer.group * len(head.hidden) * 4,
    }


def _result_addresses(name: str, head: int, place: int, sizes: dict[str, int]) -> dict[str, int]:
    """Names under which programs and scan rows know a result's place."""
    if name == "records":
        return {f"keys.{head}": place, f"values.{head}": place + sizes[name] // 2}
    return {"lists": {f"list.{head}": place}, "results": {f"result.{head}": place}}.get(name, {})


def read_results(raw: Bytes, image: MemoryImage, layer: SharedLayer) -> dict[str, npt.NDArray]:
    """What a step wrote, by name, of every head: `codes.H` [G, H], `rows.H`, `tokens.H` [k], `keys.H` and `values.H`
    [k + 1, H] with the new token, the selected ones before it, and `output.H` [G, D].

    Where fewer tokens were listed than selected, `tokens.H` is as short.
    """
    spec, group, count = layer.spec, layer.group, layer.selected
    results: dict[str, npt.NDArray] = {}
    for name in RESULTS:
        for head in range(len(layer.heads)):
            first = image.address[name] - image.result_address + head * image.sizes[name]
            own = raw[first : first + image.sizes[name]]
            if name == "codes":
                results[f"codes.{head}"] = own.view(np.int8).reshape(group, -1)
            elif name == "rows":
                results[f"rows.{head}"] = own
            elif name == "lists":
                entries = from_bytes(kv.SCAN_ENTRY, own.reshape(-1, kv.ENTRY_BYTES))["token"]
                results[f"tokens.{head}"] = entries[1 : 1 + min(int(entries[0]), count)]
            elif name == "records":
                for part, half in zip(("keys", "values"), np.split(own, 2), strict=True):
                    rows = from_lanes(half, spec.cluster).view(np.int8).reshape(spec.nodes, -1, spec.kv.head_size)
                    results[f"{part}.{head}"] = rows.swapaxes(0, 1).reshape(-1, spec.kv.head_size)[: count + 1]
            else:
                nodes = np.ascontiguousarray(from_lanes(own, spec.cluster)).view("<f4")
                parts = nodes.reshape(spec.nodes, group, -1).swapaxes(0, 1)
                results[f"output.{head}"] = parts.reshape(group, -1)
    return results


def output(results: dict[str, npt.NDArray]) -> npt.NDArray[np.float32]:
    """The contribution [D] of all query heads together."""
    return np.sum([part.sum(0) for name, part in results.items() if name.startswith("output.")], 0)
