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
    """Bits of an address in a node's memory."""
    return (spec.words - 1).bit_length()


class HostLayout(data.StructLayout):
    """Access from outside to the memories of `nodes` idle nodes, at `address` + rank·`stride` in each."""

    def __init__(self, spec: Spec, *, nodes: int = 1) -> None:
        bits = address_bits(spec)
        super().__init__(
            {
                "read": 1,  #: all nodes read; their words come 3 cycles later
                "write": nodes,  #: by node: it writes
                "address": bits,  #: in node 0
                "stride": bits,  #: from node to node; constant from the cycle before the first access on
                "data": nodes * spec.link_width,  #: a flit for each node to write, node 0's lowest
            }
        )


class ReadLayout(data.StructLayout):
    """A request for a word of a node's memory."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "enable": 1,  #: a word is asked for in this cycle
                "address": address_bits(spec),  #: of the word
            }
        )


class WriteLayout(data.StructLayout):
    """A word for a node's memory."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "enable": 1,  #: the word is written in this cycle
                "address": address_bits(spec),  #: where
                "data": spec.link_width,  #: the word, a flit
            }
        )


def operation_layout() -> data.StructLayout:
    """What the vector ALU does with a flit."""
    return data.StructLayout(
        {
            "format": 2,  #: of the flit's elements
            "kind": 2,  #: how two elements, or two records, are combined
            "reduce": 1,  #: 0: the received flit passes as it is
            "header": 1,  #: the flit is the first one of a record, which has the maximum
        }
    )


class WalkLayout(data.StructLayout):
    """One side of a turn (golden/cluster/turns.py): the flits to send, to read as operands, or to receive."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "active": 1,  #: 0: nothing moves on this side, which still takes the turn
                "link": range(spec.links),  #: on which flits leave, or arrive
                "peer": range(spec.nodes),  #: the node at its other end
                "rank": range(spec.nodes),  #: number of the first piece
                "xor": 1,  #: piece j is number rank XOR j; else (rank - j) mod N
                "base": address_bits(spec),  #: where number 0 starts
                "segments": range(spec.nodes + 1),  #: pieces
                "flits": LENGTH,  #: of a piece
                "offset": INDEX,  #: flit i needs flit i - offset of the turn before
                "stream": 1,  #: waits flit by flit for the turn before; else for all of it
                "wait": 1,  #: waits at all
                "widen": 1,  #: halves become singles; the memory has half as many words as there are flits
                "discard": 1,  #: what arrives is not written
                "record": LENGTH,  #: flits of a record of a merge
                "format": 2,  #: of the elements
                "kind": 2,  #: how they are combined
                "reduce": 1,  #: received flits are combined with the node's own
            }
        )


class ItemLayout(data.StructLayout):
    """One flit of a turn's side: where it is, and what has to be written before it is read."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "active": 1,  #: 0: no flit, the place of an inactive side's turn
                "last": 1,  #: of the turn
                "link": range(spec.links),  #: on which it leaves, or arrives
                "peer": range(spec.nodes),  #: the node at its other end
                "address": address_bits(spec),  #: of its word in the node's memory
                "half": 1,  #: which half of the word, if widened
                "widen": 1,  #: the half's numbers become singles
                "turn": TURN,  #: number of the turn
                "index": INDEX,  #: number of the flit in the turn
                "need": signed(INDEX + 1),  #: flits of the turn before that must be written; <= 0: none
                "stream": 1,  #: `need` is enough; else the whole turn before must be written
                "wait": 1,  #: waits at all
                "discard": 1,  #: is not written when it arrives
                "operation": operation_layout(),  #: what becomes of it and the node's own flit
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
    """One cycle of all decode units."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "kind": Beat,  #: decides which of the other fields matter
                "first": 1,  #: of a row; VECTOR, RECORD: of the command
                "last": 1,  #: of a row; CODES: of four flits
                "begin": 1,  #: the row, or the flit of scores, is the command's first
                "final": 1,  #: the row is the command's last
                "word": range(spec.lanes),  #: of a flit of results, or of scores
                "index": LENGTH,  #: row of the memory that is read or filled
                "place": LENGTH,  #: group of weights, row of the turned vector, or part of a row of sums
                "address": address_bits(spec),  #: in the node's memory, to read or to write
            }
        )


class SettingsLayout(data.StructLayout):
    """What holds for a whole command of the decode units."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "turned": 2,  #: TURN: what becomes of the vector
                "root": range(spec.nodes),  #: nodes up to this one have the last token; TURN: the node that keeps codes
                "scale": 32,  #: of activations or scores, single
                "stride": address_bits(spec),  #: GEMV: node b's results lie b · stride after node 0's
            }
        )
