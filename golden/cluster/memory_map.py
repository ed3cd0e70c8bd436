"""The engine's command stream in external memory, bit by bit, little endian.

External memory is as wide as all nodes: its word is a flit for every node, and lane b, bits b·link_width …, belongs
to node b, as if every node had a memory channel of its own, all working in lock step. All addresses are multiples of a
word; the engine ignores the bits below. Commands follow one another without gaps.
"""

from __future__ import annotations

from golden.rows import Field

COMMAND_BYTES = 32  # of a command, and of the header

#: At the address that is given with `start`.
HEADER = [
    Field("commands", 32),
    Field("command_address", 32),
    Field("watchdog", 32),  # cycles without any movement that end the run; 0: never
    Field("spare", 160),
]

#: Addresses and lengths without a unit are in flits, `external` in bytes.
COMMAND = [
    Field("op", 8),
    Field("schedule", 8),
    Field("format", 8),
    Field("kind", 8),  # Kind; of LOAD and STORE Move, of TURN Turned, of WEIGH Weighed
    Field("flags", 8),
    Field("root", 8),  # of a broadcast; the last node that has the last token
    Field("record", 16),  # flits of one (m, l, o), header flit included; of a row, or of a vector's piece
    Field("flits", 32),  # of one node's message on the links
    Field("source", 32),
    Field("target", 32),
    Field("external", 32),
    Field("scale", 32),  # a single: of activations or scores; TURN: row of constants
    Field("rank_stride", 32),  # node b's part is at source (target) + b · rank_stride; TURN: from piece to piece
]
