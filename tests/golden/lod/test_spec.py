"""Specification and memory map: ranges, whole rows, codes that come back."""

from __future__ import annotations

import numpy as np
import pytest

from golden.errors import InputError
from golden.lod.memory_image import build_memory_image, pack_tree, read_results, read_state, read_view
from golden.lod.memory_map import (
    BLOCK_HEADER,
    JOB,
    JOB_BYTES,
    RESULT,
    RESULT_BYTES,
    STATE,
    STATE_BYTES,
    SUMMARY,
    SUMMARY_BYTES,
    VIEW,
    VIEW_BYTES,
    node,
)
from golden.lod.spec import DEFAULT, HEADER_BITS, NEVER, TINY, Spec
from golden.lod.view import make_path
from golden.rows import from_bytes, to_bytes, width_of_row
from tests.golden.lod.trees import cameras, small_image


@pytest.mark.parametrize("change", [{"subtree_nodes": 33}, {"subtree_nodes": 1}, {"box_bits": 5}, {"size_bits": 9}])
def test_refuses(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match=f"lod: {next(iter(change))} must lie in"):
        Spec(**change)


def test_rows_are_whole() -> None:
    for fields, size in ((JOB, JOB_BYTES), (VIEW, VIEW_BYTES), (STATE, STATE_BYTES), (RESULT, RESULT_BYTES)):
        assert width_of_row(fields) == 8 * size
    assert width_of_row(SUMMARY) == 8 * SUMMARY_BYTES
    assert width_of_row(BLOCK_HEADER) == HEADER_BITS
    assert (DEFAULT.node_bits, DEFAULT.block_bytes) == (64, 256)
    assert (TINY.node_bits, TINY.block_bytes) == (64, 64)
    for spec in (DEFAULT, TINY, Spec(box_bits=16, size_bits=8)):
        assert width_of_row(node(spec)) == spec.node_bits


def test_blocks_hold_the_tree() -> None:
    image = small_image(TINY)
    s, blocks = image.sltree, pack_tree(image)
    head = from_bytes(BLOCK_HEADER, blocks[:, : HEADER_BITS // 8])
    assert np.array_equal(head["last"] + 1, s.count)
    assert np.array_equal(head["first_child"], s.first_child)
    assert np.array_equal(head["children"], s.children)
    assert np.array_equal(head["parent"][1:], s.parent[1:])
    assert np.array_equal(head["size_exponent"], image.size_exponent)
    body = blocks[:, HEADER_BITS // 8 :].reshape(-1, TINY.node_bits // 8)
    fields = from_bytes(node(TINY), body)
    frontier = (s.link >= 0).ravel()
    assert np.array_equal(fields["frontier"].astype(bool), frontier)
    assert np.array_equal(fields["link"][frontier], s.link.ravel()[frontier])
    assert np.array_equal(fields["link"][~frontier], s.skip.ravel()[~frontier])
    assert np.array_equal(fields["high_y"], image.high[..., 1].ravel())


@pytest.mark.parametrize("word_bytes", [16, 64, 128])
def test_image_of_a_path(word_bytes: int) -> None:
    image = small_image(TINY)
    memory = build_memory_image(image, make_path(image, cameras("walk", 3), 4.0), word_bytes=word_bytes, temporal=True)
    job = {k: int(v[0]) for k, v in from_bytes(JOB, memory.data[None, :JOB_BYTES]).items()}
    assert job["view_count"] == job["result_buffers"] == 3
    assert all(job[name] % 128 == 0 for name in job if name.endswith("address") or name == "result_stride")
    assert job["result_address"] == memory.result_address + memory.state_bytes
    views = from_bytes(VIEW, memory.data[job["view_address"] :][: 3 * VIEW_BYTES].reshape(3, -1))
    assert views["search"].tolist() == [1, 0, 0]
    assert np.all(np.diff(views["travelled"]) > 0)
    raw = np.concatenate([memory.data[memory.result_address :], np.zeros(3 * memory.result_stride, np.uint8)])
    assert (read_state(raw, memory)["deadline"] == NEVER).all()
    assert len(read_view(raw, memory, 2).subtrees) == 0


@pytest.mark.parametrize("ordered", [True, False])
def test_results_come_back_by_name(ordered: bool) -> None:
    """Of the last two of three views, in the places that are used again; sorted where the engine has no order."""
    image = small_image(TINY)
    path = make_path(image, cameras("walk", 3), 4.0)
    memory = build_memory_image(image, path, word_bytes=64, temporal=False, buffers=2)
    raw = np.zeros(memory.result_bytes, np.uint8)
    for view, subtrees in ((2, [5, 0, 3]), (1, [4])):
        place = memory.state_bytes + view % 2 * memory.result_stride
        raw[place:][:SUMMARY_BYTES] = to_bytes(SUMMARY, {"subtrees": len(subtrees), "nodes": 9 + view}, 1)[0]
        rows = to_bytes(RESULT, {"subtree": subtrees, "cut": [1 << s for s in subtrees]}, len(subtrees)).reshape(-1)
        raw[place + 64 :][: len(rows)] = rows
    results = {name: array.tolist() for name, array in read_results(raw, memory, ordered=ordered).items()}
    found = [5, 0, 3] if ordered else [0, 3, 5]
    assert results == {
        "view 1.subtree": [4], "view 1.cut": [1 << 4], "summary 1.subtrees": 1, "summary 1.nodes": 10,
        "view 2.subtree": found, "view 2.cut": [1 << s for s in found], "summary 2.subtrees": 3, "summary 2.nodes": 11,
    }  # fmt: skip
