"""Words to rows that are narrower or wider, and back: ratios are powers of two."""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import stream

from hw.lib.width_converter import Narrower, Widener


def regroup(m: Module, name: str, source: stream.Interface, width: int) -> stream.Interface:
    """The bits of `source` in payloads of `width` bits, the lowest first; adds a converter `name` where they differ.

    Full payloads only: what does not fill one stays.
    """
    have = len(Value.cast(source.payload))
    if have == width:
        return source
    converter = Narrower(shape=width, ratio=have // width) if have > width else Widener(shape=have, ratio=width // have)
    m.submodules[name] = converter
    m.d.comb += [
        Value.cast(converter.i.payload.data).eq(Value.cast(source.payload)),
        converter.i.valid.eq(source.valid),
        source.ready.eq(converter.i.ready),
    ]
    if isinstance(converter, Narrower):
        m.d.comb += converter.i.payload.count.eq(converter.ratio)
        return converter.o
    plain = stream.Signature(width).create()
    m.d.comb += [
        plain.payload.eq(Value.cast(converter.o.payload.data)),
        plain.valid.eq(converter.o.valid),
        converter.o.ready.eq(plain.ready),
    ]
    return plain
