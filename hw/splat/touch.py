"""Which sub-tiles of the group a splat can colour."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import shape_of
from hw.lib.pipe import Pipe, Staged
from hw.splat.extents import DIRECTIONS, extent_layout


class Touch(wiring.Component):
    """Bit r·columns + c is set if and only if sub-tile (r, c) meets the octagon around the splat's support.

    `golden.splat.touch`: intervals of the pixel centres of every column, row and
    diagonal against centre ± extent. No multiplier: 4·columns - 2 interval tests. Latency 4 cycles,
    one a cycle.
    """

    latency = 4

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                #: a splat's octagon, and its group
                "i": In(
                    data.StructLayout(
                        {
                            "mean": data.ArrayLayout(shape_of(spec.mean_format), 2),  #: centre from the group's corner
                            "extent": extent_layout(spec),  #: half-widths along x, y, x+y and x-y
                            "valid_columns": range(spec.columns + 1),  #: of sub-tiles, on the image
                            "valid_rows": range(spec.columns + 1),  #: of sub-tiles, on the image
                        }
                    )
                ),
                #: one bit a sub-tile, and whether there is one
                "o": Out(data.StructLayout({"mask": spec.columns**2, "any": 1})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        n = self.spec.columns
        low, high = self._intervals(p)
        edge = [self._edge(k) for k in range(n)]
        # Along x+y the sub-tiles of one anti-diagonal share an interval, along x-y of one diagonal.
        sums = [
            (edge[k // 2][0] + edge[k - k // 2][0], edge[k // 2][1] + edge[k - k // 2][1]) for k in range(2 * n - 1)
        ]
        span = edge[0][1] - edge[0][0]
        step = edge[1][0] - edge[0][0]
        differences = [((k - n + 1) * step - span, (k - n + 1) * step + span) for k in range(2 * n - 1)]
        tests = {"x": edge, "y": edge, "sum": sums, "difference": differences}
        hit = {
            name: p.stage(
                lambda lo, hi, t=tests[name]: Cat((lo <= b) & (hi >= a) for a, b in t),
                low[name],
                high[name],
                name=f"hit_{name}",
            )
            for name in DIRECTIONS
        }
        valid = {
            axis: p.stage(
                lambda v: Cat(k < v for k in range(n)), p.source(self.i[f"valid_{name}"], name), name=f"valid_{name}"
            )
            for axis, name in (("x", "columns"), ("y", "rows"))
        }

        def mask(x: Value, y: Value, s: Value, d: Value, vx: Value, vy: Value) -> Value:
            return Cat(x[c] & vx[c] & y[r] & vy[r] & s[r + c] & d[c - r + n - 1] for r in range(n) for c in range(n))

        touched = p.stage(mask, *(hit[name] for name in DIRECTIONS), valid["x"], valid["y"], name="mask")
        some = p.stage(lambda v: v.any(), touched, name="any")
        p.finish(self.o, self.latency, mask=touched, any=some)
        return m

    def _edge(self, k: int) -> tuple[int, int]:
        """First and last pixel centre of column (or row) k, in screen units."""
        fraction, size = self.spec.screen_fraction, self.spec.subtile
        first = (k * size << fraction) + (1 << (fraction - 1))
        return first, first + ((size - 1) << fraction)

    def _intervals(self, p: Pipe) -> tuple[dict[str, Staged], dict[str, Staged]]:
        """centre - extent and centre + extent in all four directions."""
        mean = [p.source(self.i.mean[k], f"mean_{k}") for k in range(2)]
        extent = {name: p.source(self.i.extent[k], f"extent_{name}") for k, name in enumerate(DIRECTIONS)}
        centre = {
            "x": lambda u, v: u,
            "y": lambda u, v: v,
            "sum": lambda u, v: u + v,
            "difference": lambda u, v: u - v,
        }
        low = {
            name: p.stage(lambda u, v, e, c=centre[name]: c(u, v) - e, *mean, extent[name], name=f"low_{name}")
            for name in DIRECTIONS
        }
        high = {
            name: p.stage(lambda u, v, e, c=centre[name]: c(u, v) + e, *mean, extent[name], name=f"high_{name}")
            for name in DIRECTIONS
        }
        return low, high
