"""Subtrees of a small tree as the RTL sees them, and the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from golden.lod.memory_image import pack_tree
from golden.lod.memory_map import BLOCK_HEADER, node
from golden.lod.model import Found, SearchModel, Visits
from golden.lod.spec import HEADER_BITS, Spec
from golden.lod.tree_image import TreeImage
from golden.lod.view import View, make_path
from golden.rows import from_bytes
from hw.lod.config import Config, tiny
from tests.golden.lod.trees import cameras, small_image


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One view of a small tree."""

    config: Config
    image: TreeImage
    model: SearchModel
    view: View
    found: Found

    def threshold(self) -> dict[str, Any]:
        return {
            "camera": [int(c) for c in self.view.camera],
            "factor": self.view.factor,
            "exponent": self.view.exponent(self.config.spec.size_bits),
        }

    def words(self, subtree: int) -> list[int]:
        """The memory words of a subtree."""
        raw = pack_tree(self.image)[subtree].tobytes()
        size = self.config.word_bytes
        return [int.from_bytes(raw[k : k + size], "little") for k in range(0, len(raw), size)]

    def nodes(self, subtree: int) -> tuple[dict[str, int], list[dict[str, int]]]:
        """The fields of a subtree's header, and of its nodes."""
        spec: Spec = self.config.spec
        raw = pack_tree(self.image)[subtree][None]
        header = {k: int(v[0]) for k, v in from_bytes(BLOCK_HEADER, raw[:, : HEADER_BITS // 8]).items()}
        count = int(self.image.sltree.count[subtree])
        body = raw[0, HEADER_BITS // 8 :][: count * spec.node_bits // 8].reshape(count, -1)
        fields = from_bytes(node(spec), body)
        return header, [{k: int(v[row]) for k, v in fields.items()} for row in range(count)]

    def finished(self, subtree: int, ticket: int, before: int) -> dict[str, Any]:
        """What the LT unit has to say of a subtree that is entered as in this view."""
        entered, s = self.found.state.entered[subtree : subtree + 1], self.image.sltree
        found = self.model.visit(self.view, torch.tensor([subtree]), entered, torch.tensor([before]))
        return {
            "ticket": ticket, "subtree": subtree, "turn": 1, "entered": int(entered),
            "first_child": int(s.first_child[subtree]),
            "children_end": int(s.first_child[subtree] + s.children[subtree]),
            "result": result(found, 0),
        }  # fmt: skip


def result(found: Visits, row: int) -> dict[str, int]:
    """The model's visit number `row` as the RTL's `ResultLayout`."""
    return {name: int(getattr(found, name)[row]) for name in ("cut", "expanded", "children", "least")}


@cache
def workload(tau: float = 8.0, config: Config | None = None) -> Workload:
    config = config or tiny()
    image = small_image(config.spec)
    model = SearchModel(image)
    view = make_path(image, cameras("orbit", 1), tau)[0]
    return Workload(config=config, image=image, model=model, view=view, found=model.search(view))
