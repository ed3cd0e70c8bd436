"""Several streams to one."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, Elaboratable, Module, ShapeLike, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import transfer


class StreamJoin(wiring.Component):
    """Waits for one payload of every input and passes them on side by side.

    Latency 0, throughput one payload a cycle. An input's `ready` depends on all inputs' `valid`.

    Raises:
        ValueError: `shapes` is empty.
    """

    def __init__(self, *, shapes: Mapping[str, ShapeLike]) -> None:
        if not shapes:
            raise ValueError("StreamJoin: shapes must name at least one input")
        self.names = list(shapes)
        #: i_<name>: one input for every name of `shapes`, taken together with the others
        members = {f"i_{name}": In(stream.Signature(shape)) for name, shape in shapes.items()}
        super().__init__(
            {
                **members,
                "o": Out(stream.Signature(data.StructLayout(dict(shapes)))),  #: a payload of each, by the same names
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        inputs = {name: getattr(self, f"i_{name}") for name in self.names}
        m.d.comb += self.o.valid.eq(Cat(i.valid for i in inputs.values()).all())
        for name, i in inputs.items():
            m.d.comb += [
                Value.cast(self.o.payload[name]).eq(Value.cast(i.payload)),
                i.ready.eq(transfer(self.o)),
            ]
        return m
