"""Fine filter: a Gaussian's record to a splat on the group's pixels, or nothing.

Every function is one block of the RTL of the same name. Widths and formats: docs/splat.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from golden.formats import saturate, shift_round
from golden.splat.coarse_filter import Candidates
from golden.splat.frame import Frame, Group
from golden.splat.scene_image import SceneImage
from golden.splat.spec import (
    COVARIANCE_FRACTION,
    COVARIANCE_WIDTH,
    DILATION,
    DIRECTION_FRACTION,
    EXTENT_FACTOR_FRACTION,
    HALF_LOG2E,
    SCALE_BIAS,
    SUM_WIDTH,
    Spec,
)
from golden.tables import LinearTable, StepTable


@dataclass(frozen=True, kw_only=True)
class Splats:
    """What the rasteriser needs of a Gaussian, in arrival order; int64 codes."""

    place: Tensor  # [M] place in the scene image
    depth: Tensor  # [M] sort key
    mean: Tensor  # [M, 2] relative to the group's corner, mean_format
    conic: Tensor  # [M, 3] mantissas of ½·log2(e)·(a, b, c), mantissa_bits (b signed)
    conic_shift: Tensor  # [M] value = mantissa · 2**-shift
    opacity: Tensor  # [M] -log2
    color: Tensor  # [M, 3] color_format
    mask: Tensor  # [M, columns²] bool, sub-tiles that the support can touch, row by row

    def __len__(self) -> int:
        return len(self.place)

    def select(self, kept: Tensor) -> Splats:
        return Splats(**{f.name: getattr(self, f.name)[kept] for f in fields(self)})


def bit_length(value: Tensor) -> Tensor:
    """Position of the highest set bit plus one; 0 for 0. Exact for 0 <= value < 2**53."""
    return torch.frexp(value.double())[1].long()


def normalise(value: Tensor, width: int, bits: int) -> tuple[Tensor, Tensor]:
    """Shifts left by the leading zeros of a `width`-bit word and keeps its top `bits` bits."""
    zeros = width - bit_length(value.clip(1))
    return (value << zeros) >> (width - bits), zeros


def look_up(table: LinearTable, code: Tensor) -> Tensor:
    """The table's straight pieces at every code."""
    index = table.segment(code)
    return table.interpolate(torch.tensor(table.base)[index], torch.tensor(table.slope)[index], code)


def step_look_up(table: StepTable, code: Tensor) -> Tensor:
    """The table's steps at every code."""
    return torch.tensor(table.values)[code]


def depth_key(z: Tensor, spec: Spec) -> Tensor:
    """Order-preserving code of a positive depth: 5 bits of exponent, then the leading mantissa bits."""
    mantissa, zeros = normalise(z, 31, 31)
    bits = spec.depth_bits - 5
    key = ((30 - zeros) << bits) | ((mantissa >> (30 - bits)) & ((1 << bits) - 1))
    return torch.where(z > 0, key, 0)


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A Gaussian's centre on the image, and 1/z for the blocks behind."""

    tangent: Tensor  # [M, 2] x/z, y/z, rotation_format
    reciprocal: Tensor  # [M] mantissa of 1/z
    zeros: Tensor  # [M] 1/z = reciprocal · 2**(zeros - 14 - mantissa_bits)
    mean: Tensor  # [M, 2] mean_format
    valid: Tensor  # [M] both tangents below 2 in size, and the mean in its format


def projection(point: Tensor, frame: Frame, group: Group, spec: Spec) -> Projection:
    """Perspective division and the centre on the image: u = f_x·x/z + c_x, relative to the group."""
    x, y, z = point.unbind(-1)
    bits = spec.mantissa_bits
    mantissa, zeros = normalise(z, 31, bits)
    reciprocal = look_up(spec.reciprocal, mantissa - (1 << (bits - 1))).clip(max=(1 << bits) - 1)
    valid = (x.abs() < 2 * z) & (y.abs() < 2 * z)
    tangents: list[Tensor] = []
    means: list[Tensor] = []
    for value, focal, centre in ((x, frame.focal_x, group.centre_x), (y, frame.focal_y, group.centre_y)):
        scaled = (torch.where(valid, value, 0) << zeros) >> (32 - bits)  # bits + 1 wide, signed
        tangent = shift_round(scaled * reciprocal, 2 * bits - 18, "half_up")  # rotation_format
        tangent = tangent.clip(-(1 << 17), (1 << 17) - 1)
        shift = 16 + bits - 1 - frame.focal_exponent - spec.screen_fraction
        means.append(shift_round(tangent * focal, shift, "half_up") + centre)
        tangents.append(tangent)
    mean = torch.stack(means, -1)
    fits = (mean >= spec.mean_format.low) & (mean <= spec.mean_format.high)
    return Projection(
        tangent=torch.stack(tangents, -1), reciprocal=reciprocal, zeros=zeros, mean=mean, valid=valid & fits.all(-1)
    )


