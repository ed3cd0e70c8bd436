"""The schedules: what each node sends and receives in each turn. The RTL's sequencer is the twin.

Papers: ClusterFusion (arXiv 2508.18850), Alg. 1 ClusterReduce and Alg. 2 ClusterGather are ROTATE. A
turn moves `segments` pieces of `flits` each; piece j of a node that starts at rank r is number
r XOR j under XOR, else (r - j) mod N: the order in which the pieces were acquired, so that a turn can
send the first ones while the last still arrive.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from golden.cluster.command import Command
from golden.cluster.spec import INDEPENDENT, Op, Schedule, Spec


class Wait(IntEnum):
    """What a turn's reads have to wait for."""

    NONE = 0
    STREAM = 1  #: flit i, until flit i - offset of the turn before is written
    ALL = 2  #: until the turn before is written


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One turn of one node. A node without `send` (`receive`) is idle on that side, but takes the turn."""

    flits: int
    segments: int = 1
    send: bool = True
    receive: bool = True
    reduce: bool = False
    discard: bool = False
    send_to: int
    receive_from: int
    send_link: int
    receive_link: int
    send_rank: int = 0
    receive_rank: int = 0
    send_base: int = 0
    operand_base: int = 0
    receive_base: int = 0
    send_widen: bool = False
    operand_widen: bool = False
    wait: Wait

    @property
    def offset(self) -> int:
        return self.segments // 2 * self.flits


def turns(command: Command, rank: int, spec: Spec) -> list[Turn]:
    """All turns of node `rank`."""
    count, mask = spec.nodes, spec.nodes - 1
    xor, ring = command.schedule == Schedule.XOR, command.schedule == Schedule.RING
    first = Wait.NONE if command.flags & INDEPENDENT else Wait.ALL

    def peers(k: int) -> dict:
        """Round k's partners; a ring's every round is round 0 of a rotation."""
        stride, link = 1 << k, spec.link(Schedule.XOR if xor else Schedule.ROTATE, k)
        to, source = (rank ^ stride,) * 2 if xor else ((rank + stride) & mask, (rank - stride) & mask)
        return {"send_to": to, "receive_from": source, "send_link": link, "receive_link": link}

    def wait(turn: int) -> Wait:
        return Wait.STREAM if turn else first

    if command.op == Op.BARRIER:
        return [Turn(flits=1, discard=True, wait=wait(k), **peers(k)) for k in range(spec.rounds)]
    if command.op == Op.GATHER and ring:
        return [
            Turn(
                flits=command.flits, send_rank=(rank - s) & mask, receive_rank=(rank - s - 1) & mask,
                send_base=command.target, receive_base=command.target, wait=wait(s), **peers(0),
            )
            for s in range(count - 1)
        ]  # fmt: skip
    if command.op == Op.GATHER:
        return [
            Turn(
                flits=command.flits, segments=1 << k, send_rank=rank, receive_rank=peers(k)["receive_from"],
                send_base=command.target, receive_base=command.target, wait=wait(k), **peers(k),
            )
            for k in range(spec.rounds)
        ]  # fmt: skip
    if command.op == Op.BROADCAST:
        return _broadcast(command, rank, spec, peers, wait)
    if ring:
        return _ring(command, rank, spec, peers, wait)
    return [
        Turn(
            flits=command.flits, reduce=True, send_base=command.target if k else command.source,
            operand_base=command.target if k else command.source, receive_base=command.target,
            send_widen=command.widens and k == 0, operand_widen=command.widens and k == 0, wait=wait(k), **peers(k),
        )
        for k in range(spec.rounds)
    ]  # fmt: skip


def _ring(command: Command, rank: int, spec: Spec, peers, wait) -> list[Turn]:
    """N - 1 turns that add a chunk on its way round, and for REDUCE as many that hand the sums round."""
    mask, chunk = spec.nodes - 1, command.flits // spec.nodes
    shift = 1 if command.op == Op.REDUCE_SCATTER else 0  # so that chunk b ends at node b
    result = [
        Turn(
            flits=chunk, reduce=True, send_rank=(rank - s - shift) & mask, receive_rank=(rank - s - shift - 1) & mask,
            send_base=command.target if s else command.source, operand_base=command.source,
            receive_base=command.target, send_widen=command.widens and s == 0, operand_widen=command.widens,
            wait=wait(s), **peers(0),
        )
        for s in range(spec.nodes - 1)
    ]  # fmt: skip
    if command.op == Op.REDUCE:
        result += [
            Turn(
                flits=chunk, send_rank=(rank + 1 - s) & mask, receive_rank=(rank - s) & mask,
                send_base=command.target, receive_base=command.target, wait=Wait.STREAM, **peers(0),
            )
            for s in range(spec.nodes - 1)
        ]  # fmt: skip
    return result


def _broadcast(command: Command, rank: int, spec: Spec, peers, wait) -> list[Turn]:
    """A binomial tree from the root, or a chain round the ring."""
    mask = spec.nodes - 1
    place = rank ^ command.root if command.schedule == Schedule.XOR else (rank - command.root) & mask
    common = {"flits": command.flits, "send_base": command.target, "receive_base": command.target}
    if command.schedule == Schedule.RING:
        return [Turn(send=place == s, receive=place == s + 1, wait=wait(s), **common, **peers(0)) for s in range(mask)]
    return [
        Turn(send=place < 1 << k, receive=1 << k <= place < 2 << k, wait=wait(k), **common, **peers(k))
        for k in range(spec.rounds)
    ]


def traffic(command: Command, spec: Spec) -> int:
    """Flits on all links together, by the publication's formulae (Eq. 3) where it has one.

    ClusterReduce size·log2N·N, ClusterGather size·(N-1)·N; ring reduction 2·size·(N-1), its scatter
    half of that; broadcast size·(N-1); barrier log2N·N flits.
    """
    n, rounds = spec.nodes, spec.rounds
    if command.op == Op.BARRIER:
        return rounds * n
    if command.op == Op.GATHER:
        return command.flits * (n - 1) * n
    if command.op == Op.BROADCAST:
        return command.flits * (n - 1)
    if command.op == Op.REDUCE_SCATTER:
        return command.flits * (n - 1)
    if command.op == Op.REDUCE:
        return 2 * command.flits * (n - 1) if command.schedule == Schedule.RING else command.flits * rounds * n
    return 0
