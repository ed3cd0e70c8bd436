"""Every payload of the LoD search core's streams."""

from __future__ import annotations

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from golden.lod.memory_map import BLOCK_HEADER, JOB, MASK_BITS, QUEUE, STATE, VIEW, node
from golden.lod.spec import (
    CAMERA_BITS,
    DISTANCE_BITS,
    DOUBLE_BITS,
    EXPONENT_BITS,
    MANTISSA,
    PLANE_BITS,
    SLACK_BITS,
    SUBTREE_BITS,
    Spec,
)
from hw.lib.row_layout import layout_of
from hw.lod.config import Config

INDEX_BITS = 5  # of a node in its subtree
PLACE_BITS = 6  # of a node, or of the place behind the last


def job_layout() -> data.StructLayout:
    """The job that starts a path."""
    return layout_of(JOB)


def view_layout() -> data.StructLayout:
    """One view's camera and threshold."""
    return layout_of(VIEW)


def block_header_layout() -> data.StructLayout:
    """What a subtree's block begins with."""
    return layout_of(BLOCK_HEADER)


def node_layout(spec: Spec) -> data.StructLayout:
    """A node of a subtree."""
    return layout_of(node(spec))


def state_layout() -> data.StructLayout:
    """What is kept of a subtree between views."""
    return layout_of(STATE)


def queue_layout() -> data.StructLayout:
    """A call that was spilled to memory."""
    return layout_of(QUEUE)


class ThresholdLayout(data.StructLayout):
    """What the size check needs of the view."""

    def __init__(self) -> None:
        super().__init__(
            {
                "camera": data.ArrayLayout(signed(CAMERA_BITS), 3),
                "factor": MANTISSA,
                "exponent": signed(EXPONENT_BITS),
            }
        )


def planes_layout() -> data.ArrayLayout:
    """Inward normals of the frustum's four sides."""
    return data.ArrayLayout(data.ArrayLayout(signed(PLANE_BITS), 3), 4)


class CallLayout(data.StructLayout):
    """A subtree to visit, entered below the expanded nodes of its parent subtree."""

    def __init__(self) -> None:
        super().__init__({"subtree": SUBTREE_BITS, "entered": MASK_BITS})


class VisitLayout(data.StructLayout):
    """A call with what is remembered: `before`, the frontier nodes that were expanded at the last visit.

    `turn`: of its view. Two views may be under way; they alternate.
    """

    def __init__(self) -> None:
        super().__init__({"subtree": SUBTREE_BITS, "entered": MASK_BITS, "before": MASK_BITS, "turn": 1})


class LoadLayout(data.StructLayout):
    """A visit with its place: ticket, LT unit and context."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "visit": VisitLayout(),
                "ticket": range(config.tickets),
                "unit": range(max(config.units, 2)),
                "context": range(config.contexts),
            }
        )


class WordLayout(data.StructLayout):
    """A memory word of a subtree on its way to a context."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "load": LoadLayout(config),
                "row": range(max(config.block_words, 2)),
                "last": 1,
                "data": config.memory_width,
            }
        )


class EntranceLayout(data.StructLayout):
    """A subtree that is complete in its context, `last` the index of its last node.

    `todo`: the nodes that have to be gone through, `first` of them, above `last` if there is none.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "valid": 1,
                "context": range(config.contexts),
                "last": INDEX_BITS,
                "todo": MASK_BITS,
                "first": PLACE_BITS,
            }
        )


class CandidateLayout(data.StructLayout):
    """A node under test with the frame of its subtree."""

    __test__ = False  # no test case for pytest

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "context": range(config.contexts),
                "index": INDEX_BITS,
                "node": node_layout(config.spec),
                "header": block_header_layout(),
                "entered": MASK_BITS,
                "before": MASK_BITS,
                "todo": MASK_BITS,
                "turn": 1,
            }
        )


class DecisionLayout(data.StructLayout):
    """What the size check says of a node, and what it means if the node is reached."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "context": range(config.contexts),
                "index": INDEX_BITS,
                "target": PLACE_BITS,  # the place behind the node and its descendants
                "inner": 1,  # no leaf
                "big": 1,
                "after": PLACE_BITS,  # the next node to go through if this one is expanded …
                "past": PLACE_BITS,  # … and if not
                "shut": 1,  # in a group that is not entered
                "outside": 1,  # not in the picture; without meaning at leaves
                "was": 1,  # the node was
                "frontier": 1,
                "link": INDEX_BITS,
                "turn": 1,
                "left": unsigned(DOUBLE_BITS),
                "right": unsigned(DOUBLE_BITS),
                "zeros": range(DISTANCE_BITS),
            }
        )


class CommitLayout(data.StructLayout):
    """A node's share in its subtree's result."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "context": range(config.contexts),
                "index": INDEX_BITS,
                "alive": 1,
                "inner": 1,
                "big": 1,
                "aside": 1,  # an inner node outside the picture
                "was": 1,
                "frontier": 1,
                "link": INDEX_BITS,
                "turn": 1,
            }
        )


class SlackLayout(data.StructLayout):
    """The two sides of a comparison."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "commit": CommitLayout(config),
                "left": unsigned(DOUBLE_BITS),
                "right": unsigned(DOUBLE_BITS),
                "zeros": range(DISTANCE_BITS),
            }
        )


class ResultLayout(data.StructLayout):
    """What is gathered of a subtree's nodes. `least` is 2**28 where nothing was tested."""

    def __init__(self) -> None:
        super().__init__({"cut": MASK_BITS, "expanded": MASK_BITS, "children": MASK_BITS, "least": SLACK_BITS + 1})


class FinishedLayout(data.StructLayout):
    """A visited subtree."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "ticket": range(config.tickets),
                "subtree": SUBTREE_BITS,
                "turn": 1,
                "entered": MASK_BITS,
                "first_child": SUBTREE_BITS,
                "children_end": SUBTREE_BITS + 1,  # no subtree before this place has a child behind it
                "result": ResultLayout(),
            }
        )
