"""The beats of the decode units, command by command: what happens in which order. The RTL's feeder is the twin.

A beat is what all decode units do in one cycle. It is given as its `kind` (a name of the RTL's `Beat`) and the
fields that matter to this kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from golden.cluster.command import Command
from golden.cluster.spec import GROUP, QUARTERS, Move, Op, Spec, Turned, Weighed
from golden.cluster.weights import group_flits

Beat = dict[str, int | str]


def stream_beats(c: Command, spec: Spec) -> Iterator[Beat]:
    """One for each word of the command's stream, in the order of the words."""
    if c.op == Op.LOAD:
        kind = "CONSTANTS" if c.kind == Move.CONSTANTS else "ACTIVATIONS"
        yield from ({"kind": kind, "index": c.target + k} for k in range(c.flits))
    elif c.op == Op.GEMV:
        yield from _projection(c, spec)
    elif c.op in (Op.SCORE, Op.WEIGH):
        first, kind = (c.target, "KEYS") if c.op == Op.SCORE else (c.source, "VALUES")
        for row in range(c.flits):
            for k in range(c.record):
                yield {
                    "kind": kind, "index": k, "first": k == 0, "last": k == c.record - 1, "word": row % spec.lanes,
                    "begin": row == 0, "final": row == c.flits - 1, "address": first + row // spec.lanes,
                }  # fmt: skip


def _projection(c: Command, spec: Spec) -> Iterator[Beat]:
    """Row blocks as `golden.cluster.weights` lays them out."""
    per_group = 4 * GROUP // spec.link_width  # flits of 4-bit weights
    for block in range(c.flits):
        yield {"kind": "SCALES"}
        yield from ({"kind": "GROUPS", "index": k} for k in range(group_flits(c.record * spec.products, spec)))
        for word in range(spec.lanes):
            for k in range(c.record):
                place = {"place": (word * c.record + k) // per_group} if spec.weight_bits == 4 else {}
                yield {
                    "kind": "WEIGHTS", "index": k, "first": k == 0, "last": k == c.record - 1, "word": word,
                    "address": c.target + block, **place,
                }  # fmt: skip


def beats(c: Command, spec: Spec) -> Iterator[Beat]:
    """All of a command: those of its stream, and those before and after it."""
    if c.op == Op.TURN:
        yield from _turn(c)
        return
    if c.op == Op.WEIGH and c.kind == Weighed.FOUND:
        for k in range(-(-c.flits // spec.lanes)):
            yield {"kind": "MAXIMUM", "begin": k == 0, "address": c.source + k}
    yield from stream_beats(c, spec)
    if c.op == Op.WEIGH:
        yield {"kind": "RECORD", "first": 1, "address": c.target}
        for k in range(QUARTERS * c.record):
            place = {"index": k // QUARTERS, "place": k % QUARTERS}
            yield {"kind": "RECORD", "first": 0, **place, "address": c.target + 1 + k}


def _turn(c: Command) -> Iterator[Beat]:
    if c.kind == Turned.NORMALISE:
        yield {"kind": "DIVISOR", "address": c.source - 1}
    for k in range(c.flits):
        address = c.source + k // c.record * c.rank_stride + k % c.record
        yield {"kind": "VECTOR", "first": k == 0, "index": c.scale + k, "place": k, "address": address}
    for k in range(c.flits):
        place = {"place": k // QUARTERS, "address": c.target + k // QUARTERS}
        yield {"kind": "CODES", "index": k, "last": k % QUARTERS == QUARTERS - 1, **place}
