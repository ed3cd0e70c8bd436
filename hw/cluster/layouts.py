"""Payloads of the cluster network's streams."""

from __future__ import annotations

from enum import IntEnum

from amaranth.hdl import Cat, Value, signed
from amaranth.lib import data

from golden.cluster.memory_map import COMMAND, HEADER
from golden.cluster.spec import COMPUTE, Move, Op, Spec
from hw.lib.row_layout import layout_of

LENGTH = 16  # bits of a message's length in flits
INDEX = 22  # bits of a flit's number within a turn: 32 messages of 2**16
TURN = 6  # bits of a turn's number, which wraps; the sides of a node are never 32 turns apart


def command_layout() -> data.StructLayout:
    """A command as it lies in external memory."""
    return layout_of(COMMAND)


def feeds(command: data.View) -> Value:
    """The decode units execute the command, or are filled by it."""
    computes = Cat(command.op == op for op in COMPUTE).any()
    return computes | ((command.op == Op.LOAD) & (command.kind >= Move.ACTIVATIONS))


def header_layout() -> data.StructLayout:
    """A program's header as it lies in external memory."""
    return layout_of(HEADER)


def address_bits(spec: Spec) -> int:
    """Of an address in a node's memory."""
    return (spec.words - 1).bit_length()


class HostLayout(data.StructLayout):
    """Access from outside to the memories of `nodes` idle nodes, at `address` + rank·`stride` in each.

    `read` is common; `write` has a bit and `data` a flit for each node. `stride` must stand a cycle
    before the first access.
    """

    def __init__(self, spec: Spec, *, nodes: int = 1) -> None:
        bits = address_bits(spec)
        super().__init__({"read": 1, "write": nodes, "address": bits, "stride": bits, "data": nodes * spec.link_width})


def operation_layout() -> data.StructLayout:
    """What the vector ALU does with a flit. `header`: the first flit of a record."""
    return data.StructLayout({"format": 2, "kind": 2, "reduce": 1, "header": 1})


class WalkLayout(data.StructLayout):
    """One side of a turn (golden/cluster/turns.py): the flits to send, to read as operands, or to receive."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "active": 1,  # an idle side still takes the turn
                "link": range(spec.links),
                "peer": range(spec.nodes),
                "rank": range(spec.nodes),  # number of the first piece
                "xor": 1,
                "base": address_bits(spec),
                "segments": range(spec.nodes + 1),
                "flits": LENGTH,
                "offset": INDEX,
                "stream": 1,  # waits flit by flit for the turn before
                "wait": 1,  # waits at all
                "widen": 1,
                "discard": 1,
                "record": LENGTH,
                "format": 2,
                "kind": 2,
                "reduce": 1,
            }
        )


class ItemLayout(data.StructLayout):
    """One flit of a turn's side: where it is, and what has to be written before it is read."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "active": 1,
                "last": 1,
                "link": range(spec.links),
                "peer": range(spec.nodes),
                "address": address_bits(spec),
                "half": 1,  # which half of the word, if widened
                "widen": 1,
                "turn": TURN,
                "index": INDEX,
                "need": signed(INDEX + 1),  # flits of the turn before that must be written; <= 0: none
                "stream": 1,
                "wait": 1,
                "discard": 1,
                "operation": operation_layout(),
            }
        )


class Beat(IntEnum):
    """What a decode unit does with a cycle, and with the flit that comes with it."""

    IDLE = 0
    ACTIVATIONS = 1  #: the flit is codes of activations
    CONSTANTS = 2  #: the flit is a row of own factors, or of other ones
    SCALES = 3  #: the flit is the scales of a row block
    GROUPS = 4  #: the flit is steps and offsets of 4-bit weights
    WEIGHTS = 5  #: times activations
    KEYS = 6  #: times activations
    VALUES = 7  #: times the share of its token
    RECORD = 8  #: the sums of values become singles
    DIVISOR = 9  #: starts the reciprocal
    VECTOR = 10  #: is turned
    CODES = 11  #: the turned vector becomes codes
    MAXIMUM = 12  #: of a flit of scores


class BeatLayout(data.StructLayout):
    """One cycle of all decode units.

    first, last: of a row (VECTOR, RECORD: of the command; CODES: last of four flits). begin, final: the row is the
    command's first, last. word: of a flit of results, or of scores. index: row of the memory that is read or
    filled. place: group of weights, row of the turned vector, or part of a row of sums. address: in the node's memory.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "kind": Beat,
                "first": 1,
                "last": 1,
                "begin": 1,
                "final": 1,
                "word": range(spec.lanes),
                "index": LENGTH,
                "place": LENGTH,
                "address": address_bits(spec),
            }
        )


class SettingsLayout(data.StructLayout):
    """What holds for a whole command of the decode units."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({"turned": 2, "root": range(spec.nodes), "scale": 32, "stride": address_bits(spec)})
