"""The stream rule as an assertion."""

from __future__ import annotations

from amaranth.hdl import Assert, Elaboratable, Module, ResetSignal, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from hw.lib.stream import payload_shape, width_of


class StreamChecker(wiring.Component):
    """Watches a stream: once valid, it stays valid with the same payload until it is taken.

    The assertion stops the Amaranth simulator and Verilator and is a property for the prover. It
    is made at the clock edge that ends the faulty cycle: in between, combinational values may pass
    through anything. The checker only listens. Cycles under reset are not judged.
    """

    def __init__(self, *, shape: ShapeLike, name: str = "stream") -> None:
        self.width = width_of(shape)
        self.name = name
        super().__init__(
            {
                "payload": In(self.width),  #: of the stream that is watched, as bits
                "valid": In(1),  #: of that stream
                "ready": In(1),  #: of that stream
            }
        )

    def watch(self, m: Module, interface: stream.Interface) -> None:
        """Connects the checker to `interface`."""
        m.d.comb += [
            self.payload.eq(Value.cast(interface.payload)),
            self.valid.eq(interface.valid),
            self.ready.eq(interface.ready),
        ]

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        waiting = Signal()
        before = Signal(self.width, reset_less=True)
        m.d.sync += [waiting.eq(self.valid & ~self.ready), before.eq(self.payload)]
        with m.If(waiting & ~ResetSignal()):
            m.d.sync += [
                Assert(self.valid, f"{self.name}: valid was withdrawn before the payload was taken"),
                Assert(self.payload == before, f"{self.name}: the payload changed before it was taken"),
            ]
        return m


def check(m: Module, interface: stream.Interface, name: str) -> None:
    """Adds a checker for `interface` to `m`, as submodule `check_<name>`."""
    checker = StreamChecker(shape=payload_shape(interface), name=name)
    m.submodules[f"check_{name}"] = checker
    checker.watch(m, interface)
