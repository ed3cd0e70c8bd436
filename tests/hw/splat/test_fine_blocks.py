"""Every block of the fine filter equals the model's function of that name, at both ends of its number ranges."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golden.splat.coarse_filter import Candidates
from golden.splat.color import color
from golden.splat.conic import conic
from golden.splat.covariance import covariance, scales
from golden.splat.extents import extents, slant_extent
from golden.splat.projection import Projection as ModelProjection
from golden.splat.projection import projection, scaled_centre
from golden.splat.slant import slant
from golden.splat.spec import DEFAULT, NANO, SLANTS, TINY, Spec
from golden.splat.touch import tiles, touch
from golden.splat.view_rotation import view_rotation
from hw.lib.payloads import SortedLayout
from hw.splat.color import Color
from hw.splat.conic import Conic
from hw.splat.covariance import Covariance
from hw.splat.extents import Extents
from hw.splat.projection import Projection
from hw.splat.tile_mask import TileMask
from hw.splat.touch import Touch
from hw.splat.view_rotation import ViewRotation
from tests.golden.splat.cases import CASES, case
from tests.golden.splat.rows import Row
from tests.golden.splat.strips import strips
from tests.golden.splat.views import View, pick
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import mask_bits, touch_payload, workload_of

SAMPLE = 60
SPECS = pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])
PACED = pytest.mark.parametrize(
    ("spec", "interval"),
    [(DEFAULT, 1), (TINY, 1), (TINY, 2), (NANO, 8), (NANO, 16)],
    ids=["default", "tiny", "once in 2", "once in 8", "nano"],
)
EVERY_CASE = pytest.mark.parametrize("name", CASES)


def header_of(v: View) -> Row:
    return workload_of(v).header


def chosen(name: str, spec: Spec, seed: int) -> tuple[View, Candidates]:
    v = case(name, spec)
    return v, pick(v.everything(v.middle), SAMPLE, seed)


def payloads(**columns: Tensor) -> list[Payload]:
    """One payload for each row of the columns."""
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]


def uniform(seed: int, low: int, high: int, *shape: int) -> Tensor:
    """Random codes from `low` to `high`, both of them among the first."""
    codes = torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed))
    codes[0], codes[1] = low, high
    return codes


@EVERY_CASE
@PACED
def test_projection(name: str, spec: Spec, interval: int, seed: int) -> None:
    """Tangents, 1/z and centre of every Gaussian in front of the near plane."""
    v, candidates = chosen(name, spec, seed)
    projects(v, candidates.point, interval)


@SPECS
def test_projection_of_any_point(spec: Spec, seed: int) -> None:
    """Centres on the axis, next to it, and far beyond what the formats hold, at any depth."""
    shift = uniform(seed + 1, 0, 30, 400, 3)
    point = uniform(seed, -(1 << 31), (1 << 31) - 1, 400, 3) >> shift
    point[:, 2] = (point[:, 2] & ((1 << 31) - 1)).clip(1)
    point[:3, :2] = torch.tensor([0, 1, -1])[:, None]
    v = case("far", spec)
    # With pixels that are no squares the far end has to be told by the shift.
    projects(replace(v, frame=replace(v.frame, focal_y=v.frame.focal_y >> 8)), point)
    p = projects(v, point)
    for codes, fmt in ((p.mean, spec.mean_format), (p.tangent, spec.rotation_format)):
        assert (int(codes.min()), int(codes.max())) == (fmt.low, fmt.high)


def projects(v: View, point: Tensor, interval: int = 1) -> ModelProjection:
    """The block does as the model, whose results these are."""
    p = projection(point, v.frame, v.middle, v.spec)
    centre, exponent = scaled_centre(p.mean, v.spec)
    rows = [{"point": q, "centre_x": v.middle.centre_x, "centre_y": v.middle.centre_y} for q in point.tolist()]
    wanted = payloads(
        tangent=p.tangent, reciprocal=p.reciprocal, zeros=p.zeros, mean=p.mean, centre=centre, exponent=exponent
    )
    same(answers(Projection(spec=v.spec, interval=interval), rows, header=header_of(v)), wanted)
    return p


@SPECS
def test_view_rotation(spec: Spec, seed: int) -> None:
    """Quaternions of a scene, and any codes at all: entries saturate as the model's do."""
    v, candidates = chosen("embedded", spec, seed)
    assert min(map(abs, v.frame.quaternion)) > 0
    low, high = spec.quaternion_format.low, spec.quaternion_format.high
    quaternion = torch.cat([v.records(candidates, "quaternion"), uniform(seed, low, high, SAMPLE, 4)])
    wanted = view_rotation(quaternion, v.frame, spec).flatten(1)
    assert int(wanted.max()) == spec.rotation_format.high
    same(
        answers(ViewRotation(spec=spec), payloads(quaternion=quaternion), header=header_of(v)),
        payloads(rotation=wanted),
    )


