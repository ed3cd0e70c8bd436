"""The composed models: what is selected, what is handed on, and what comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from golden.chips.decode import model, reference
from golden.chips.decode.layer import Layer, share_layer
from golden.chips.decode.memory_image import build, output, read_results
from golden.chips.decode.spec import Spec
from golden.cluster.fused_decode import fused_decode
from golden.cluster.head import share
from golden.cluster.memory_image import from_lanes
from golden.cluster.model import Cluster
from golden.kv.scan import ScanOptions
from tests.golden.chips.decode.layers import SIZE, layer, relative, spec_of

ENDS = 8  # tokens of a memory word of planes
OPTIONS = ScanOptions(budget=17, sink_tokens=2, window=3, planes=4)


def results(whole: Layer, options: ScanOptions, spec: Spec | None = None) -> dict[str, np.ndarray]:
    shared = share_layer(whole, spec or spec_of(), options)
    image = build(shared)
    return read_results(model.decode(shared, image).results(image), image, shared)


def test_everything_selected_is_the_step_without_retrieval(seed: int) -> None:
    """With a budget of all tokens, or more, each head's contribution has the bits of the plain fused step's."""
    whole = layer(37, seed)
    got = results(whole, replace(OPTIONS, budget=1000))
    for number, head in enumerate(whole.heads):
        shared = share(whole.hidden, head, spec_of().cluster)
        commands, image = fused_decode(shared)
        external = np.concatenate([image.data, np.zeros(image.result_bytes, np.uint8)])
        Cluster(spec_of().cluster).run(commands, external)
        lanes = from_lanes(external[image.result_address :], spec_of().cluster)
        parts = np.ascontiguousarray(lanes).view("<f4").reshape(len(lanes), shared.group, -1)
        assert np.array_equal(got[f"output.{number}"], parts.swapaxes(0, 1).reshape(shared.group, -1))
        assert np.array_equal(got[f"tokens.{number}"], np.arange(37))
        assert np.array_equal(got[f"keys.{number}"][:37], shared.keys.reshape(-1, SIZE)[:37])


@pytest.mark.parametrize("budget", [16, 17, 18])
def test_what_queries_ask_for_is_kept(budget: int, seed: int) -> None:
    """The selection holds what the float rule selects but for close scores, and the output is float attention's.

    Budgets leave no place, or several, in the last row for the new token.
    """
    whole = layer(200, seed, wanted=6)
    options = replace(OPTIONS, budget=budget)
    got = results(whole, options)
    wanted, tokens = reference.decode(whole, options, ENDS)
    for number, chosen in enumerate(tokens):
        mine = got[f"tokens.{number}"]
        assert len(mine) == budget
        assert len(set(mine) & set(chosen.tolist())) >= 0.6 * budget
        assert len(got[f"values.{number}"]) == budget + 1
    full = reference.attend_to(whole)
    assert relative(torch.from_numpy(output(got)), full) < 0.06
    assert relative(wanted, full) < 0.03
    assert reference.kept_mass(whole, tokens) > 0.95


def test_a_shared_offset_of_keys_changes_no_selection(seed: int) -> None:
    """Planes are of keys less their mean: what all have in common takes no bit of them."""
    whole = layer(120, seed, wanted=4)
    moved = [replace(h, keys=h.keys + 50) for h in whole.heads]
    found = results(whole, OPTIONS), results(replace(whole, heads=tuple(moved)), OPTIONS)
    for number in range(2):
        same = set(found[0][f"tokens.{number}"]) & set(found[1][f"tokens.{number}"])
        assert len(same) >= OPTIONS.budget - 1


@pytest.mark.parametrize(
    ("tokens", "options", "count"),
    [(1, OPTIONS, 1), (20, replace(OPTIONS, budget=0), 5), (9, replace(OPTIONS, budget=9), 9)],
)
def test_nothing_to_choose(tokens: int, options: ScanOptions, count: int, seed: int) -> None:
    """A cache of one token, a budget of 0 and one of all: what is kept always, or everything."""
    found = results(layer(tokens, seed), options)
    assert len(found["tokens.1"]) == count
    assert np.isfinite(output(found)).all()


def test_equal_keys(seed: int) -> None:
    """Where all scores are equal exactly the budget is selected, the earliest of what may be chosen."""
    whole = layer(60, seed)
    equal = tuple(replace(h, keys=h.keys[:1].expand(60, -1).contiguous()) for h in whole.heads)
    found = results(replace(whole, heads=equal), OPTIONS)
    assert found["tokens.0"].tolist() == [*range(14), 57, 58, 59]


@pytest.mark.parametrize("size", [SIZE, 2 * SIZE])
def test_query_codes_are_those_of_the_rotated_queries(size: int, seed: int) -> None:
    """Of every query, in the order of its channels, in one memory word or two."""
    whole = layer(40, seed, size=size)
    shared = share_layer(whole, spec_of(size=size), OPTIONS)
    found = results(whole, OPTIONS, spec_of(size=size))
    for number, head in enumerate(whole.heads):
        scales = torch.from_numpy(shared.factors[number]).norm(dim=1)
        wanted = reference.queries_of(whole.hidden, head) * scales
        assert np.abs(found[f"codes.{number}"] - wanted.numpy()).max() < 3
        assert found[f"keys.{number}"].shape == (OPTIONS.budget + 1, size)


def test_codes_leave_room(seed: int) -> None:
    """A scale of the decoded token itself leaves the largest query code a quarter below 127; zeros stay zeros."""
    whole = layer(30, seed)
    found = results(whole, OPTIONS)
    assert 60 < max(abs(int(found[f"codes.{k}"].min())) for k in range(2)) <= 102
    nothing = tuple(replace(h, query=torch.zeros_like(h.query)) for h in whole.heads)
    assert not results(replace(whole, heads=nothing), OPTIONS)["codes.0"].any()
