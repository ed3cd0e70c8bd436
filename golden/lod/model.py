"""The search, bit-true: what the engine reads from and writes to memory, view by view."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from golden.lod.frustum_check import outside
from golden.lod.size_check import size_check, slack
from golden.lod.spec import NEVER, SLACK_BITS
from golden.lod.tree_image import TreeImage
from golden.lod.view import View

ALL = (1 << 32) - 1  # the root subtree is entered from every node of a parent that is not there


@dataclass(frozen=True, kw_only=True)
class State:
    """What is kept of every subtree between views, int64 tensors [B]; see `memory_map.STATE`."""

    deadline: torch.Tensor
    entered: torch.Tensor
    cut: torch.Tensor
    expanded: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Found:
    """One view's search. `subtrees` are the visited ones, ascending, `cuts` their masks."""

    subtrees: torch.Tensor
    cuts: torch.Tensor
    nodes: int  #: nodes that were reached, those outside the frustum among them
    state: State


def initial_state(image: TreeImage) -> State:
    """Nothing is visited."""
    zero = torch.zeros(len(image.sltree), dtype=torch.int64)
    return State(deadline=zero + NEVER, entered=zero, cut=zero, expanded=zero)


class SearchModel:
    """A tree, ready for any number of views."""

    def __init__(self, image: TreeImage) -> None:
        tree, spec = image.sltree, image.spec
        self.image, self.spec, self.tree = image, spec, tree
        exponent, origin = torch.from_numpy(image.exponent), torch.from_numpy(image.origin)
        low, high = torch.from_numpy(image.low), torch.from_numpy(image.high)
        self.count, self.width = len(tree), spec.subtree_nodes
        self.low = ((low << exponent[:, None]) + origin[:, None]).reshape(-1, 3)
        self.high = ((high << exponent[:, None]) + origin[:, None]).reshape(-1, 3)
        self.mantissa = torch.from_numpy(image.mantissa).reshape(-1)
        base = torch.from_numpy(image.size_exponent)
        self.exponent = (torch.from_numpy(image.node_exponent) + base[:, None]).reshape(-1)
        self.used = torch.from_numpy(image.used)
        self.inner = torch.from_numpy(~image.leaf) & self.used
        self.link, self.entry = torch.from_numpy(tree.link), torch.from_numpy(tree.entry)
        self.skip = torch.from_numpy(tree.skip)
        self.first_child = torch.from_numpy(tree.first_child)
        self.bit = 1 << torch.arange(self.width)

    def decide(self, view: View, subtrees: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(big, outside, slack) of all nodes of the given subtrees, [n, S]; without meaning at leaves."""
        places = (subtrees[:, None] * self.width + torch.arange(self.width)).reshape(-1)
        low, high, camera = self.low[places], self.high[places], torch.from_numpy(view.camera)
        decision = size_check(
            self.spec, low, high, self.mantissa[places], self.exponent[places], camera, view.factor,
            view.exponent(self.spec.size_bits),
        )  # fmt: skip
        parts = (
            decision.big.bool(), outside(torch.from_numpy(view.planes), low, high, camera), slack(self.spec, decision)
        )  # fmt: skip
        big, aside, slacks = (part.reshape(len(subtrees), self.width) for part in parts)
        return big, aside, slacks

    def search(self, view: View, state: State | None = None, *, begin: bool = True) -> Found:
        """One view: a full search, or a temporal one on from `state`.

        A subtree is visited if an entry of it changed in this view, or, with `state`, if the
        odometer has passed its deadline. `begin` enters the root. Subtrees are visited in
        ascending order, so that a parent's changes reach its children in the same view.
        """
        old = initial_state(self.image) if state is None else state
        deadline, entered, cut, expanded = (v.clone() for v in (old.deadline, old.entered, old.cut, old.expanded))
        due = deadline < view.travelled if state is not None else torch.zeros(self.count, dtype=torch.bool)
        called = torch.zeros(self.count, dtype=torch.bool)
        if begin:
            called[0], entered[0] = True, ALL
        visited, nodes = torch.zeros(self.count, dtype=torch.bool), 0
        for level in self.tree.levels:
            these = level.start + torch.nonzero((due | called)[level])[:, 0]
            if len(these) == 0:
                continue
            visited[these] = True
            big, aside, slacks = self.decide(view, these)
            inner = self.inner[these]
            big, aside = inner & big & ~aside, inner & aside
            alive = self._alive(these, inner & ~big, entered[these])
            nodes += int(alive.sum())
            split = alive & big
            outward = split & (self.link[these] >= 0)
            now = (outward * self.bit).sum(dim=1)
            changed = ((now ^ expanded[these])[:, None] & self.bit) != 0
            cut[these] = ((alive & ~split & ~aside) * self.bit).sum(dim=1)
            expanded[these] = now
            least = torch.where(alive & inner, slacks, 1 << SLACK_BITS).amin(dim=1)
            reading = torch.where(least < 1 << SLACK_BITS, view.travelled + least, NEVER)
            deadline[these] = reading.clamp(max=NEVER)
            row, index = torch.nonzero(changed, as_tuple=True)
            child = self.first_child[these][row] + self.link[these][row, index]
            called[child] = True
            entered[child] = now[row]
        subtrees = torch.nonzero(visited)[:, 0]
        return Found(
            subtrees=subtrees,
            cuts=cut[subtrees],
            nodes=nodes,
            state=State(deadline=deadline, entered=entered, cut=cut, expanded=expanded),
        )

    def _alive(self, these: torch.Tensor, stop: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
        """Nodes that are reached: in entered groups, what no node above in the subtree stops, [n, S]."""
        skip = self.skip[these]
        open_ = self.used[these] & (((entered[:, None] >> self.entry[these].clamp(min=0)) & 1) == 1)
        resume = torch.zeros(len(these), dtype=torch.int64)
        alive = torch.zeros_like(stop)
        for index in range(self.width):
            alive[:, index] = open_[:, index] & (resume <= index)
            resume = torch.where(alive[:, index] & stop[:, index], index + 1 + skip[:, index], resume)
        return alive
