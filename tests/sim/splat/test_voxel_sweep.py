"""The sweep of voxel and group sizes: larger ones read fewer list entries, and more Gaussians for nothing."""

from __future__ import annotations

from golden.scenes import load_scene, orbit
from golden.scenes.embedded import EMBEDDED_NAME
from sim.splat.voxel_sweep import CHOSEN, curves, markdown, sweep_row


def test_larger_voxels_and_smaller_groups_stream_more() -> None:
    """Of a small view; the chosen size's words are the measure of the others'."""
    scene = load_scene(EMBEDDED_NAME)
    camera = orbit(scene, 1, 3, width=128, height=128)
    rows = [sweep_row(scene, camera, "voxel_gaussians", value) for value in (16, 64)]
    rows += [sweep_row(scene, camera, "group_size", value) for value in (64, 128)]
    fine, chosen, same, whole = rows
    assert fine.edge < chosen.edge == same.edge == whole.edge
    assert fine.entries > chosen.entries
    assert fine.streamed < chosen.streamed
    assert (same.streamed, same.candidates, same.words) == (chosen.streamed, chosen.candidates, chosen.words)
    assert whole.candidates < chosen.candidates
    curve = curves(rows).curve("group_size")
    assert curve[CHOSEN["group_size"]] == [1.0]
    assert curve[128] == [round(whole.words / same.words, 3)]
    assert f"| {scene.name} | **`group_size` 64** | " in markdown(rows)
