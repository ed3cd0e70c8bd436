"""The constants and the table behind the floating-point exponential; without torch, for the RTL too."""

from __future__ import annotations

import math
from functools import cache

from golden.tables import LinearTable

LOG2E_FRACTION = 17
LOG2E = round(math.log2(math.e) * 2**LOG2E_FRACTION)  # 18 bits
TABLE_BITS = 16  # fraction bits of the base-2 exponent
OUT_FRACTION = 18  # of the table's value


@cache
def exp2_falling() -> LinearTable:
    """2**-x for x in [0, 1), u1.18."""
    return LinearTable(
        function=lambda x: 2.0**-x, low=0, span=1, in_bits=TABLE_BITS, index_bits=8, out_fraction=OUT_FRACTION
    )