def view_rotation(quaternion: Tensor, frame: Frame, spec: Spec) -> Tensor:
    """The Gaussian's axes in camera space: the matrix of q_camera · q, [M, 3, 3] rotation_format."""
    a, b, c, d = frame.quaternion
    w, x, y, z = quaternion.unbind(-1)
    products = (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )
    fmt = spec.rotation_format
    w, x, y, z = (saturate(shift_round(p, spec.quaternion_bits - 1, "half_up"), fmt) for p in products)
    one = 1 << (2 * fmt.fraction - 1)
    rows = (
        one - (y * y + z * z), x * y - w * z, x * z + w * y,
        x * y + w * z, one - (x * x + z * z), y * z - w * x,
        x * z - w * y, y * z + w * x, one - (x * x + y * y),
    )  # fmt: skip
    return torch.stack([saturate(shift_round(r, fmt.fraction - 1, "half_up"), fmt) for r in rows], -1).reshape(-1, 3, 3)


def scale_decode(code: Tensor, spec: Spec) -> tuple[Tensor, Tensor]:
    """Three scales on one exponent: mantissas u1.16 [M, 3] and the exponent, unbiased by 20."""
    exponent = code >> spec.scale_fraction
    mantissa = step_look_up(spec.scale_exp2, code & ((1 << spec.scale_fraction) - 1))
    largest = exponent.amax(-1, keepdim=True)
    return mantissa >> (largest - exponent).clip(max=17), largest[:, 0]


def covariance(
    rotation: Tensor, scale: Tensor, scale_exponent: Tensor, p: Projection, frame: Frame, spec: Spec
) -> Tensor:
    """Σ' = J·M·Mᵀ·Jᵀ + 0.3·I of M = rotation·diag(scale): xx, xy, yy in px² with 12 fraction bits.

    Rows of J·M without f/z: a_1k = V_0k - t_x·V_2k, a_2k = V_1k - t_y·V_2k; b = a·scale; sums of
    products of b are normalised together and then multiplied by (f/z)².
    """
    limit = torch.tensor([frame.limit_x, frame.limit_y])
    tangent = torch.maximum(torch.minimum(p.tangent, limit), -limit)
    rows: list[Tensor] = []
    for axis in range(2):
        a = (rotation[:, axis] << 16) - tangent[:, axis, None] * rotation[:, 2]
        a = shift_round(a, 17, "half_up")  # s2.15
        rows.append(shift_round(a * scale, 17, "half_up"))  # s3.14
    b1, b2 = rows
    sums = torch.stack([(b1 * b1).sum(-1), (b1 * b2).sum(-1), (b2 * b2).sum(-1)], -1)

    bits = spec.mantissa_bits
    largest = sums[:, 0] | sums[:, 2]
    _, sum_zeros = normalise(largest, SUM_WIDTH, bits)
    sums = (sums << sum_zeros[:, None]) >> (SUM_WIDTH - bits)
    hx = (frame.focal_x * p.reciprocal) >> bits
    hy = (frame.focal_y * p.reciprocal) >> bits
    factor = torch.stack([(hx * hx) >> bits, (hx * hy) >> bits, (hy * hy) >> bits], -1)

    # value = sums·2**(SUM_WIDTH - bits - sum_zeros - 28 + 2·(scale_exponent - 24))
    #       · factor·2**(3·bits)·2**(2·(focal_exponent - bits + 1))·2**(2·(zeros - 14 - bits))
    exponent = (
        SUM_WIDTH - bits - sum_zeros - 28 + 2 * (scale_exponent - SCALE_BIAS)
        + 3 * bits + 2 * (frame.focal_exponent - bits + 1) + 2 * (p.zeros - 14 - bits)
        + COVARIANCE_FRACTION
    )  # fmt: skip
    product = sums * factor  # 2·bits wide
    value = torch.where(
        (exponent < 0)[:, None],
        product >> (-exponent).clip(0, 40)[:, None],
        product << exponent.clip(0, COVARIANCE_WIDTH - 2 - 2 * bits)[:, None],
    )
    dilation = round(DILATION * (1 << COVARIANCE_FRACTION))
    return value + torch.tensor([dilation, 0, dilation])


