"""Everything that changes what the cluster network computes, and the codes of its commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from golden.errors import Limits, check_limits


class Op(IntEnum):
    """What a command does."""

    BARRIER = 0
    REDUCE = 1  #: every node ends with the reduction of all messages (ClusterReduce)
    GATHER = 2  #: every node ends with all messages in rank order (ClusterGather)
    REDUCE_SCATTER = 3  #: node b ends with chunk b of the reduction
    BROADCAST = 4  #: every node ends with the root's message
    LOAD = 5  #: external memory to the nodes' memories
    STORE = 6  #: the nodes' memories to external memory
    GEMV = 7  #: a stream of weights times the activations
    SCORE = 8  #: a stream of keys times the activations
    WEIGH = 9  #: a stream of values weighted by the scores' softmax: (m, l, o)
    TURN = 10  #: rotary embedding or scaling of a vector, which becomes activations or an entry of the cache


class Schedule(IntEnum):
    """Who talks to whom in which turn."""

    XOR = 0  #: recursive doubling, partner rank XOR 2**k: the same bits on all nodes
    ROTATE = 1  #: the paper's: to rank + 2**k, from rank - 2**k
    RING = 2  #: to rank + 1, from rank - 1, one chunk a step: least traffic for large messages


class ElementType(IntEnum):
    """Of the elements of a message; goes into the command's `format`."""

    HALF = 0  #: elements of 16 bits, added in half precision
    SINGLE = 1  #: elements of 32 bits
    INTEGER = 2  #: 32 bits, two's complement; a sum wraps
    MIXED = 3  #: half elements in the source, single on the links and in the result


class Kind(IntEnum):
    """How a reduction combines two elements, or two records."""

    SUM = 0
    MAX = 1
    MIN = 2
    MERGE = 3  #: online softmax: records of (m, l, o), see `golden.cluster.combine`


class Move(IntEnum):
    """How LOAD and STORE spread the lanes of external memory's words; goes into the command's `kind`."""

    STRIPED = 0  #: lane b is node b's
    BROADCAST = 1  #: every lane goes to every node
    ACTIVATIONS = 2  #: lane b to node b's activations: codes of 8 bits, or of 16 if they are wider
    CONSTANTS = 3  #: lane b to node b's constants: rows of a flit of own and a flit of other factors


WAIT_IDLE = 1  #: command flag: not before all nodes have ended all commands
INDEPENDENT = 2  #: command flag: does not read what the command before it writes; a stream may be read at once

#: What each operation may be asked for; anything else is refused.
SCHEDULES = {
    Op.BARRIER: (Schedule.XOR, Schedule.ROTATE),
    Op.REDUCE: (Schedule.XOR, Schedule.ROTATE, Schedule.RING),
    Op.GATHER: (Schedule.XOR, Schedule.ROTATE, Schedule.RING),
    Op.REDUCE_SCATTER: (Schedule.RING,),
    Op.BROADCAST: (Schedule.XOR, Schedule.ROTATE, Schedule.RING),
    Op.LOAD: (Schedule.XOR,),
    Op.STORE: (Schedule.XOR,),
    Op.GEMV: (Schedule.XOR,),
    Op.SCORE: (Schedule.XOR,),
    Op.WEIGH: (Schedule.XOR,),
    Op.TURN: (Schedule.XOR,),
}


class Turned(IntEnum):
    """What TURN makes of a vector; goes into the command's `kind`."""

    ACTIVATE = 0  #: activations with a factor of 1
    NORMALISE = 1  #: activations whose factor is 1 / l, l the second word of the flit before the vector
    CACHE = 2  #: 8-bit codes in the memory of node `root`
    CACHE_ALL = 3  #: 8-bit codes in the memories of all nodes


class Weighed(IntEnum):
    """Which maximum WEIGH subtracts; goes into the command's `kind`."""

    LAST = 0  #: of the last SCORE
    FOUND = 1  #: of the scores at `source`, which it looks for first: they are sums over nodes