@pytest.mark.parametrize("component", range(4), ids="wxyz")
@SPECS
def test_view_rotation_rounds_halves_up(spec: Spec, component: int, seed: int) -> None:
    """Every component of the product lies half-way between two codes, by a camera quaternion along one axis."""
    half = 1 << (spec.quaternion_format.fraction - 1)
    camera = [33 * half if k == component else 0 for k in range(4)]
    high = spec.quaternion_format.high
    quaternion = uniform(seed, -high, high, SAMPLE, 4) | 1
    frame = replace(case("embedded", spec).frame, quaternion=tuple(camera))
    wanted = view_rotation(quaternion, frame, spec).flatten(1)
    header = {f"quaternion_{k}": code for k, code in enumerate(camera)}
    same(answers(ViewRotation(spec=spec), payloads(quaternion=quaternion), header=header), payloads(rotation=wanted))


def test_view_rotation_rounds_halves_of_its_entries_up(seed: int) -> None:
    """Sums of products half-way between two codes of an entry, from a camera without a turn and short quaternions."""
    spec = DEFAULT
    camera = (1 << spec.rotation_format.fraction, 0, 0, 0)
    up = spec.rotation_format.fraction - spec.quaternion_format.fraction  # the components fit without a rounding
    quaternion = uniform(seed, -200, 200, 1000, 4)
    w, x, y, z = (quaternion << up).unbind(-1)
    step = 1 << (spec.rotation_format.fraction - 1)  # of an entry
    ties = torch.stack([x * y - w * z, x * z + w * y, y * z - w * x]) % step == step // 2
    quaternion = quaternion[ties.any(0)]
    assert len(quaternion) > 10
    wanted = view_rotation(quaternion, replace(case("embedded", spec).frame, quaternion=camera), spec).flatten(1)
    header = {f"quaternion_{k}": code for k, code in enumerate(camera)}
    same(answers(ViewRotation(spec=spec), payloads(quaternion=quaternion), header=header), payloads(rotation=wanted))


def covariance_inputs(v: View, candidates: Candidates, seed: int) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
    """Scales of the scene, and in every third row any codes at all; and the model's covariances."""
    p = projection(candidates.point, v.frame, v.middle, v.spec)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    scale = v.records(candidates, "scale").clone()
    scale[::3] = uniform(seed, 0, (1 << v.spec.scale_bits) - 1, len(scale), 3)[::3]
    wanted = covariance(rotation, *scales(scale, v.spec), p, v.frame, v.spec)
    inputs = {"rotation": rotation.flatten(1), "scale": scale, "tangent": p.tangent}
    return inputs | {"reciprocal": p.reciprocal, "zeros": p.zeros}, wanted


@EVERY_CASE
@PACED
def test_covariance(name: str, spec: Spec, interval: int, seed: int) -> None:
    """All three entries, from scales of 2**-20 edges to those that overflow."""
    v, candidates = chosen(name, spec, seed)
    inputs, (cov, doublings) = covariance_inputs(v, candidates, seed)
    assert int(doublings.max()) > 0
    wanted = payloads(**entries_of(cov, doublings))
    same(answers(Covariance(spec=spec, interval=interval), payloads(**inputs), header=header_of(v)), wanted)


def entries_of(cov: Tensor, doublings: Tensor) -> dict[str, Tensor]:
    return dict(zip(("xx", "xy", "yy"), cov.unbind(-1), strict=True)) | {"doublings": doublings}


def covariances(spec: Spec, seed: int) -> tuple[Tensor, Tensor]:
    """Of all cases, and lines whose determinant is 0 or negative by rounding."""
    found = [covariance_inputs(*chosen(name, spec, seed), seed)[1] for name in CASES]
    lines = [[1 << 12, 1 << 12, 1 << 12], [100 << 12, -(10 << 12), 1 << 12], [1 << 12, 2 << 12, 1 << 12]]
    cov = torch.cat([*(cov for cov, _ in found), torch.tensor(lines)])
    return cov, torch.cat([*(doublings for _, doublings in found), torch.tensor([0, 1, 11])])


@pytest.mark.parametrize(
    ("spec", "interval"),
    [(DEFAULT, 1), (TINY, 1), (replace(DEFAULT, covariance_bits=24), 1), (TINY, 2), (NANO, 8), (NANO, 16)],
)
def test_conic(spec: Spec, interval: int, seed: int) -> None:
    """Mantissas, their shift, and the sign of the determinant; nothing else where that is not positive."""
    cov, doublings = covariances(spec, seed)
    mantissa, shift, positive = conic(cov, doublings, spec)
    assert 0 < int((~positive).sum()) < len(positive) // 2
    wanted = payloads(conic=mantissa, shift=shift, positive=positive.long())
    wanted = [row if row["positive"] else {"positive": 0} for row in wanted]
    same(answers(Conic(spec=spec, interval=interval), payloads(**entries_of(cov, doublings))), wanted)


