from __future__ import annotations

import random

from golden.rows import Field, to_bytes
from hw.lib.fields import unpack_nested
from hw.lib.row_layout import layout_of


def test_cuts_what_the_host_packs(rng: random.Random) -> None:
    """Places, widths and signs are those of the packed row."""
    fields = [Field("a", 5), Field("b", 32, True), Field("c", 1), Field("d", 10, True)]
    for _ in range(50):
        row = {f.name: rng.getrandbits(f.width) - (1 << f.width - 1 if f.signed else 0) for f in fields}
        packed = int.from_bytes(to_bytes(fields, row, 1).tobytes(), "little")
        assert unpack_nested(packed, layout_of(fields)) == row
