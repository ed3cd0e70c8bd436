"""Commands of the cluster network, checked before they go anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from golden.cluster.compute_check import check_compute
from golden.cluster.spec import (
    COMPUTE,
    INDEPENDENT,
    MOVES,
    SCHEDULES,
    WAIT_IDLE,
    ElementType,
    Kind,
    Move,
    Op,
    Schedule,
    Spec,
    Turned,
    Weighed,
)
from golden.errors import InputError

STREAMS = (Op.GEMV, Op.SCORE, Op.WEIGH)  # read external memory
MAX_FLITS = (1 << 16) - 1


@dataclass(frozen=True, kw_only=True)
class Command:
    """One step of all nodes; fields as in `golden.cluster.memory_map`.

    GATHER and BROADCAST work in place: node b's own message is at target + b·flits (GATHER), the
    root's at target (BROADCAST). REDUCE reads `source` and leaves the result at `target`, which may be
    the same place; REDUCE_SCATTER leaves chunk b at target + b·flits/N.

    LOAD and STORE move `flits` words of external memory from address `external` on. Lane b of word i
    is flit i of node b's part, which is at target (STORE: source) + b·rank_stride in node b's memory,
    or, with kind BROADCAST, in all nodes'. Where broadcast parts overlap, the later flit stays: words in
    order, the lanes of a word in order. Kinds ACTIVATIONS and CONSTANTS fill the decode units from flit
    `target` on; activations are code · scale.

    GEMV leaves `flits` flits of results at target + b·rank_stride, from as many row blocks of rows of
    `record` flits (`golden.cluster.weights`). SCORE leaves the scores of `flits` tokens at `target`, times
    scale; WEIGH takes them from `source` and leaves the record at `target`, kind says which maximum is
    subtracted (`Weighed`); a token is `record` flits, the last one is there for nodes up to `root`. TURN takes
    `flits` flits, in pieces of `record` from source + j·rank_stride, and the constants from row `scale` on; kind
    says what becomes of it (`Turned`).
    """

    op: Op
    schedule: Schedule = Schedule.XOR
    format: ElementType = ElementType.SINGLE
    kind: Kind | Move | Turned | Weighed = Kind.SUM
    flags: int = 0
    root: int = 0
    record: int = 1
    flits: int = 1
    source: int = 0
    target: int = 0
    external: int = 0
    scale: int = 0
    rank_stride: int = 0

    @property
    def reduces(self) -> bool:
        return self.op in (Op.REDUCE, Op.REDUCE_SCATTER)

    @property
    def widens(self) -> bool:
        """The source is half as long as the message on the links."""
        return self.reduces and self.format == ElementType.MIXED

    @property
    def feeds(self) -> bool:
        """The decode units execute it, or are filled by it."""
        return self.op in COMPUTE or (self.op == Op.LOAD and self.kind in (Move.ACTIVATIONS, Move.CONSTANTS))

    def extent(self, spec: Spec) -> int:
        """One past the highest flit of a node's memory that a command of the network touches."""
        if self.op == Op.BARRIER:
            return 1
        if self.op == Op.GATHER:
            return self.target + self.flits * spec.nodes
        if self.op in (Op.LOAD, Op.STORE):
            start = self.target if self.op == Op.LOAD else self.source
            return start + (spec.nodes - 1) * self.rank_stride + self.flits
        source = self.source + (self.flits + 1) // 2 if self.widens else self.source + self.flits
        return max(source if self.reduces else 0, self.target + self.flits)


def flits_of(size: int, spec: Spec, what: str = "message") -> int:
    """Bytes as flits.

    Raises:
        InputError: not a positive multiple of the flit.
    """
    if size <= 0 or size % spec.flit_bytes:
        raise InputError(
            f"cluster: {what} must be a positive multiple of the flit of {spec.flit_bytes} B, it is {size} B"
        )
    return size // spec.flit_bytes


def _named(code: int) -> str:
    """A code as a refusal shows it; the one kind of GEMV and SCORE has no name."""
    return f"{code.value} {code.name.lower()}" if isinstance(code, IntEnum) else str(code)


def check(command: Command, spec: Spec) -> None:
    """Refuses what the hardware would refuse, and what would leave a node's memory.

    Raises:
        InputError: an unknown code, an impossible combination, or an address out of range.
    """
    kinds = (MOVES | COMPUTE).get(command.op, tuple(Kind))
    known = {"op": tuple(Op), "schedule": tuple(Schedule), "format": tuple(ElementType), "kind": kinds}
    for name, codes in known.items():
        value = getattr(command, name)
        if value not in codes:
            names = ", ".join(_named(code) for code in codes)
            raise InputError(f"cluster: {name} must be one of {names}, it is {int(value)}")
    op = Op(command.op).name.lower()
    if command.schedule not in SCHEDULES[command.op]:
        allowed = ", ".join(s.name.lower() for s in SCHEDULES[command.op])
        raise InputError(f"cluster: {op} runs as {allowed}, not as {Schedule(command.schedule).name.lower()}")
    if command.reduces and command.kind == Kind.MERGE and command.format != ElementType.SINGLE:
        raise InputError(f"cluster: merge needs format single, it is {ElementType(command.format).name.lower()}")
    if not 1 <= command.flits <= MAX_FLITS:
        raise InputError(f"cluster: a message must have 1 to {MAX_FLITS} flits, it has {command.flits}")
    if command.reduces and command.schedule == Schedule.RING and command.flits % spec.nodes:
        raise InputError(
            f"cluster: a ring splits the message in {spec.nodes} equal chunks of whole flits, "
            f"{command.flits} flits do not"
        )
    if command.reduces and command.kind == Kind.MERGE:
        chunk = command.flits // spec.nodes if command.schedule == Schedule.RING else command.flits
        if command.record < 1 or chunk % command.record:
            raise InputError(
                f"cluster: a merged message (ring: chunk) is a whole number of records, {chunk} flits for records of "
                f"{command.record} are not"
            )
    if not 0 <= command.root < spec.nodes:
        raise InputError(f"cluster: root must lie in 0..{spec.nodes - 1}, it is {command.root}")
    if command.flags & ~(WAIT_IDLE | INDEPENDENT):
        raise InputError(f"cluster: flags must lie in 0..3, they are {command.flags}")
    read = (command.flits + 1) // 2 if command.widens else command.flits
    overlap = command.source < command.target + command.flits and command.target < command.source + read
    if command.reduces and overlap and (command.widens or command.source != command.target):
        raise InputError(
            f"cluster: source and target of a reduction must not overlap (or be the same, unless the format is mixed): "
            f"{read} flits from {command.source} and {command.flits} from {command.target} do"
        )
    if (command.op in MOVES or command.op in STREAMS) and command.external % spec.external_bytes:
        raise InputError(
            f"cluster: external addresses are multiples of the memory's word of {spec.external_bytes} B, "
            f"{op}'s is {command.external}"
        )
    if command.feeds:
        check_compute(command, spec)
    elif command.extent(spec) > spec.words:
        raise InputError(
            f"cluster: {op} reaches flit {command.extent(spec)}, a node's memory has {spec.words} "
            f"({spec.memory_kib} KiB; set memory_kib)"
        )