@PACED
def test_extents(spec: Spec, interval: int, seed: int) -> None:
    """All five half-widths and the splat's direction, from what is too faint to what saturates."""
    cov, doublings = covariances(spec, seed)
    opacity = uniform(seed, 0, (1 << spec.opacity_bits) - 1, len(cov))
    wanted = extents(cov, doublings, opacity, spec)
    direction = slant(cov)
    across = slant_extent(cov, doublings, opacity, direction, spec)
    assert (int(wanted.max()), int(across.max())) == (spec.mean_format.high, 4 * spec.mean_format.high)
    assert len(direction.unique()) == len(SLANTS)
    same(
        answers(Extents(spec=spec, interval=interval), payloads(**entries_of(cov, doublings), opacity=opacity)),
        payloads(extent=wanted, slant=direction, slant_extent=across),
    )


@PACED
def test_touch(spec: Spec, interval: int, seed: int) -> None:
    """Strips anywhere around the group, on groups of any valid size; and whether they touch any sub-tile."""
    count = 400
    splats = strips(spec, seed, count)
    valid = {axis: uniform(seed + k, 1, spec.columns, count) for k, axis in enumerate(("columns", "rows"))}
    group = case("embedded", spec).middle
    wanted: list[Payload] = []
    for k in range(count):
        here = replace(group, valid_columns=int(valid["columns"][k]), valid_rows=int(valid["rows"][k]))
        ranges, direction = touch(*splats[k : k + 1], here, spec), splats.slant[k : k + 1]
        wanted.append({"any": 0})
        if bool(tiles(ranges, direction, spec).any()):
            wanted[-1] = {"any": 1, "touch": touch_payload(ranges[0].tolist(), int(direction))}
    rows = payloads(**vars(splats), valid_columns=valid["columns"], valid_rows=valid["rows"])
    assert 20 < sum(row["any"] for row in wanted) < count - 20
    same(answers(Touch(spec=spec, interval=interval), rows), wanted)


@SPECS
def test_tile_mask(spec: Spec, seed: int) -> None:
    """The sub-tiles within random ranges, some of them empty; ends and splats pass."""
    count = 300
    ranges = uniform(seed, 0, 1 << 20, count, 5, 2) % torch.tensor(spec.range_sizes)[:, None]
    direction = uniform(seed + 1, 0, len(SLANTS) - 1, count)
    wide = torch.arange(count)[:, None] % 3 > 0  # two thirds are in order
    ranges = torch.where(wide[..., None], ranges.sort(-1).values, ranges)
    masks = tiles(ranges, direction, spec)
    assert 20 < int(masks.any(-1).sum()) < count - 20
    rows: list[Payload] = []
    wanted: list[Payload] = []
    for k, row in enumerate(ranges.tolist()):
        touched = touch_payload(row, int(direction[k]))
        passes = {"end": int(k % 5 == 0), "splat": {"opacity": k}}
        rows.append(whole(SortedLayout(spec), {**passes, "touch": touched}))
        wanted.append({**passes, "mask": mask_bits(masks[k])})
    same(answers(TileMask(spec=spec), rows), wanted)


@pytest.mark.parametrize(
    ("degree", "scene_degree", "interval"), [*((d, s, 1) for d in range(4) for s in range(d + 1)), (1, 1, 8), (3, 3, 2)]
)
def test_color(degree: int, scene_degree: int, interval: int, seed: int) -> None:
    """Directions of any length, any coefficients; bands above the scene's degree count as zero, whatever is there."""
    spec = replace(DEFAULT, sh_degree=degree)
    count, rest = 50, (degree + 1) ** 2 - 1
    relative = uniform(seed, -(1 << 31), (1 << 31) - 1, count, 3) >> uniform(seed + 1, 0, 28, count)[:, None]
    relative[:, 0] |= 1
    dc = uniform(seed + 2, -(1 << (spec.dc_bits - 1)), (1 << (spec.dc_bits - 1)) - 1, count, 3)
    exponent = uniform(seed + 3, 0, 15, count)
    high = 1 << (spec.sh_bits - 1)
    sh = uniform(seed + 4, -high, high - 1, count, rest, 3) if rest else torch.zeros(count, 0, 3, dtype=torch.int64)
    used = sh.clone()
    used[:, (scene_degree + 1) ** 2 - 1 :] = 0
    wanted = color(relative, dc, exponent, used, spec)
    assert scene_degree == 0 or int(wanted.max()) == spec.color_format.high
    rows = payloads(relative=relative, dc=dc, exponent=exponent, sh=sh.flatten(1))
    same(answers(Color(spec=spec, interval=interval), rows, header={"sh_degree": scene_degree}), payloads(color=wanted))
