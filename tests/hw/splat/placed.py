"""What the voxel sorting unit's stages know of a view: sides, voxels, ranges."""

from __future__ import annotations

from dataclasses import replace

from golden.splat.frame import build_frame
from golden.splat.memory_image import aligned_first
from golden.splat.vsu import middles, near_bounds, reach, sides, stretched
from tests.golden.splat.views import View
from tests.hw.splat.datapath import Payload


def table(v: View) -> list[Payload]:
    """The sides of the camera's plane, of every column and of every row of groups, with axis and row in its table."""
    front = [-(-abs(int(c)) // 4) for c in v.frame.rotation[2]]
    rows: list[Payload] = [{"axis": 2, "row": 0, "sides": {"low": {"slope": 0, "normal": front}}}]
    for axis in range(2):
        found = sides(v.frame, axis, v.spec)
        for position, (slopes, normals) in enumerate(zip(found.slopes.tolist(), found.normals.tolist(), strict=True)):
            pair = [{"slope": slope, "normal": normal} for slope, normal in zip(slopes, normals, strict=True)]
            rows.append({"axis": axis, "row": position + 1, "sides": dict(zip(("low", "high"), pair, strict=True))})
    return rows


def placed(v: View) -> list[Payload]:
    """Every voxel in the view."""
    columns = (
        entries(v),
        near_bounds(v.image, v.frame, v.spec).tolist(),
        middles(v.image, v.frame, v.spec).tolist(),
        stretched(v.image, v.frame).tolist(),
        v.image.boxes.exponent.tolist(),
    )
    return [
        {"entry": entry, "bound": bound, "middle": middle, "half": half, "exponent": exponent}
        for entry, bound, middle, half, exponent in zip(*columns, strict=True)
    ]


def entries(v: View) -> list[Payload]:
    """What a list entry says of every voxel."""
    grid = v.image.grid
    columns = (grid.index.tolist(), grid.count.tolist(), aligned_first(v.image).tolist())
    return [dict(zip(("index", "count", "first"), row, strict=True)) for row in zip(*columns, strict=True)]


def reached(v: View, number: int) -> list[Payload]:
    """Of the first `number` those that some group visits, with first and last column and row."""
    found = reach(v.image, v.frame, v.spec)
    first, last = found.first.tolist(), found.last.tolist()
    return [
        {"entry": voxel["entry"], "bound": voxel["bound"], "first": first[n], "last": last[n]}
        for n, voxel in enumerate(placed(v)[:number])
        if found.seen[n]
    ]


def fill(sides: Payload) -> Payload:
    """Both sides, of which the camera's plane has only the low one."""
    none = {"slope": 0, "normal": [0, 0, 0]}
    return {"low": sides.get("low", none), "high": sides.get("high", none)}


def windowed(v: View) -> View:
    """Of the view's image the upper left corner, three by two groups."""
    camera = replace(v.camera, width=40, height=20)
    return replace(v, camera=camera, frame=build_frame(v.image, camera, v.spec))