#: Operations on external memory, and the kinds that are theirs.
MOVES = {Op.LOAD: tuple(Move), Op.STORE: (Move.STRIPED,)}
#: Operations of the nodes' decode units, and the kinds that are theirs.
COMPUTE = {Op.GEMV: (0,), Op.SCORE: (0,), Op.WEIGH: tuple(Weighed), Op.TURN: tuple(Turned)}


GROUP = 64  #: inputs that share a step and an offset of 4-bit weights
PROBABILITY_BITS = 17  #: of exp(s - m) after the point: what an 18-bit multiplier takes beside the sign
QUARTERS = 4  #: flits of singles whose 8-bit codes make one flit
MAX_HEAD = 128  #: elements of a head
CACHE_LIMIT = 127  #: largest code of a key or value
STREAM_AHEAD = 512  #: words of an INDEPENDENT stream that may be read before earlier commands have ended
VECTORS = 4  #: that constants are held for: query, key, value and output


class Dataflow(IntEnum):
    """How a decode step is split over the nodes."""

    TOKEN = 0  #: each node attends with the whole head to its share of the tokens
    HEAD = 1  #: each node has its share of the head's elements for all tokens


class Status(IntEnum):
    """How a run ended."""

    DONE = 0
    REFUSED = 1  #: a command has an unknown code or an impossible combination of codes
    TIMEOUT = 2  #: nothing moved for the watchdog's time


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Nodes, link width and the size of a node's memory: what decides addresses and the split into flits."""

    nodes: int = 4  #: nodes N of the cluster
    link_width: int = 128  #: bits of a flit, of a word of a node's memory and of a lane of external memory
    memory_kib: int = 64  #: KiB of one node's memory
    compute: int = 1  #: 0: the network alone; 1: every node has a decode unit
    weight_bits: int = 8  #: bits of a weight; 8: codes with a scale a row; 4: a step and an offset a group besides
    activation_bits: int = 8  #: bits of activations and queries; block floating point
    inputs: int = 8192  #: activations that a node holds

    LIMITS: ClassVar[Limits] = {
        "nodes": (2, 32), "link_width": (64, 256), "memory_kib": (1, 1024), "compute": (0, 1), "weight_bits": (4, 8),
        "activation_bits": (8, 16), "inputs": (256, 65536),
    }  # fmt: skip
    POWERS: ClassVar = ("nodes", "link_width", "memory_kib", "weight_bits", "inputs")

    def __post_init__(self) -> None:
        check_limits("cluster", self)

    @property
    def rounds(self) -> int:
        """log2 N."""
        return self.nodes.bit_length() - 1

    @property
    def flit_bytes(self) -> int:
        return self.link_width // 8

    @property
    def lanes(self) -> int:
        """32-bit words of a flit."""
        return self.link_width // 32

    @property
    def products(self) -> int:
        """Weights of a flit, all of which are multiplied in one cycle."""
        return self.link_width // self.weight_bits

    @property
    def constant_rows(self) -> int:
        """Rows of constants: a flit of own and one of other factors each."""
        return VECTORS * MAX_HEAD // self.lanes

    @property
    def external_bytes(self) -> int:
        """Of a word of external memory: a lane of one flit for every node, lane 0 first."""
        return self.nodes * self.flit_bytes

    @property
    def words(self) -> int:
        """Flits that a node's memory holds."""
        return self.memory_kib * 1024 // self.flit_bytes

    @property
    def links(self) -> int:
        """Point-to-point links into a node: XOR partners 2**k, and rotations 2**k but the last, which is the same."""
        return 2 * self.rounds - 1

    def link(self, schedule: Schedule, k: int) -> int:
        """The link of round k: XOR partners first."""
        return k if schedule == Schedule.XOR or k == self.rounds - 1 else self.rounds + k


DEFAULT = Spec()
#: The paper's best cluster of four; a remote store of Hopper moves 21 bytes a clock: 32 is the power of two above.
PAPER = Spec(nodes=4, link_width=256, memory_kib=256)
NANO = Spec(nodes=2, link_width=64, memory_kib=4, inputs=512)
TINY = Spec(nodes=4, link_width=64, memory_kib=4, inputs=512)
