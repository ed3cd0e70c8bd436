"""The sides of a turn: what a node sends, reads beside what it receives, and receives; then flit by flit.

The RTL's `sequencer` and `walker` are the twins.
"""

from __future__ import annotations

from golden.cluster.command import Command
from golden.cluster.spec import Schedule, Spec
from golden.cluster.turns import Turn, Wait

SIDES = ("send", "operand", "receive")
Fields = dict[str, int]


def side_of(turn: Turn, name: str, command: Command) -> Fields:
    """One of the `SIDES` of a turn of `command`."""
    sends = name == "send"
    fields = {
        "active": {"send": turn.send, "operand": turn.receive and turn.reduce, "receive": turn.receive}[name],
        "link": turn.send_link if sends else turn.receive_link,
        "peer": turn.send_to if sends else turn.receive_from,
        "rank": turn.send_rank if sends else turn.receive_rank,
        "xor": command.schedule == Schedule.XOR,
        "base": {"send": turn.send_base, "operand": turn.operand_base, "receive": turn.receive_base}[name],
        "segments": turn.segments,
        "flits": turn.flits,
        "offset": turn.offset,
        "stream": turn.wait == Wait.STREAM,
        "wait": turn.wait != Wait.NONE,
        "widen": {"send": turn.send_widen, "operand": turn.operand_widen, "receive": False}[name],
        "discard": turn.discard,
        "record": command.record,
        "format": command.format,
        "kind": command.kind,
        "reduce": turn.reduce,
    }
    return {field: int(value) for field, value in fields.items()}


def walk(side: Fields, spec: Spec, turn: int) -> list[Fields]:
    """The flits of a side, in order; `header` marks the first of a record. An inactive side has one inactive item."""
    if not side["active"]:
        return [{"active": 0, "last": 1, "turn": turn}]
    result = []
    for piece in range(side["segments"]):
        number = side["rank"] ^ piece if side["xor"] else (side["rank"] - piece) % spec.nodes
        for w in range(side["flits"]):
            place, index = number * side["flits"] + w, piece * side["flits"] + w
            result.append(
                {
                    "active": 1,
                    "last": int(index == side["segments"] * side["flits"] - 1),
                    "turn": turn,
                    "index": index,
                    "need": index + 1 - side["offset"],
                    "address": side["base"] + (place >> side["widen"]),
                    "half": place & 1,
                    "header": int(index % side["record"] == 0),
                }
            )
    return result