def conic(cov: Tensor, spec: Spec) -> tuple[Tensor, Tensor, Tensor]:
    """½·log2(e)·Σ'⁻¹ as mantissas on one shift, and whether the determinant is positive."""
    bits, wide = spec.mantissa_bits, spec.covariance_bits
    largest = cov[:, 0] | cov[:, 2]
    _, zeros = normalise(largest, COVARIANCE_WIDTH, wide)
    xx, xy, yy = ((cov << zeros[:, None]) >> (COVARIANCE_WIDTH - wide)).unbind(-1)
    determinant = xx * yy - xy * xy
    positive = determinant > 0
    mantissa, det_zeros = normalise(determinant.clip(1), 2 * wide, bits)
    reciprocal = look_up(spec.scaled_reciprocal, mantissa - (1 << (bits - 1)))
    drop = max(wide - bits, 0)
    a, b, c = ((v >> drop) * reciprocal for v in (yy, -xy, xx))
    _, conic_zeros = normalise(a | c, 2 * bits, bits)
    mantissas = (torch.stack([a, b, c], -1) << conic_zeros[:, None]) >> bits
    # a = (yy >> drop)·reciprocal; Σ' = xx·2**unit px²; determinant = mantissa·2**(2·wide - bits - det_zeros + 2·unit)
    unit = COVARIANCE_WIDTH - wide - zeros - COVARIANCE_FRACTION
    exponent = bits - conic_zeros + drop + unit - (2 * bits - 1) - (2 * wide - bits - det_zeros) - 2 * unit
    return mantissas, -exponent, positive


def extents(cov: Tensor, opacity: Tensor, spec: Spec) -> Tensor:
    """Half-widths of the support alpha >= 1/255 along x, y, x+y and x-y, [M, 4], pixels, screen_fraction.

    e² = 2·ln(255·o)·v with v = xx, yy, xx+2xy+yy, xx-2xy+yy; rounded up.
    """
    margin = (spec.max_power << spec.opacity_fraction) - (opacity << spec.power_fraction)
    # 2·ln(255·o) = margin/HALF_LOG2E, u4.8, rounded up; zero when nothing is visible
    constant = round((1 << 10) / HALF_LOG2E) + 1
    down = spec.opacity_fraction + spec.power_fraction + 10 - EXTENT_FACTOR_FRACTION
    factor = ((margin.clip(0) * constant) >> down) + 1
    xx, xy, yy = cov.unbind(-1)
    variance = torch.stack([xx, yy, xx + 2 * xy + yy, xx - 2 * xy + yy], -1).clip(0)
    bits = spec.mantissa_bits
    mantissa, zeros = normalise(variance, COVARIANCE_WIDTH + 2, bits)
    product = (mantissa + 1) * factor[:, None]
    width = bits + 15  # of the product, with a zero on top
    # e² = product · 2**unit in units of the screen's step; an even exponent beside 8 leading bits
    # in [1, 4) leaves a whole exponent to the root.
    unit = COVARIANCE_WIDTH + 2 - bits - zeros - COVARIANCE_FRACTION - EXTENT_FACTOR_FRACTION
    up = width - bit_length(product)
    up = up - ((unit + width - up) & 1)
    root = step_look_up(spec.extent_sqrt, (product << up) >> (width - 8))
    shift = (unit + width - 2 - up) // 2 + spec.screen_fraction - 8
    extent = torch.where(shift >= 0, root << shift.clip(0, 20), (root >> (-shift).clip(0, 20)) + 1)
    return saturate(extent, spec.mean_format)


def touch(mean: Tensor, extent: Tensor, group: Group, spec: Spec) -> Tensor:
    """Sub-tiles with a pixel centre inside the support's octagon, [M, columns²]."""
    columns, fraction = spec.columns, spec.screen_fraction
    half = 1 << (fraction - 1)
    low = torch.arange(columns) * (spec.subtile << fraction) + half
    high = low + ((spec.subtile - 1) << fraction)
    u, v = mean.unbind(-1)
    ex, ey, es, ed = extent.unbind(-1)

    def overlaps(centre: Tensor, reach: Tensor, low: Tensor, high: Tensor) -> Tensor:
        shape = (-1,) + (1,) * low.dim()
        return (low <= (centre + reach).reshape(shape)) & (high >= (centre - reach).reshape(shape))

    column = overlaps(u, ex, low, high) & (torch.arange(columns) < group.valid_columns)
    row = overlaps(v, ey, low, high) & (torch.arange(columns) < group.valid_rows)
    rows, cols = torch.meshgrid(torch.arange(columns), torch.arange(columns), indexing="ij")
    total = overlaps(u + v, es, low[cols] + low[rows], high[cols] + high[rows])
    difference = overlaps(u - v, ed, low[cols] - high[rows], high[cols] - low[rows])
    return (column[:, None, :] & row[:, :, None] & total & difference).flatten(1)


