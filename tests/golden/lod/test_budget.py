"""Thresholds as codes, and the finest cut within a budget by sorting: held against every node's own decision."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from golden.errors import InputError
from golden.lod.budget import finest_by_sorting, growth, splitting_codes
from golden.lod.hierarchy import Hierarchy
from golden.lod.model import SearchModel
from golden.lod.sltree import build_sltree
from golden.lod.spec import TINY, Spec
from golden.lod.threshold import MAX_TAU, MIN_TAU, Thresholds, factor_of
from golden.lod.tree_image import build_tree_image, cut_nodes
from golden.lod.view import make_path
from golden.scenes import Camera
from tests.golden.lod.trees import cameras, small_image, small_tree

FOCALS = (3.7, 512.0, 1234.567, 98765.4)


def drawn(model: SearchModel, camera: Camera, tau: float) -> int:
    """Gaussians of the cut that a search finds."""
    image = model.image
    found = model.search(make_path(image, [camera], tau)[0])
    return len(image.sltree.hierarchy.drawn(cut_nodes(image.sltree, found.state.cut.numpy())))


@pytest.mark.parametrize("focal", FOCALS)
def test_codes_are_the_engines_thresholds_in_order(focal: float) -> None:
    """Neighbours differ by one step of the mantissa, over its wrap too, and every code has a threshold."""
    codes = Thresholds(focal=focal)
    wrap = (codes.coarsest // 65536 + 3) * 65536
    places = (codes.coarsest, wrap - 2, wrap - 1, wrap, wrap + 1, codes.finest - 1)
    for low, high in ((k, k + 1) for k in places):
        values = [math.ldexp(*factor_of(focal, codes.tau(code))) for code in (low, high)]
        assert [codes.code(codes.tau(code)) for code in (low, high)] == [low, high]
        assert values[0] < values[1] <= values[0] * (1 + 2**-16)
        assert MIN_TAU <= codes.tau(high) < codes.tau(low) <= MAX_TAU
    assert (codes.code(MAX_TAU), codes.code(MIN_TAU)) == (codes.coarsest, codes.finest)
    assert all(float(f"{codes.tau(code):.7g}") == codes.tau(code) for code in places), "few digits"


def test_a_tree_with_a_highest_threshold() -> None:
    codes = Thresholds(focal=512.0, highest=77.7777777)
    assert codes.tau(codes.coarsest) <= 77.7777777
    assert codes.code(codes.tau(codes.coarsest)) == codes.coarsest == codes.code(77.7777777)


@pytest.mark.parametrize("spec", [TINY, Spec(box_bits=12, size_bits=5)])
@pytest.mark.parametrize("distance", [1.0, 0.3, 40.0])
def test_every_code_of_every_split(spec: Spec, distance: float, seed: int) -> None:
    """At a node's code the search splits it, one code below it does not; from near, from afar, and from within."""
    image = small_image(spec)
    camera = cameras("orbit", 1)[0]
    matrix = camera.world_to_camera.copy()
    matrix[:3, 3] *= distance
    camera = replace(camera, world_to_camera=matrix)
    model, codes = SearchModel(image), Thresholds.of(image, camera)
    tree = image.sltree.hierarchy
    split = splitting_codes(model, make_path(image, [camera], 1.0)[0])
    gain = growth(tree)
    within = np.unique(split[(split > codes.coarsest) & (split <= codes.finest)])
    some = np.random.default_rng(seed).choice(within, min(12, len(within)), replace=False)
    for code in [codes.coarsest, codes.finest, *(c for one in some.tolist() for c in (one - 1, one))]:
        assert drawn(model, camera, codes.tau(code)) == tree.gaussians[0] + gain[split <= code].sum()


def test_nodes_larger_than_those_above_them(seed: int) -> None:
    """They are split with the node above, not before it."""
    tree, camera = small_tree(60), cameras("orbit", 1)[0]
    size = np.random.default_rng(seed).uniform(0.01, 1, len(tree)) * tree.size[0]
    image = build_tree_image(build_sltree(replace(tree, size=size), TINY))
    model, codes = SearchModel(image), Thresholds.of(image, camera)
    for budget in range(3, 60, 8):
        answer = finest_by_sorting(model, make_path(image, [camera], 1.0)[0], budget, codes)
        assert drawn(model, camera, codes.tau(answer.code)) == answer.gaussians <= budget
        assert drawn(model, camera, codes.tau(answer.code + 1)) == answer.finer


def test_the_answer() -> None:
    """Within the budget, the next one beyond it; all budgets up to the whole tree."""
    image, camera = small_image(TINY), cameras("orbit", 1)[0]
    model, codes = SearchModel(image), Thresholds.of(image, camera)
    view = make_path(image, [camera], 1.0)[0]
    answers = [finest_by_sorting(model, view, budget, codes) for budget in (1, 2, 17, 100, 250, 10_000)]
    for budget, answer in zip((1, 2, 17, 100, 250), answers, strict=False):
        assert answer.finer is not None
        assert drawn(model, camera, codes.tau(answer.code)) == answer.gaussians <= budget
        assert drawn(model, camera, codes.tau(answer.code + 1)) == answer.finer > budget
    assert all(a.code < b.code for a, b in itertools.pairwise(answers))
    assert (answers[-1].code, answers[-1].finer) == (codes.finest, None)


def several(gaussians: int, kept: int, *, size: float = 1.0) -> Hierarchy:
    """The small tree, its root standing for the first so many Gaussians."""
    tree = small_tree()
    parts = {name: getattr(tree, name).copy() for name in ("gaussians", "kept", "gaussian", "size")}
    for name, value in (("gaussians", gaussians), ("kept", kept), ("gaussian", 0), ("size", size)):
        parts[name][0] = value
    return replace(tree, **parts)


def test_nodes_of_several_gaussians() -> None:
    """What a split node keeps counts; a tree whose finer cuts may be smaller has no finest within a budget."""
    children = int(small_tree().children[0])
    assert growth(several(children + 2, 2))[0] == 0
    assert growth(several(children, 1))[0] == 1
    assert growth(several(children + 3, 0, size=np.inf))[0] == -3, "it is split whatever the threshold"
    rule = f"node 0 has {children + 1} and is split into {children}"
    with pytest.raises(InputError, match=f"nodes that do not stand for more .*, {re.escape(rule)}$"):
        growth(several(children + 1, 0))


def test_refuses_less_than_the_coarsest_cut() -> None:
    image, camera = small_image(TINY), cameras("orbit", 1)[0]
    codes = replace(Thresholds.of(image, camera), highest=30.0)
    model = SearchModel(image)
    least = drawn(model, camera, 30.0)
    view = make_path(image, [camera], 1.0)[0]
    assert finest_by_sorting(model, view, least, codes).gaussians == least > 1
    with pytest.raises(InputError, match=f"must be at least {least} Gaussians, the coarsest cut, it is {least - 1}"):
        finest_by_sorting(model, view, least - 1, codes)
