"""The bytes of a job: a path of views through one tree, and what the engine leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from golden.errors import InputError, check_base
from golden.lod.hierarchy import Ints
from golden.lod.memory_map import (
    BLOCK_HEADER,
    JOB,
    LINE_BYTES,
    RESULT,
    RESULT_BYTES,
    STATE,
    STATE_BYTES,
    SUMMARY,
    SUMMARY_BYTES,
    VIEW,
    node,
)
from golden.lod.spec import NEVER, Spec
from golden.lod.tree_image import TreeImage
from golden.lod.view import View
from golden.rows import Bytes, from_bytes, to_bytes

if TYPE_CHECKING:  # torch is not needed to lay out memory
    from golden.lod.model import Found

SUMS = ("subtrees", "nodes")  # fields of a summary that the model has too


@dataclass(frozen=True, kw_only=True)
class LodImage:
    """All that the engine reads and writes. The state table and the results are what is read back."""

    data: Bytes  # from address 0, the initial state table at its end
    header_address: int
    result_address: int  #: the state table; the views' results follow
    result_bytes: int
    state_bytes: int
    result_stride: int
    word_bytes: int
    buffers: int
    subtrees: int
    views: int
    temporal: bool
    parts: dict[str, int] = field(default_factory=dict)  #: of each table the first byte address, for a DRAM's counts

    @property
    def kept(self) -> range:
        """The views whose results are there at the end."""
        return range(max(0, self.views - self.buffers), self.views)


@dataclass(frozen=True, kw_only=True)
class ViewResult:
    """One view as the engine left it."""

    subtrees: Ints
    cuts: Ints
    summary: dict[str, int]


def pack_tree(image: TreeImage) -> Bytes:
    """Every subtree's block, [B, block_bytes]."""
    tree, spec = image.sltree, image.spec
    count = len(tree)
    header = {
        **{f"origin_{axis}": image.origin[:, k] for k, axis in enumerate("xyz")},
        **{f"exponent_{axis}": image.exponent[:, k] for k, axis in enumerate("xyz")},
        "size_exponent": image.size_exponent,
        "last": tree.count - 1,
        "first_child": tree.first_child,
        "children": tree.children,
        "parent": np.maximum(tree.parent, 0),
    }
    frontier = tree.link >= 0
    nodes = {
        **{f"low_{axis}": image.low[..., k].ravel() for k, axis in enumerate("xyz")},
        **{f"high_{axis}": image.high[..., k].ravel() for k, axis in enumerate("xyz")},
        "mantissa": image.mantissa.ravel(),
        "size_exponent": image.node_exponent.ravel(),
        "frontier": frontier.ravel(),
        "link": np.where(frontier, tree.link, tree.skip).ravel(),
        "entry": np.maximum(tree.entry, 0).ravel(),
    }
    blocks = np.zeros((count, spec.block_bytes), np.uint8)
    head = to_bytes(BLOCK_HEADER, header, count)
    body = to_bytes(node(spec), nodes, count * spec.subtree_nodes).reshape(count, -1)
    blocks[:, : head.shape[1]] = head
    blocks[:, head.shape[1] : head.shape[1] + body.shape[1]] = body
    return blocks


