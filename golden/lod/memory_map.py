"""Where everything lies in the engine's memory image, bit by bit.

The contract between host and RTL: `memory_image.py` writes by these tables, `hw/lod/layouts.py`
reads by them. A table is a list of fields from bit 0 upwards, little endian. A row's bytes are
filled exactly.
"""

from __future__ import annotations

from golden.lod.spec import GRID_BITS, PLANE_BITS, SIZE_EXPONENT_BITS, SUBTREE_BITS, Spec
from golden.rows import Field

LINE_BYTES = 128  # regions start on a multiple of it: the widest memory word
JOB_BYTES = 128
VIEW_BYTES = 128
STATE_BYTES = 16
RESULT_BYTES = 8
SUMMARY_BYTES = 16
MASK_BITS = 32  # nodes of a subtree, one bit each

#: The job, at the address that is given with `start`: a path of views through one tree.
JOB = [
    Field("view_address", 32),
    Field("view_count", 32),
    Field("tree_address", 32),
    Field("state_address", 32),  # one STATE record a subtree
    Field("state_words", 32),  # memory words of the state table
    Field("queue_address", 32),  # where entries go that the queue has no place for …
    Field("queue_words", 32),  # … one a memory word, a ring of this many
    Field("result_address", 32),
    Field("result_stride", 32),  # bytes from one view's results to the next one's
    Field("result_buffers", 32),  # after so many views their place is used again; 2 is double buffering
    Field("spare", 704),
]

#: One view of the path.
VIEW = [
    *(Field(f"camera_{axis}", 32, True) for axis in "xyz"),  # grid cells
    Field("factor", 32),  # (focal / tau)², 17 bits …
    Field("exponent", 32, True),  # … times a power of two
    Field("travelled", 32),  # odometer: cells of camera motion since the path's begin, rounded up
    Field("search", 32),  # begin at the root (full search, or the first view of a temporal one)
    Field("temporal", 32),  # go through the state table and update it
    # Inward normals of the frustum's sides; all zero: nothing is outside. Only for views that are not temporal.
    *(Field(f"plane_{k}_{axis}", PLANE_BITS, True) for k in range(4) for axis in "xyz"),
    Field("spare", 624),
]

#: What is kept of a subtree from view to view.
STATE = [
    Field("deadline", 32),  # odometer reading up to which no decision in it changes
    Field("entered", MASK_BITS),  # nodes of the parent subtree that are expanded; 0: not visited
    Field("cut", MASK_BITS),  # nodes that are on the cut
    Field("expanded", MASK_BITS),  # nodes that are expanded and whose children are in a child subtree
]

#: One visited subtree, in a view's results.
RESULT = [Field("subtree", 32), Field("cut", MASK_BITS)]

#: The first row of a view's results.
SUMMARY = [Field("subtrees", 32), Field("nodes", 32), Field("fetches", 32), Field("cycles", 32)]

#: One subtree that has children to visit, in the queue and where it spills.
QUEUE = [Field("first_child", SUBTREE_BITS), Field("children", MASK_BITS), Field("expanded", MASK_BITS)]


#: The first 128 bits of a subtree.
BLOCK_HEADER = [
    *(Field(f"origin_{axis}", GRID_BITS) for axis in "xyz"),
    *(Field(f"exponent_{axis}", 4) for axis in "xyz"),
    Field("size_exponent", 5, True),
    Field("last", 5),  # index of the last node
    Field("first_child", SUBTREE_BITS),
    Field("children", 6),  # child subtrees
    Field("parent", SUBTREE_BITS),  # of the root's subtree: itself
]


def node(spec: Spec) -> list[Field]:
    """One node of a subtree.

    `size` 0 marks a leaf. `link`: for a node that is `frontier`, which child subtree holds its
    children, else the number of descendants that follow it. `entry`: the node of the parent subtree
    below which the node's group hangs.
    """
    fields = [
        *(Field(f"low_{axis}", spec.box_bits) for axis in "xyz"),
        *(Field(f"high_{axis}", spec.box_bits) for axis in "xyz"),
        Field("mantissa", spec.size_bits),
        Field("size_exponent", SIZE_EXPONENT_BITS),
        Field("frontier", 1),
        Field("link", 5),
        Field("entry", 5),
    ]
    spare = spec.node_bits - sum(f.width for f in fields)
    return [*fields, *([Field("spare", spare)] if spare else [])]
