"""Small scans as the blocks see them, and the model's answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from golden.kv.memory_image import MemoryImage
from golden.kv.scan import Scan, ScanOptions
from golden.kv.scan_image import ScanData, build_scan_image, quantise_scan, scan_fields, select_heads
from golden.kv.spec import TINY, Spec
from hw.kv.config import Config, tiny

#: Four tokens a word and two rows: few lanes, quick to simulate.
SMALL = replace(TINY, head_size=32, group=2, scan_tokens=64, tokens=64)
#: Five tokens in a word of 128 bits: eight bits of it are left over.
ODD = replace(TINY, head_size=24, group=3, scan_tokens=64, tokens=64)


@dataclass(frozen=True, kw_only=True)
class ScanWork:
    """Tokens and queries, and what the model makes of them."""

    spec: Spec
    data: ScanData
    options: ScanOptions

    @staticmethod
    def make(spec: Spec, tokens: int, rows: int, options: ScanOptions, *, seed: int, distinct: int = 0) -> ScanWork:
        g = torch.Generator().manual_seed(seed)
        keys = torch.randn(spec.heads, tokens, spec.head_size, generator=g)
        if distinct:
            keys = keys[:, torch.arange(tokens) % distinct]
        queries = torch.randn(spec.heads, rows, spec.head_size, generator=g)
        values = torch.randn(keys.shape, generator=g)
        data = quantise_scan(keys, values, queries, spec.head_size**-0.5, spec, planes=options.planes)
        return ScanWork(spec=spec, data=data, options=options)

    @property
    def config(self) -> Config:
        return replace(tiny(), spec=self.spec)

    @cached_property
    def image(self) -> MemoryImage:
        return build_scan_image(self.data, self.spec, self.options)

    @cached_property
    def scans(self) -> list[Scan]:
        return select_heads(self.data, self.spec, self.options)

    def row(self, head: int) -> dict[str, int]:
        """A head's row as `scan_row_layout` has it, without addresses: the queries in one member."""
        fields = scan_fields(self.data, self.spec, self.options, head)
        row = {name: value for name, value in fields.items() if not name.startswith("query_")}
        codes = self.data.queries[head].flatten().tolist()
        return {**row, "queries": sum((code & 0xFF) << 8 * k for k, code in enumerate(codes))}
