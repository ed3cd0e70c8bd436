"""What the network refuses, in one line that states rule and value."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.cluster.command import Command, check, flits_of
from golden.cluster.memory_image import program_bytes
from golden.cluster.memory_map import COMMAND, COMMAND_BYTES, HEADER
from golden.cluster.spec import ElementType, Kind, Move, Op, Schedule, Spec, Turned
from golden.errors import InputError
from golden.rows import pack
from hw.cluster.config import Config

GOOD = Command(op=Op.REDUCE, flits=8, target=64)


@pytest.mark.parametrize("nodes", [0, 1, 3, 6, 12, 33, 64])
def test_number_of_nodes(nodes: int) -> None:
    with pytest.raises(InputError, match=f"nodes must .*it is {nodes}"):
        Spec(nodes=nodes)


@pytest.mark.parametrize("change", [{"link_width": 96}, {"link_width": 512}, {"memory_kib": 3}])
def test_sizes(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="must"):
        Spec(**change)


def test_config() -> None:
    with pytest.raises(InputError, match=r"receive_depth must lie in 2\.\.256, it is 1"):
        Config(receive_depth=1)


@pytest.mark.parametrize("size", [0, -16, 15, 17, 100])
def test_size_is_whole_flits(size: int) -> None:
    with pytest.raises(InputError, match=f"multiple of the flit of 16 B, it is {size} B"):
        flits_of(size, Spec(link_width=128))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"op": 11}, "op must be one of 0 barrier"),
        ({"op": 255}, "it is 255"),
        ({"schedule": 3}, "schedule must be one of 0 xor"),
        ({"format": 4}, "format must be one of 0 half"),
        ({"kind": 4}, "kind must be one of 0 sum"),
        ({"op": Op.LOAD, "kind": 4}, "kind must be one of 0 striped, 1 broadcast, 2 activations, 3 constants, it is 4"),
        ({"op": Op.TURN, "kind": 4}, "kind must be one of 0 activate, .* it is 4"),
        ({"op": Op.TURN, "flits": 6}, "flits of a vector must be a positive multiple of 4, it is 6"),
        ({"op": Op.TURN, "flits": 8, "record": 3}, "flits of a vector must be a positive multiple of 3, it is 8"),
        ({"op": Op.TURN, "flits": 64, "record": 8}, "elements of a vector must be at most 128, it is 256"),
        ({"op": Op.TURN, "kind": Turned.NORMALISE, "source": 0}, "header before it, it starts at flit 0"),
        ({"op": Op.TURN, "scale": 125}, "rows of constants must be at most 128, it is 133"),
        ({"op": Op.GEMV, "record": 0}, "inputs of a projection must be a positive multiple of 16, it is 0"),
        ({"op": Op.GEMV, "record": 513}, r"must be at most 8192, it is 8208 \(set inputs\)"),
        ({"op": Op.SCORE, "record": 9}, "a row of the cache must be at most 128, it is 144"),
        ({"op": Op.WEIGH, "record": 8, "target": 4070}, r"must be at most 4096, it is 4103 .*set memory_kib"),
        ({"op": Op.LOAD, "kind": Move.ACTIVATIONS, "flits": 513}, "activations must be at most 8192, it is 9232"),
        ({"op": Op.LOAD, "kind": Move.CONSTANTS, "flits": 257}, "rows of constants must be at most 128, it is 161"),
        ({"op": Op.SCORE, "kind": 1}, "kind must be one of 0, it is 1"),
        ({"op": Op.STORE, "kind": Move.BROADCAST}, "kind must be one of 0 striped, it is 1"),
        ({"op": Op.LOAD, "external": 32}, "multiples of the memory's word of 64 B, load's is 32"),
        ({"op": Op.REDUCE_SCATTER}, "reduce_scatter runs as ring, not as xor"),
        ({"op": Op.BARRIER, "schedule": Schedule.RING}, "barrier runs as xor, rotate, not as ring"),
        ({"kind": Kind.MERGE, "format": ElementType.HALF}, "merge needs format single, it is half"),
        ({"kind": Kind.MERGE, "record": 3}, "8 flits for records of 3 are not"),
        ({"flits": 0}, "1 to 65535 flits, it has 0"),
        ({"flits": 65536}, "1 to 65535 flits, it has 65536"),
        ({"schedule": Schedule.RING, "flits": 6}, "6 flits do not"),
        ({"op": Op.BROADCAST, "root": 4}, r"root must lie in 0\.\.3, it is 4"),
        ({"flags": 4}, r"flags must lie in 0\.\.3, they are 4"),
        ({"target": 4}, "8 flits from 0 and 8 from 4 do"),
        ({"format": ElementType.MIXED, "target": 0}, "4 flits from 0 and 8 from 0 do"),
        ({"target": 4090}, "reaches flit 4098, a node's memory has 4096"),
        ({"op": Op.GATHER, "flits": 1025, "target": 0}, "reaches flit 4100"),
    ],
)
def test_commands(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check(replace(GOOD, **change), Spec())
    assert "\n" not in str(caught.value)


@given(st.builds(Command, **{f.name: st.integers(0, 70000) for f in COMMAND}))
def test_any_numbers_are_accepted_or_refused(command: Command) -> None:
    """No other error than InputError, whatever the fields."""
    try:
        check(command, Spec())
    except InputError:
        return
    assert command.op in list(Op)
    assert command.extent(Spec()) <= Spec().words


def test_image() -> None:
    """Header and commands fill their bytes exactly, little endian; the commands begin with a word of the memory."""
    assert sum(f.width for f in HEADER) == sum(f.width for f in COMMAND) == 8 * COMMAND_BYTES
    for spec, first in ((Spec(nodes=2, link_width=64), COMMAND_BYTES), (Spec(nodes=4, link_width=128), 64)):
        data = program_bytes([GOOD, GOOD], spec, watchdog=500)
        assert len(data) == first + 2 * COMMAND_BYTES
        assert data[:12].view("<u4").tolist() == [2, first, 500]
        command = data[first:]
        assert command[:4].tolist() == [Op.REDUCE, Schedule.XOR, ElementType.SINGLE, Kind.SUM]
        assert command[8:20].view("<u4").tolist() == [8, 0, 64]
    assert pack(HEADER, {}, COMMAND_BYTES).tobytes() == bytes(COMMAND_BYTES)
