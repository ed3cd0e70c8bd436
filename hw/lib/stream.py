"""Shorthands for `amaranth.lib.stream` interfaces."""

from __future__ import annotations

from amaranth.hdl import Module, Shape, ShapeLike, Value
from amaranth.lib import data, stream


def payload_shape(interface: stream.Interface) -> ShapeLike:
    """The shape a stream's payload was declared with: a layout, if it has one."""
    payload = interface.payload
    return payload.shape() if isinstance(payload, data.View) else Value.cast(payload).shape()


def transfer(interface: stream.Interface) -> Value:
    """High in the cycles in which the payload moves."""
    return interface.valid & interface.ready


def connect(m: Module, source: stream.Interface, sink: stream.Interface) -> None:
    """Drives `sink` from `source`, combinationally.

    `amaranth.lib.wiring.connect` accepts two payloads of equal width and different layout; this
    does not.

    Raises:
        TypeError: the payload shapes differ.
    """
    a, b = payload_shape(source), payload_shape(sink)
    if a != b:
        raise TypeError(f"streams carry different payloads: {a!r} cannot drive {b!r}")
    m.d.comb += [
        Value.cast(sink.payload).eq(Value.cast(source.payload)),
        sink.valid.eq(source.valid),
        source.ready.eq(sink.ready),
    ]


def width_of(shape: ShapeLike) -> int:
    """Bits of a payload shape."""
    return Shape.cast(shape).width
