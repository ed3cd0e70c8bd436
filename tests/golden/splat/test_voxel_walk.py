"""The paper's voxel order: rays meet what they pass, in order; Kahn's order keeps it, and cycles do not stop it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from golden.splat.frame import Group
from golden.splat.model import render
from golden.splat.spec import TINY
from golden.splat.voxel_walk import Graph, kahn_order, ray_directions, ray_graph, walk
from golden.splat.vsu import near_bounds
from tests.golden.splat.cases import case
from tests.golden.splat.views import View

STEP = 1 / 64  # of a voxel edge, between samples of a ray


def graph_of(count: int, edges: list[tuple[int, int]]) -> Graph:
    return Graph(cells=np.arange(count), edges=np.array(edges, np.int64).reshape(-1, 2))


def test_first_come_first_served() -> None:
    assert kahn_order(graph_of(5, [(3, 0), (3, 2), (0, 2), (4, 1)])) == ([3, 4, 0, 1, 2], 0)
    assert kahn_order(graph_of(0, [])) == ([], 0)


def test_cycles_are_cut_and_counted() -> None:
    """Two cycles, a cell behind one of them, which goes first as the lowest number, and one that is free."""
    order, guarded = kahn_order(graph_of(7, [(1, 2), (2, 3), (3, 1), (3, 0), (4, 5), (5, 4)]))
    assert (order, guarded) == ([6, 0, 1, 2, 3, 4, 5], 3)


def test_random_graphs(seed: int) -> None:
    """Every cell once; without cycles none before one that points to it."""
    rng = np.random.default_rng(seed)
    for _ in range(30):
        place = rng.permutation(40)
        pairs = {tuple(sorted(rng.integers(0, 40, 2).tolist())) for _ in range(120)}
        edges = [(int(place[a]), int(place[b])) for a, b in pairs if a != b]
        order, guarded = kahn_order(graph_of(40, edges))
        assert sorted(order) == list(range(40))
        assert guarded == 0
        at = {cell: n for n, cell in enumerate(order)}
        assert all(at[a] < at[b] for a, b in edges)
        backwards = [(b, a) for a, b in edges[:20]]
        order, guarded = kahn_order(graph_of(40, edges + backwards))
        assert sorted(order) == list(range(40))
        assert guarded > 0


def sampled(cells: dict[tuple[int, ...], int], v: View, group: Group) -> list[list[int]]:
    """Of every ray the cells it meets, by samples along it."""
    direction = ray_directions(v.frame, group, v.spec).astype(float)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    start = v.frame.position * 2.0**-16
    corners = np.array(list(cells))
    far = np.linalg.norm(np.maximum(np.abs(corners - start), np.abs(corners + 1 - start)), axis=1).max()
    places = np.floor(start + direction[:, None] * np.arange(0, far, STEP)[None, :, None]).astype(int)
    rows: list[list[int]] = []
    for ray in places:
        changes = np.flatnonzero(np.any(np.diff(ray, axis=0), axis=1))
        passed = [tuple(ray[k]) for k in [0, *(changes + 1).tolist()]]
        rows.append([cells[p] for p in passed if p in cells])
    return rows


@pytest.mark.parametrize("name", ["embedded", "close", "around"])
def test_rays_meet_what_samples_of_them_meet(name: str) -> None:
    """Nothing that a sample finds is missing, and the order of the graph is that of every ray."""
    v = case(name, TINY)
    cells = np.unique(v.image.grid.index, axis=0)
    known = {tuple(c): n for n, c in enumerate(cells.tolist())}
    group = v.middle
    graph = ray_graph(cells, v.frame, group, TINY)
    rays = sampled(known, v, group)
    assert {cell for ray in rays for cell in ray} <= set(graph.cells.tolist())
    assert len(np.unique(graph.edges, axis=0)) == len(graph.edges)
    order, guarded = kahn_order(graph)
    assert guarded == 0
    assert sorted(order) == graph.cells.tolist()
    at = {cell: n for n, cell in enumerate(order)}
    assert any(len(ray) > 2 for ray in rays)
    assert all(at[a] < at[b] for ray in rays for a, b in itertools.pairwise(ray))


def test_a_frame_in_the_papers_order() -> None:
    """Lists hold each voxel once; the picture is near the exact one, and exact where survivors are held back."""
    v = case("random", replace(TINY, sort_levels=13, sort_banks=8))
    v = replace(v, frame=replace(v.frame, groups=v.frame.groups[27:30]))
    walked = walk(v.image, v.frame, v.spec)
    visited = [group.voxels for group in walked.frame.groups]
    assert all(len(np.unique(voxels)) == len(voxels) > 0 for voxels in visited)
    unmet = sum(len(np.setdiff1d(group.voxels, voxels)) for group, voxels in zip(v.frame.groups, visited, strict=True))
    assert unmet == walked.unmet
    exact = render(v.image, v.frame, v.spec)
    paper = render(v.image, walked.frame, v.spec, held_back=False)
    apart = (exact.image.double() - paper.image.double()).square().mean()
    assert 0 < float(apart) < 200
    assert paper.work.voxels == sum(map(len, visited))
    everything = tuple(
        replace(group, voxels=exact_group.voxels, depths=exact_group.depths)
        for group, exact_group in zip(walked.frame.groups, v.frame.groups, strict=True)
    )
    assert bool((render(v.image, replace(v.frame, groups=everything), v.spec).image == exact.image).all())


def test_bounds_are_those_of_all_later_voxels() -> None:
    """So that survivors that are held back come out in exact depth order, whatever the order of the voxels."""
    v = case("close", replace(TINY, sort_levels=13, sort_banks=8))
    v = replace(v, frame=replace(v.frame, groups=v.frame.groups[20:23]))
    frame = walk(v.image, v.frame, v.spec).frame
    bounds = near_bounds(v.image, v.frame, v.spec)
    assert any((np.diff(bounds[group.voxels]) < 0).any() for group in frame.groups)
    for group in frame.groups:
        assert (np.diff(group.depths) >= 0).all()
        assert (group.depths <= bounds[group.voxels]).all()
        assert group.depths[-1] == bounds[group.voxels[-1]]
        ordered = np.sort(group.voxels)[np.argsort(bounds[np.sort(group.voxels)], kind="stable")]
        sorted_group = replace(group, voxels=ordered, depths=bounds[ordered])
        drawn, wanted = (render(v.image, replace(v.frame, groups=(g,)), v.spec).image for g in (group, sorted_group))
        assert bool((drawn == wanted).all())
