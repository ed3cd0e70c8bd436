"""The datapath of the fine filter: every block in step."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, ShapeLike, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.fixed import shape_of
from hw.lib.paced import paced_pipe, turn_port
from hw.lib.pipe import Pipe, Staged
from hw.splat.color import Color
from hw.splat.conic import Conic
from hw.splat.covariance import Covariance
from hw.splat.depth_key import depth_key
from hw.splat.extents import Extents
from hw.splat.layouts import DetailLayout, SurvivorLayout
from hw.splat.projection import Projection
from hw.splat.row_layouts import header_layout
from hw.splat.touch import Touch
from hw.splat.view_rotation import ViewRotation

GROUP_FIELDS = ("centre_x", "centre_y", "valid_columns", "valid_rows")


def group_fields(spec: Spec) -> dict[str, ShapeLike]:
    """What a fine unit knows of the group: the principal point from its corner, and its sub-tiles on the image."""
    mean, count = shape_of(spec.mean_format), range(spec.columns + 1)
    return dict(zip(GROUP_FIELDS, (mean, mean, count, count), strict=True))


def result_layout(spec: Spec) -> data.StructLayout:
    """A survivor; `keep`: it is a splat or carries a mark."""
    return data.StructLayout({"survivor": SurvivorLayout(spec), "keep": 1})


class FineUnit(wiring.Component):
    """A candidate with its record to a splat; `golden.splat.fine_filter.fine_filter`.

    Latency 59 cycles, one Gaussian a cycle; with an `interval` of more than 1, a power of two, one in so many cycles, a
    few cycles later, and with fewer multipliers: what is the same for several numbers is done in turn. Marks travel
    along; `mark.some` of the result says that the support touches a sub-tile, `keep` that the payload is worth passing
    on.
    """

    LATENCY = 59

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.units = {
            name: unit(spec=spec, interval=interval)
            for name, unit in {
                "projection": Projection, "view_rotation": ViewRotation, "covariance": Covariance, "conic": Conic,
                "extents": Extents, "touch": Touch, "color": Color,
            }.items()
        }  # fmt: skip
        slower = sum(
            self.units[name].latency - self.units[name].LATENCY
            for name in ("projection", "covariance", "extents", "touch")
        )
        self.latency = self.LATENCY + slower
        super().__init__(
            {
                **turn_port(interval),
                "i": In(
                    data.StructLayout({"detail": DetailLayout(spec), **group_fields(spec)})
                ),  #: a candidate, and its group
                "frame": In(header_layout()),  #: the frame's header, constant while the frame is drawn
                "o": Out(result_layout(spec)),  #: `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        spec, units = self.spec, self.units
        for name, unit in units.items():
            m.submodules[name] = unit
            if "frame" in unit.signature.members:
                m.d.comb += unit.frame.eq(self.frame)

        detail = self.i.detail
        record = detail.record

        def source(value: Value, name: str) -> Staged:
            return p.source(Value.cast(value), name)

        def members(prefix: str, suffixes: str) -> Staged:
            return p.join([source(record[f"{prefix}_{s}"], f"{prefix}_{s}") for s in suffixes], prefix)

        projected = p.unit(
            units["projection"],
            point=source(detail.point, "point"),
            **{name: source(self.i[name], name) for name in ("centre_x", "centre_y")},
        )
        rotation = p.unit(units["view_rotation"], quaternion=members("quaternion", "wxyz"))
        covariance = p.unit(
            units["covariance"],
            rotation=rotation("rotation"),
            scale=members("scale", "012"),
            **{name: projected(name) for name in ("tangent", "reciprocal", "zeros")},
        )
        cov = {name: covariance(name) for name in ("xx", "xy", "yy", "doublings")}
        conic = p.unit(units["conic"], **cov)
        opacity = source(record.opacity, "opacity")
        extents = p.unit(units["extents"], **cov, opacity=opacity)
        touched = p.unit(
            units["touch"],
            mean=projected("mean"),
            **{name: extents(name) for name in ("extent", "slant", "slant_extent")},
            **{name: source(self.i[name], name) for name in ("valid_columns", "valid_rows")},
        )
        colored = p.unit(units["color"], **self._color_inputs(p))
        behind = p.stage(lambda z: z - self.frame.near, source(detail.point[2], "z"), name="behind")
        depth = depth_key(p, behind, spec, name="depth")

        rank = p.join([source(detail.rank_low, "rank_low"), source(record.rank, "rank_high")], "rank")

        mark = p.source(detail.mark, "mark")
        some = p.stage(
            lambda k, a, b: k.some & a & b,
            mark,
            conic("positive"),
            touched("any"),
            name="some",
        )
        self._finish(
            m,
            p,
            some,
            mark,
            {
                "mean": projected("centre"),
                "mean_exponent": projected("exponent"),
                "conic": conic("conic"),
                "conic_shift": conic("shift"),
                "opacity": opacity,
                "color": colored("color"),
            },
            {"depth": depth, "rank": rank, "touch": touched("touch")},
        )
        return m

    def _color_inputs(self, p: Pipe) -> dict[str, Staged]:
        record = self.i.detail.record
        rest = range(self.spec.rest_coefficients)
        inputs = {
            "relative": p.source(Value.cast(self.i.detail.relative), "relative"),
            "dc": p.join([p.source(record[f"dc_{c}"], f"dc_{c}") for c in "rgb"], "dc"),
        }
        if rest:
            inputs["exponent"] = p.source(record.sh_exponent, "sh_exponent")
            inputs["sh"] = p.join([p.source(record[f"sh_{k}_{c}"], f"sh_{k}_{c}") for k in rest for c in "rgb"], "sh")
        return inputs

    def _finish(
        self, m: Module, p: Pipe, some: Staged, mark: Staged, splat: dict[str, Staged], rest: dict[str, Staged]
    ) -> None:
        """Delays every result to the last cycle and puts it in its field of the output."""
        if some.stage != self.latency:
            raise ValueError(f"the datapath takes {some.stage} cycles, its stated latency is {self.latency}")
        out = self.o.survivor
        last = p.at(mark, self.latency)
        m.d.comb += [
            out.mark.eq(last),
            out.mark.some.eq(some.value),
            self.o.keep.eq(some.value | last.begin | last.end),
            *(Value.cast(out[name]).eq(Value.cast(p.at(v, self.latency))) for name, v in rest.items()),
            *(Value.cast(out.splat[name]).eq(Value.cast(p.at(v, self.latency))) for name, v in splat.items()),
        ]