def build_memory_image(
    image: TreeImage, path: Sequence[View], *, word_bytes: int, temporal: bool, buffers: int | None = None,
    base: int = 0,
) -> LodImage:  # fmt: skip
    """Lays out a job from `base`: job, views, tree, queue's overflow, state table, results.

    Args:
        temporal: only the first view searches from the root.
        buffers: places for results; None: one for every view.

    Raises:
        InputError: a temporal path with a frustum, or `base` within a line.
    """
    check_base("lod", base, LINE_BYTES)
    if temporal and any(view.planes.any() for view in path):
        raise InputError("lod: a temporal search sees all directions, it must be a full one to have a frustum")
    spec, count = image.spec, len(image.sltree)
    views, tree = _views(path, spec, temporal), pack_tree(image).reshape(-1)
    parents = max(int((image.sltree.children > 0).sum()), 1)
    view_address = base + LINE_BYTES
    tree_address = view_address + len(views)
    queue_address = _line(tree_address + len(tree))
    state_address = _line(queue_address + parents * word_bytes)
    state_bytes = _line(count * STATE_BYTES)
    stride = _line(word_bytes + -(-count * RESULT_BYTES // word_bytes) * word_bytes)
    places = len(path) if buffers is None else buffers
    job = {
        "view_address": view_address,
        "view_count": len(path),
        "tree_address": tree_address,
        "state_address": state_address,
        "state_words": -(-count * STATE_BYTES // word_bytes),
        "queue_address": queue_address,
        "queue_words": parents,
        "result_address": state_address + state_bytes,
        "result_stride": stride,
        "result_buffers": places,
    }
    data = np.zeros(state_address + state_bytes, np.uint8)
    data[base:view_address] = to_bytes(JOB, job, 1)[0]
    data[view_address:tree_address] = views
    data[tree_address : tree_address + len(tree)] = tree
    state = to_bytes(STATE, {"deadline": NEVER}, state_bytes // STATE_BYTES)
    data[state_address:] = state.reshape(-1)
    return LodImage(
        data=data, header_address=base, result_address=state_address, result_bytes=state_bytes + places * stride,
        state_bytes=state_bytes, result_stride=stride, word_bytes=word_bytes, buffers=places, subtrees=count,
        views=len(path), temporal=temporal,
        parts={
            "job": base, "views": view_address, "nodes": tree_address, "queue": queue_address,
            "state": state_address, "cuts": state_address + state_bytes,
        },
    )  # fmt: skip


def _views(path: Sequence[View], spec: Spec, temporal: bool) -> Bytes:
    rows = {
        **{f"camera_{axis}": np.array([v.camera[k] for v in path]) for k, axis in enumerate("xyz")},
        "factor": np.array([v.factor for v in path]),
        "exponent": np.array([v.exponent(spec.size_bits) for v in path]),
        "travelled": np.array([v.travelled for v in path]),
        "search": np.array([int(not temporal or k == 0) for k in range(len(path))]),
        "temporal": int(temporal),
        **{
            f"plane_{k}_{axis}": np.array([v.planes[k, a] for v in path])
            for k in range(4)
            for a, axis in enumerate("xyz")
        },
    }
    return to_bytes(VIEW, rows, len(path)).reshape(-1)


def _line(address: int) -> int:
    return -(-address // LINE_BYTES) * LINE_BYTES


def read_view(raw: Bytes, image: LodImage, view: int) -> ViewResult:
    """The results of view number `view` out of the read-back region."""
    begin = image.state_bytes + view % image.buffers * image.result_stride
    summary = {k: int(v[0]) for k, v in from_bytes(SUMMARY, raw[begin : begin + SUMMARY_BYTES][None]).items()}
    records = raw[begin + image.word_bytes :][: summary["subtrees"] * RESULT_BYTES].reshape(-1, RESULT_BYTES)
    found = from_bytes(RESULT, records)
    return ViewResult(subtrees=found["subtree"], cuts=found["cut"], summary=summary)


def read_state(raw: Bytes, image: LodImage) -> dict[str, Ints]:
    """The state table after the last view: columns of `memory_map.STATE`, [B]."""
    rows = raw[: image.subtrees * STATE_BYTES].reshape(-1, STATE_BYTES)
    return from_bytes(STATE, rows)


def read_results(raw: Bytes, image: LodImage, *, ordered: bool) -> dict[str, Ints]:
    """What the engine wrote, by name.

    `view K.subtree` and `view K.cut`, [n], are the visited subtrees of every view whose results are kept, `summary
    K.subtrees` and `summary K.nodes` its sums; `state.*`, [B], is the state table after a temporal path. An engine
    that is not `ordered` answers subtrees as it finds them: these are sorted here.
    """
    results: dict[str, Ints] = {}
    for number in image.kept:
        view = read_view(raw, image, number)
        order = slice(None) if ordered else np.argsort(view.subtrees, kind="stable")
        results |= _of_view(number, view.subtrees[order], view.cuts[order], view.summary)
    return results | (_of_state(read_state(raw, image)) if image.temporal else {})


def expected_results(model: Sequence[Found], image: LodImage) -> dict[str, Ints]:
    """The same of the model's views."""
    results: dict[str, Ints] = {}
    for number in image.kept:
        found = model[number]
        sums = {"subtrees": len(found.subtrees), "nodes": found.nodes}
        results |= _of_view(number, found.subtrees.numpy(), found.cuts.numpy(), sums)
    table = {name: column.numpy() for name, column in vars(model[-1].state).items()}
    return results | (_of_state(table) if image.temporal else {})


def last_cut(results: Mapping[str, Ints], image: LodImage) -> Ints:
    """The cut masks of all subtrees after the last view, [B]."""
    if image.temporal:
        return results["state.cut"]
    view = f"view {image.views - 1}"
    cut = np.zeros(image.subtrees, np.int64)
    cut[results[f"{view}.subtree"]] = results[f"{view}.cut"]
    return cut


def _of_view(number: int, subtrees: Ints, cuts: Ints, sums: Mapping[str, int]) -> dict[str, Ints]:
    named = {f"summary {number}.{name}": np.array(sums[name]) for name in SUMS}
    return {f"view {number}.subtree": subtrees, f"view {number}.cut": cuts, **named}


def _of_state(table: Mapping[str, Ints]) -> dict[str, Ints]:
    return {f"state.{field.name}": table[field.name] for field in STATE}
