"""Everything that changes the cluster network's speed and area, beside its specification."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from golden.cluster.spec import DEFAULT as DEFAULT_SPEC
from golden.cluster.spec import NANO as NANO_SPEC
from golden.cluster.spec import PAPER as PAPER_SPEC
from golden.cluster.spec import STREAM_AHEAD, Spec
from golden.cluster.spec import TINY as TINY_SPEC
from golden.errors import Limits, check_limits


@dataclass(frozen=True, kw_only=True)
class Config:
    """The spec, and depths that change no word."""

    spec: Spec = field(default_factory=Spec)
    link_stages: int = 1  #: registers between a node's output and its peers' receive buffers
    receive_depth: int = 16  #: flits of a receive buffer; 10 + 2·link_stages hide the round trip of a credit
    operand_depth: int = 8  #: own flits read ahead of the ones they are combined with
    command_depth: int = 4  #: collectives that wait in a node
    read_words: int = 128  #: words of external memory asked for and not yet used
    serial: int = 0  #: 1: a node has one multiplier and one adder of singles, and takes a flit once in 2 · lanes cycles

    LIMITS: ClassVar[Limits] = {
        "link_stages": (1, 64), "receive_depth": (2, 256), "operand_depth": (4, 64), "command_depth": (2, 64),
        "read_words": (32, STREAM_AHEAD), "serial": (0, 1),
    }  # fmt: skip
    POWERS: ClassVar = ()

    def __post_init__(self) -> None:
        check_limits("cluster", self)

    @property
    def interval(self) -> int:
        """Cycles from a flit that enters a node's vector ALU or decode unit to the next."""
        return 2 * self.spec.lanes if self.serial else 1

    @property
    def word_bytes(self) -> int:
        """Of external memory: a flit for every node."""
        return self.spec.external_bytes


def nano() -> Config:
    """2 nodes of 4 KiB, 64-bit links: beside its memory on an FPGA of 84,000 LUTs and 156 multipliers."""
    return Config(spec=NANO_SPEC, operand_depth=8, command_depth=2, read_words=32, serial=1)


def tiny() -> Config:
    """4 nodes of 4 KiB, 64-bit links: unit tests, small FPGAs."""
    return Config(spec=TINY_SPEC, operand_depth=8, command_depth=2, read_words=32)


def default() -> Config:
    """4 nodes of 64 KiB, 128-bit links."""
    return Config(spec=DEFAULT_SPEC)


def paper() -> Config:
    """The publication's cluster of 4, 256-bit links, 256 KiB a node (an SM's shared memory is 228 KiB)."""
    return Config(spec=PAPER_SPEC)


CONFIGS = {"nano": nano, "tiny": tiny, "default": default, "paper": paper}