def color(relative: Tensor, dc: Tensor, exponent: Tensor, sh: Tensor, spec: Spec) -> Tensor:
    """max(0, dc + Σ_k sh_k·P_k(n)) with n the view direction and P_k the bare SH polynomials.

    The constants of the harmonics are folded into the stored coefficients (scene_image.py).
    """
    base = shift_round(dc, spec.dc_fraction - spec.color_fraction, "half_up")
    rest = sh.shape[1]
    if rest == 0:
        return saturate(base, spec.color_format)
    polynomials = torch.stack(sh_polynomials(view_direction(relative, spec), rest), -1)
    total = (polynomials[:, :, None] * sh).sum(1)  # fraction 14 + 7 + exponent
    down = DIRECTION_FRACTION + spec.sh_bits - 1 - spec.color_fraction - 3 + exponent
    return saturate(base + ((total + (1 << (down - 1))[:, None]) >> down[:, None]), spec.color_format)


def view_direction(relative: Tensor, spec: Spec) -> Tensor:
    """relative / |relative|, [M, 3] s1.14."""
    length = bit_length(relative.abs().amax(-1).clip(1))
    up = 33 - length
    mantissa = (relative << up[:, None]) >> 17  # 16 bits and a sign
    square = (mantissa * mantissa).sum(-1)  # 30 to 34 bits
    zeros_even = (34 - bit_length(square)) & ~1
    code = (square << zeros_even) >> 18  # [2**14, 2**16)
    root = look_up(spec.reciprocal_sqrt, code)  # 2**16/sqrt(code / 2**14)
    shift = 32 - DIRECTION_FRACTION - zeros_even // 2
    return (mantissa * root[:, None] + (1 << (shift - 1))[:, None]) >> shift[:, None]


def sh_polynomials(n: Tensor, rest: int) -> list[Tensor]:
    """Bands 1 to 3 of the real spherical harmonics without their constants, s3.14."""
    x, y, z = n.unbind(-1)

    def product(a: Tensor, b: Tensor) -> Tensor:
        return shift_round(a * b, DIRECTION_FRACTION, "half_up")

    result = [y, z, x]
    if rest > 3:
        xx, yy, zz, xy, yz, xz = (
            product(x, x),
            product(y, y),
            product(z, z),
            product(x, y),
            product(y, z),
            product(x, z),
        )
        result += [xy, yz, 2 * zz - xx - yy, xz, xx - yy]
        if rest > 8:
            result += [
                product(y, 3 * xx - yy),
                product(xy, z),
                product(y, 4 * zz - xx - yy),
                product(z, 2 * zz - 3 * xx - 3 * yy),
                product(x, 4 * zz - xx - yy),
                product(z, xx - yy),
                product(x, xx - 3 * yy),
            ]
    return result


def fine_filter(candidates: Candidates, image: SceneImage, frame: Frame, group: Group, spec: Spec) -> Splats:
    """Projects the coarse filter's survivors and keeps those whose support touches a sub-tile."""
    place = candidates.place
    opacity = torch.from_numpy(image.opacity)[place]
    p = projection(candidates.point, frame, group, spec)
    rotation = view_rotation(torch.from_numpy(image.quaternion)[place], frame, spec)
    scale, scale_exponent = scale_decode(torch.from_numpy(image.scale)[place], spec)
    cov = covariance(rotation, scale, scale_exponent, p, frame, spec)
    mantissas, shift, positive = conic(cov, spec)
    mask = touch(p.mean, extents(cov, opacity, spec), group, spec)
    splats = Splats(
        place=place,
        depth=depth_key(candidates.point[:, 2], spec),
        mean=p.mean,
        conic=mantissas,
        conic_shift=shift,
        opacity=opacity,
        color=color(
            candidates.relative,
            torch.from_numpy(image.dc)[place],
            torch.from_numpy(image.sh_exponent)[place],
            torch.from_numpy(image.sh)[place],
            spec,
        ),
        mask=mask,
    )
    return splats.select(p.valid & positive & mask.any(-1))
