"""From -log2(alpha) to alpha: the tests, the table, the shift; `golden.splat.pixel_lane.alpha`."""

from __future__ import annotations

from amaranth.hdl import Cat, Mux, Value

from golden.splat.spec import MAX_OCTAVE, Spec
from hw.lib.fixed import clip
from hw.lib.pipe import Pipe, Staged


def interpolation(spec: Spec) -> int:
    """Cycles that a linear table of the exponential takes beyond a constant one."""
    return 2 * spec.exp_linear


def is_positive(power: Value, spec: Spec) -> Value:
    """The power is not below -1, where it would be that of a conic which is no longer positive definite."""
    return power >= -(1 << spec.power_fraction)


def passes(power: Value, spec: Spec) -> Value:
    """The same, and alpha is at least 1/255."""
    return is_positive(power, spec) & (power <= spec.max_power)


def exponential(p: Pipe, spec: Spec, power: Staged, seen: Staged) -> Staged:
    """α = min(0.99, 2**-power), fraction alpha_bits; 0 where not `seen`, and, unless `preemptive`, below 1/255.

    `seen` may come 3 cycles after `power`. Latency 4 cycles, with `exp_linear` 6.
    """
    fraction = spec.power_fraction
    #: what is looked up has passed its own test, and is below 8
    tested = spec.alpha_check == "pixel" and spec.preemptive

    def limited(v: Value) -> Value:
        octave = v[fraction : fraction + 3] if tested else clip(v[fraction:-1], 0, MAX_OCTAVE)[:4]
        return Mux(v < 0, 0, Cat(v[:fraction], octave))

    def alpha(word: Value, down: Value, ok: Value) -> Value:
        shifted = word >> down
        drawn = ok if spec.preemptive else ok & (shifted >= spec.min_alpha)
        return Mux(drawn, clip(shifted, 0, spec.max_alpha), 0)[: spec.alpha_bits]

    bounded = p.stage(limited, power, name="bounded")
    root = _root(p, spec, Staged(bounded.value[:fraction], bounded.stage, "index"))
    octave = Staged(bounded.value[fraction:], bounded.stage, "octave")
    return p.stage(alpha, root, octave, seen, name="alpha")


def _root(p: Pipe, spec: Spec, index: Staged) -> Staged:
    """2**-x of the power's fraction."""
    if spec.exp_linear:
        return p.linear_table(spec.alpha_exp2_linear, index, name="exp2")
    entry = Staged(index.value[spec.power_fraction - spec.exp_index_bits :], index.stage, "entry")
    return p.step_table(spec.alpha_exp2, entry, name="exp2")
