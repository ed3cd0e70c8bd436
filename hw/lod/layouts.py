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
                "camera": data.ArrayLayout(signed(CAMERA_BITS), 3),  #: in cells of the grid
                "factor": MANTISSA,  #: (focal/tau)² …
                "exponent": signed(EXPONENT_BITS),  #: … times a power of two
            }
        )


def planes_layout() -> data.ArrayLayout:
    """Inward normals of the frustum's four sides."""
    return data.ArrayLayout(data.ArrayLayout(signed(PLANE_BITS), 3), 4)


class CallLayout(data.StructLayout):
    """A subtree to visit, entered below the expanded nodes of its parent subtree."""

    def __init__(self) -> None:
        super().__init__(
            {
                "subtree": SUBTREE_BITS,  #: its number
                "entered": MASK_BITS,  #: expanded nodes of the parent subtree
            }
        )


class VisitLayout(data.StructLayout):
    """A call with what is remembered. Two views may be under way; their turns alternate."""

    def __init__(self) -> None:
        super().__init__(
            {
                "subtree": SUBTREE_BITS,  #: its number
                "entered": MASK_BITS,  #: expanded nodes of the parent subtree
                "before": MASK_BITS,  #: frontier nodes that were expanded at the last visit
                "turn": 1,  #: of its view
            }
        )


class LoadLayout(data.StructLayout):
    """A visit with its place: ticket, LT unit and context."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "visit": VisitLayout(),  #: what is to be loaded
                "ticket": range(config.tickets),  #: its place in the order of visits
                "unit": range(max(config.units, 2)),  #: the LT unit that tests it
                "context": range(config.contexts),  #: where in the unit
            }
        )


class WordLayout(data.StructLayout):
    """A memory word of a subtree on its way to a context."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "load": LoadLayout(config),  #: the subtree and its place
                "row": range(max(config.block_words, 2)),  #: which of its words
                "last": 1,  #: it is the last one
                "data": config.memory_width,  #: the word
            }
        )


class EntranceLayout(data.StructLayout):
    """A subtree that is complete in its context."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "valid": 1,  #: there is one in this cycle
                "context": range(config.contexts),  #: that holds it
                "last": INDEX_BITS,  #: index of its last node
                "todo": MASK_BITS,  #: nodes that have to be gone through
                "first": PLACE_BITS,  #: the first of them, above `last` if there is none
            }
        )


class CandidateLayout(data.StructLayout):
    """A node under test with the frame of its subtree."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "context": range(config.contexts),  #: that holds its subtree
                "index": INDEX_BITS,  #: of the node in its subtree
                "node": node_layout(config.spec),  #: box, size and place in the tree
                "header": block_header_layout(),  #: of its subtree
                "entered": MASK_BITS,  #: expanded nodes of the parent subtree
                "before": MASK_BITS,  #: frontier nodes of the subtree that were expanded at the last visit
                "todo": MASK_BITS,  #: nodes of the subtree that have to be gone through
                "turn": 1,  #: of its view
            }
        )


class DecisionLayout(data.StructLayout):
    """What the size check says of a node, and what it means if the node is reached."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "context": range(config.contexts),  #: that holds its subtree
                "index": INDEX_BITS,  #: of the node in its subtree
                "target": PLACE_BITS,  #: the place behind the node and its descendants
                "inner": 1,  #: no leaf
                "big": 1,  #: it reaches the threshold
                "after": PLACE_BITS,  #: the next node to go through if this one is expanded …
                "past": PLACE_BITS,  #: … and if not
                "shut": 1,  #: in a group that is not entered
                "outside": 1,  #: not in the picture; without meaning at leaves
                "was": 1,  #: the node was expanded at the last visit
                "frontier": 1,  #: its children are in a child subtree …
                "link": INDEX_BITS,  #: … with this number among the children
                "turn": 1,  #: of its view
                "left": unsigned(DOUBLE_BITS),  #: size² · factor …
                "right": unsigned(DOUBLE_BITS),  #: … and d², at one scale
                "zeros": range(DISTANCE_BITS),  #: leading zeros of the distance: that scale
            }
        )


class CommitLayout(data.StructLayout):
    """A node's share in its subtree's result."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "context": range(config.contexts),  #: that holds its subtree
                "index": INDEX_BITS,  #: of the node in its subtree
                "alive": 1,  #: it is reached
                "inner": 1,  #: no leaf
                "big": 1,  #: it reaches the threshold
                "aside": 1,  #: an inner node outside the picture
                "was": 1,  #: it was expanded at the last visit
                "frontier": 1,  #: its children are in a child subtree …
                "link": INDEX_BITS,  #: … with this number among the children
                "turn": 1,  #: of its view
            }
        )


class SlackLayout(data.StructLayout):
    """The two sides of a comparison."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "commit": CommitLayout(config),  #: the node's share
                "left": unsigned(DOUBLE_BITS),  #: size² · factor …
                "right": unsigned(DOUBLE_BITS),  #: … and d², at one scale
                "zeros": range(DISTANCE_BITS),  #: leading zeros of the distance: that scale
            }
        )


class ShareLayout(data.StructLayout):
    """A node's share on its way into the result."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "valid": 1,  #: there is one in this cycle
                "commit": CommitLayout(config),  #: the decision
                "slack": SLACK_BITS,  #: in cells; without meaning at leaves, and without temporal search
            }
        )


class ResultLayout(data.StructLayout):
    """What is gathered of a subtree's nodes."""

    def __init__(self) -> None:
        super().__init__(
            {
                "cut": MASK_BITS,  #: nodes on the cut
                "expanded": MASK_BITS,  #: frontier nodes that are expanded
                "children": MASK_BITS,  #: child subtrees to call
                "least": SLACK_BITS + 1,  #: the least slack of its nodes; 2**28 where none was tested
            }
        )


class FinishedLayout(data.StructLayout):
    """A visited subtree."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "ticket": range(config.tickets),  #: its place in the order of visits
                "subtree": SUBTREE_BITS,  #: its number
                "turn": 1,  #: of its view
                "entered": MASK_BITS,  #: expanded nodes of the parent subtree
                "first_child": SUBTREE_BITS,  #: number of its first child
                "children_end": SUBTREE_BITS + 1,  #: no subtree before this place has a child behind it
                "result": ResultLayout(),  #: of its nodes
            }
        )
