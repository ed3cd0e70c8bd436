"""What each variant of the pixel lanes costs in PSNR: alpha's check, its place, and the exponential's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from golden.splat.spec import DEFAULT, Spec
from sim.kernel.files import write_json, write_text
from sim.splat.views import Views

#: Of `golden.splat.spec.Spec`; the first is the default.
VARIANTS: tuple[dict[str, int | str], ...] = (
    {},
    {"alpha_check": "quad_any"},
    {"alpha_check": "quad_centre"},
    {"preemptive": 0},
    *({"exp_entries": n} for n in (8, 16, 32)),
    *({"exp_entries": n, "exp_linear": 1} for n in (8, 16, 32)),
    *({"power_fraction": 8, "exp_entries": n} for n in (8, 16, 32, 64, 128, 256)),
    *({"power_fraction": 8, "exp_entries": n, "exp_linear": 1} for n in (8, 16, 32, 64, 128)),
)


@dataclass(frozen=True, kw_only=True)
class VariantRow:
    """PSNR of every scene, and the largest error of the exponential."""

    changes: dict[str, int | str]
    table_error: float  #: |table - 2**-x| over 2**-x, at worst
    quality: list[float]


def table_error(spec: Spec) -> float:
    """The largest relative error of 2**-x for x in [0, 1), over all codes of x, before alpha's shift."""
    codes = range(1 << spec.power_fraction)
    cut = spec.power_fraction - spec.exp_index_bits
    got = [spec.alpha_exp2_linear(x) if spec.exp_linear else spec.alpha_exp2(x >> cut) for x in codes]
    wanted = [2 ** (spec.alpha_bits - x / len(codes)) for x in codes]
    return max(abs(g / w - 1) for g, w in zip(got, wanted, strict=True))


def run_sweep(views: Views, progress: Callable[[str], None]) -> list[VariantRow]:
    """Draws every view with every variant."""
    rows: list[VariantRow] = []
    for changes in VARIANTS:
        progress(_label(changes))
        spec = replace(DEFAULT, **changes)
        rows.append(VariantRow(changes=changes, table_error=round(table_error(spec), 5), quality=views.quality(spec)))
    return rows


def record(docs: Path, progress: Callable[[str], None], views: Views) -> list[Path]:
    """Draws, and writes JSON and table."""
    rows = run_sweep(views, progress)
    paths = [docs / "sweeps" / "splat-variants.json", docs / "sweeps" / "splat-variants.md"]
    write_json(
        paths[0], {"schema": 1, "measure": views.measure, "inputs": views.names, "rows": [asdict(r) for r in rows]}
    )
    write_text(paths[1], markdown(views.measure, views.names, rows))
    return paths


def markdown(measure: str, names: list[str], rows: list[VariantRow]) -> str:
    """A row a variant, a column a scene."""
    lines = [
        f"{measure}. Error: the largest of the exponential's table, relative.", "",
        f"| variant | error | {' | '.join(names)} |", f"|---|--:|{'--:|' * len(names)}",
    ]  # fmt: skip
    for row in rows:
        quality = " | ".join(f"{q:.2f}" for q in row.quality)
        lines.append(f"| {_label(row.changes)} | {row.table_error:.2%} | {quality} |")
    return "\n".join([*lines, ""])


def _label(changes: dict[str, int | str]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in changes.items()) or "default"
