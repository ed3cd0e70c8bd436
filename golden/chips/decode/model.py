"""A step with retrieval, bit-true: the engines' models one after another on one memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from golden.chips.decode.layer import SharedLayer
from golden.chips.decode.memory_image import MemoryImage, lanes_of, query_fields, row_bytes, template_rows
from golden.cluster.model import Cluster
from golden.kv import memory_map as kv
from golden.kv.scan import Scan, select
from golden.rows import Bytes, to_bytes


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a step leaves in memory, and what each head's scan did."""

    external: Bytes
    scans: tuple[Scan, ...]

    def results(self, image: MemoryImage) -> Bytes:
        """The result region."""
        return self.external[image.result_address :][: image.result_bytes]


def decode(layer: SharedLayer, image: MemoryImage) -> Decoded:
    """Projects all heads, scans each with the codes of its queries, and attends to what was selected.

    Tokens do not depend on a row's shift, so the largest queries' serves; the words that an exact scan reads do.
    """
    external = np.concatenate([image.data, np.zeros(image.result_bytes, np.uint8)])
    cluster = Cluster(layer.spec.cluster)
    cluster.run(image.project, external)
    scans = tuple(_scan(layer, image, external, head) for head in range(len(layer.heads)))
    for commands in image.attend:
        cluster.run(commands, external)
    return Decoded(external=external, scans=scans)


def _scan(layer: SharedLayer, image: MemoryImage, external: Bytes, head: int) -> Scan:
    """Selects a head's tokens, and writes row, list, and records as the decode units read them."""
    spec, address = layer.spec, image.address
    size = image.sizes["codes"]
    raw = external[address["codes"] + head * size :][:size]
    codes = raw.view(np.int8).astype(np.int64).reshape(layer.group, -1)
    fields = template_rows(layer, address)[head] | query_fields(codes)
    scan = select(
        torch.from_numpy(codes), layer.planes[:, head], layer.options, word_bytes=spec.kv.word_bytes
    )  # fmt: skip
    rows = layer.heads[head].rows
    chosen = scan.tokens.numpy()
    columns = {"token": [len(chosen), *chosen], "score": [0] * (len(chosen) + 1)}
    written = {
        address["rows"] + head * image.sizes["rows"]: row_bytes([fields], spec),
        address[f"list.{head}"]: to_bytes(kv.SCAN_ENTRY, columns, len(chosen) + 1),
        address[f"keys.{head}"]: lanes_of(layer.keys[chosen, head].numpy(), rows, spec),
        address[f"values.{head}"]: lanes_of(layer.values[chosen, head].numpy(), rows, spec),
    }
    for place, part in written.items():
        flat = part.reshape(-1)
        external[place : place + len(flat)] = flat
    return scan
