from __future__ import annotations

import pytest
from amaranth.hdl import Module, signed, unsigned
from amaranth.lib import data, stream

from hw.lib.stream import connect, payload_shape, width_of
from tests.hw.lib.simulate import refuses

PAIR = data.StructLayout({"a": 3, "b": 5})


@pytest.mark.parametrize("shape", [unsigned(8), signed(8), PAIR])
def test_payload_shape_is_the_declared_one(shape: object) -> None:
    assert payload_shape(stream.Signature(shape).create()) == shape


def test_connect_refuses_another_layout_of_the_same_width() -> None:
    source, sink = stream.Signature(PAIR).create(), stream.Signature(data.StructLayout({"a": 4, "b": 4})).create()
    refuses("different payloads", lambda: connect(Module(), source, sink), TypeError)
    source, sink = stream.Signature(signed(8)).create(), stream.Signature(unsigned(8)).create()
    refuses("different payloads", lambda: connect(Module(), source, sink), TypeError)


@pytest.mark.parametrize(("shape", "width"), [(PAIR, 8), (unsigned(0), 0), (range(5), 3), (signed(4), 4)])
def test_width_of(shape: object, width: int) -> None:
    assert width_of(shape) == width
