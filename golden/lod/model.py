"""The search, bit-true: what the engine reads from and writes to memory, view by view."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from golden.lod.frustum_check import outside
from golden.lod.memory_map import MASK_BITS
from golden.lod.size_check import size_check, slack
from golden.lod.spec import NEVER, SLACK_BITS
from golden.lod.tree_image import TreeImage
from golden.lod.view import View

NO_SLACK = 1 << SLACK_BITS
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


@dataclass(frozen=True, kw_only=True)
class Visits:
    """What the LT units find in n subtrees, int64 tensors [n]."""

    nodes: torch.Tensor  #: nodes that are reached, those outside the frustum among them
    cut: torch.Tensor
    expanded: torch.Tensor
    children: torch.Tensor  #: child subtrees to call: a frontier node above them changed
    least: torch.Tensor  #: the least slack of the reached inner nodes, `NO_SLACK` where there are none


def initial_state(image: TreeImage) -> State:
    """Nothing is visited."""
    zero = torch.zeros(len(image.sltree), dtype=torch.int64)
    return State(deadline=zero + NEVER, entered=zero, cut=zero, expanded=zero)


def deadline(travelled: torch.Tensor | int, least: torch.Tensor) -> torch.Tensor:
    """The odometer reading up to which no decision changes; one beyond the odometer's end is never reached."""
    return torch.where(least < NO_SLACK, travelled + least, NEVER).clamp(max=NEVER)


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
        due_at, entered, cut, expanded = (v.clone() for v in (old.deadline, old.entered, old.cut, old.expanded))
        due = due_at < view.travelled if state is not None else torch.zeros(self.count, dtype=torch.bool)
        called = torch.zeros(self.count, dtype=torch.bool)
        if begin:
            called[0], entered[0] = True, ALL
        visited, nodes = torch.zeros(self.count, dtype=torch.bool), 0
        for level in self.tree.levels:
            these = level.start + torch.nonzero((due | called)[level])[:, 0]
            if len(these) == 0:
                continue
            visited[these] = True
            found = self.visit(view, these, entered[these], expanded[these])
            nodes += int(found.nodes.sum())
            cut[these], expanded[these] = found.cut, found.expanded
            due_at[these] = deadline(view.travelled, found.least)
            row, child = torch.nonzero((found.children[:, None] >> torch.arange(MASK_BITS)) & 1, as_tuple=True)
            child = self.first_child[these][row] + child
            called[child] = True
            entered[child] = found.expanded[row]
        subtrees = torch.nonzero(visited)[:, 0]
        return Found(
            subtrees=subtrees,
            cuts=cut[subtrees],
            nodes=nodes,
            state=State(deadline=due_at, entered=entered, cut=cut, expanded=expanded),
        )

    def visit(self, view: View, subtrees: torch.Tensor, entered: torch.Tensor, before: torch.Tensor) -> Visits:
        """Tests the given subtrees.

        Args:
            entered: [n] masks of the expanded nodes of the parent subtrees.
            before: [n] masks of the frontier nodes that were expanded at the last visit.
        """
        big, aside, slacks = self.decide(view, subtrees)
        stop = self.inner[subtrees] & (~big | aside)
        return self.gather(subtrees, self.reached(subtrees, stop, entered), big, aside, slacks, before)

    def reached(self, subtrees: torch.Tensor, stop: torch.Tensor, entered: torch.Tensor) -> torch.Tensor:
        """Nodes in entered groups that no node above them in the subtree stops, bool [n, S]."""
        skip = self.skip[subtrees]
        open_ = self.used[subtrees] & (((entered[:, None] >> self.entry[subtrees].clamp(min=0)) & 1) == 1)
        resume = torch.zeros(len(subtrees), dtype=torch.int64)
        alive = torch.zeros_like(stop)
        for index in range(self.width):
            alive[:, index] = open_[:, index] & (resume <= index)
            resume = torch.where(alive[:, index] & stop[:, index], index + 1 + skip[:, index], resume)
        return alive

    def gather(
        self, subtrees: torch.Tensor, alive: torch.Tensor, big: torch.Tensor, aside: torch.Tensor,
        slacks: torch.Tensor, before: torch.Tensor,
    ) -> Visits:  # fmt: skip
        """Collects what the nodes of each subtree, [n, S], mean for it."""
        inner, link = self.inner[subtrees], self.link[subtrees]
        aside = inner & aside
        split = alive & inner & big & ~aside
        expanded = ((split & (link >= 0)) * self.bit).sum(dim=1)
        changed = (((expanded ^ before)[:, None] & self.bit) != 0) & (link >= 0)
        children = torch.zeros(len(subtrees), dtype=torch.int64)
        for index in range(self.width):  # several nodes may call one child
            children |= torch.where(changed[:, index], 1 << link[:, index].clamp(min=0), 0)
        return Visits(
            nodes=alive.sum(dim=1),
            cut=((alive & ~split & ~aside) * self.bit).sum(dim=1),
            expanded=expanded,
            children=children,
            least=torch.where(alive & inner, slacks, NO_SLACK).amin(dim=1),
        )
