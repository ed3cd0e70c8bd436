"""Codes of keys, whatever is common to all of them, and of values, whatever the other tokens' are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from golden.kv.keys import load_keys
from golden.kv.model import Options, retrieve
from golden.kv.quantise import KEY_MAX, LEAST, Quantised, centred, codes, plane_scale, quantise, scale_of
from golden.kv.spec import KEY_BITS, TINY
from sim.kv.streams import layer_stream, quantise_stream
from tests.golden.kv.streams import clustered_floats

FIELDS = ("keys", "queries", "key_scale", "offsets", "shifts")
CONSTANTS = (3.0, -200.0, 1e4)


def parts(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Keys are multiples of 2**-9, so that float32 holds them and any of the constants more."""
    keys, values, queries = clustered_floats(TINY, 200, 5, seed=seed)
    return (keys * 512).round() / 512, values, queries


def same(one: Quantised, other: Quantised) -> bool:
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


@pytest.mark.parametrize("constant", CONSTANTS)
@pytest.mark.parametrize("options", [Options.of(TINY), Options.livevlm(TINY)])
def test_a_constant_in_all_keys_changes_nothing(constant: float, options: Options, seed: int) -> None:
    """To the last bit: one channel of one head, or all; codes, offsets and the tokens of every head."""
    keys, values, queries = parts(seed)
    plain = quantise(keys, values, queries, TINY)
    chosen = [head.tokens.tolist() for head in retrieve(plain, TINY, options).heads]
    for place in ((slice(1, 2), ..., 5), ...):
        moved = keys.clone()
        moved[place] += constant
        found = quantise(moved, values, queries, TINY, calibration=moved)
        assert same(found, plain)
        assert [head.tokens.tolist() for head in retrieve(found, TINY, options).heads] == chosen


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("constant", CONSTANTS)
def test_of_a_file(constant: float, kind: str, tmp_path: Path, seed: int) -> None:
    """The whole stream is the same, so that every figure is; doubles are as good as they are."""
    keys, values, queries = parts(seed)
    exact = keys.double() + torch.rand(keys.shape, generator=torch.Generator().manual_seed(seed)) * (kind == "f8")
    exact = (exact * 2**30).round() / 2**30
    streams = []
    for added in (0.0, constant):
        np.savez(tmp_path / "a.npz", K=(exact + added).numpy().astype(kind), V=values, Q=queries)
        streams.append(layer_stream(load_keys(tmp_path / "a.npz"), 0, 150))
    plain, moved = streams
    assert torch.equal(plain.keys, moved.keys)
    assert torch.equal(plain.calibration, moved.calibration)
    assert same(*(quantise_stream(stream, TINY, Options.of(TINY)) for stream in streams))


def test_calibration_centres(seed: int) -> None:
    """What the mean is of, and that the hyperplanes go through it."""
    keys, values, queries = parts(seed)
    calibration = keys[:, 100:] + 7
    assert torch.allclose(centred(keys, calibration), keys.double() - calibration.double().mean(1, keepdim=True))
    found = quantise(keys, values, queries, TINY, calibration=calibration)
    own = quantise(keys + 7, values, queries, TINY, calibration=calibration + 7)
    assert same(found, own)
    assert quantise(calibration, values[:, 100:], queries, TINY).offsets.abs().max() <= TINY.key_size // 4


def test_keys_that_are_all_the_same(seed: int) -> None:
    """Nothing is left of them, and nothing is divided by 0."""
    keys, values, queries = parts(seed)
    found = quantise(torch.full_like(keys, 0.1), values, queries, TINY)
    assert not found.keys.any()
    assert found.key_scale.tolist() == [1, 1]


def test_a_scale_for_every_token_of_values(seed: int) -> None:
    keys, values, queries = parts(seed)
    values[1, 3] *= 1e6
    values[0, 7] = 0
    values[0, 8] = LEAST / 1000  # in a head that has ordinary rows
    found = quantise(keys, values, queries, TINY)
    scale, wanted = found.value_scale, values.transpose(0, 1)
    assert scale.shape == (200, TINY.heads)
    assert torch.equal(scale.bfloat16().float(), scale)
    assert int(found.values.abs().max()) <= KEY_MAX
    assert ((found.values * scale[..., None] - wanted).abs() <= scale[..., None] * 0.5001).all()
    ordinary = wanted.abs().amax(2) > LEAST
    assert (scale[ordinary] <= wanted.abs().amax(2)[ordinary] / KEY_MAX * 1.008).all()
    assert (float(scale[7, 0]), float(scale[8, 0])) == (1, LEAST / KEY_MAX)
    assert not found.values[7, 0].any()


@pytest.mark.parametrize("planes", range(1, 6))
def test_the_scale_of_few_planes(planes: int, seed: int) -> None:
    """A quarter more than that with which normal values have the least squared error; that of the largest is worse."""
    values = torch.randn(1, 20000, 3, generator=torch.Generator().manual_seed(seed)) * torch.tensor([1.0, 30, 0])
    unread = KEY_BITS - planes
    whole, spread = scale_of(values, (1,)), (values**2).mean(1, keepdim=True).sqrt()
    scale = plane_scale(whole, spread, planes)

    def error(own: Tensor) -> Tensor:
        read = (codes(values, own) >> unread << unread) + ((1 << unread) - 1) / 2
        return ((read * own - values) ** 2).mean((0, 1))[:2]

    for factor in (0.68, 0.92):
        assert (error(scale * 0.8) < error(scale * factor)).all()
    assert planes > 4 or (error(scale) < error(whole) / 1.2).all()
    assert scale[0, 0, 2] == 1


def test_whole_codes_keep_their_scale() -> None:
    """And few planes never have a larger one than these."""
    whole, spread = torch.full((1, 1, 2), 2.0), torch.tensor([[[1.0, 1000.0]]])
    assert plane_scale(whole, spread, 8) is whole
    assert plane_scale(whole, spread, 2)[0, 0].tolist() == [pytest.approx(1.25 * 1.991 / 127), 2]
