"""A stage whose borders are streams, with AXI4-Stream in their place."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Elaboratable, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.errors import InputError
from hw.descriptions import describe_ports
from hw.lib.fields import fields_of_layout
from hw.lib.ports import StreamPort, forward, streams_of
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, payload_shape, width_of

#: Fields that say that a payload ends what belongs together, the most usual name first.
ENDS = ("last", "end", "mark.end")


class AxiStreamStage(wiring.Component):
    """`stage` with a slave `s_axis_NAME` for each stream that enters and a master `m_axis_NAME` for each that leaves.

    `tdata` is the payload, the first field lowest, with zeros up to whole bytes. `tlast` of what leaves is the field
    that ends a group of payloads (`ENDS`), or 1 where there is none; of what enters it is not looked at, for the field
    is in `tdata` too. All towards the bus comes from registers: 1 cycle more each way. Other ports are passed on.

    Raises:
        InputError: a stream is a part of a record or of an array, or there is none.
    """

    def __init__(self, stage: wiring.Component) -> None:
        self.stage = stage
        self.streams = streams_of(stage)
        if not self.streams:
            raise InputError(f"axi4-stream: {type(stage).__name__} has no stream at its border")
        nested = [port.name for port in self.streams if port.name not in stage.signature.members]
        if nested:
            raise InputError(f"axi4-stream: the border of {type(stage).__name__} is no plain stream at {nested[0]}")
        names = {port.name for port in self.streams}
        self.passed = [name for name in stage.signature.members if name not in names]
        lines = {path[0]: text.partition(": ")[2] for path, text in describe_ports(stage).items()}
        self.descriptions: dict[str, str] = {name: lines[name] for name in self.passed}
        members: dict[str, Any] = {name: stage.signature.members[name] for name in self.passed}
        for port in self.streams:
            text = lines[port.name].partition(";")[0]
            for name, (member, what) in _signals(port).items():
                members[f"{prefix(port)}_{name}"] = member
                self.descriptions[f"{prefix(port)}_{name}"] = f"{text}; {what}"
        super().__init__(members)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.stage = stage = self.stage
        forward(m, self, stage, self.passed)
        for port in self.streams:
            m.submodules[f"slice_{port.name}"] = slice_ = SkidBuffer(shape=payload_shape(port.interface))
            self._connect(m, port, slice_)
        return m

    def _connect(self, m: Module, port: StreamPort, slice_: SkidBuffer) -> None:
        data, valid, ready = (getattr(self, f"{prefix(port)}_t{name}") for name in ("data", "valid", "ready"))
        if port.flow == In:
            payload = Value.cast(slice_.i.payload)
            m.d.comb += [payload.eq(data[: len(payload)]), slice_.i.valid.eq(valid), ready.eq(slice_.i.ready)]
            connect(m, slice_.o, port.interface)
        else:
            connect(m, port.interface, slice_.i)
            last = getattr(self, f"{prefix(port)}_tlast")
            m.d.comb += [data.eq(Value.cast(slice_.o.payload)), valid.eq(slice_.o.valid), slice_.o.ready.eq(ready)]
            m.d.comb += last.eq(_end(slice_.o))


def prefix(port: StreamPort) -> str:
    """Of the port's signals, without the last underscore."""
    return f"{'s' if port.flow == In else 'm'}_axis_{port.name}"


def _signals(port: StreamPort) -> dict[str, tuple[Any, str]]:
    """Members of an AXI4-Stream port, and what each is for."""
    forth, back = (In, Out) if port.flow == In else (Out, In)
    width = -(-width_of(payload_shape(port.interface)) // 8) * 8
    return {
        "tdata": (forth(width), "the payload, padded with zeros to whole bytes"),
        "tlast": (forth(1), "not looked at" if port.flow == In else "it ends what belongs together"),
        "tvalid": (forth(1), "the payload is offered, and stays so until it is taken"),
        "tready": (back(1), "the payload is taken at this edge, if it is offered"),
    }


def _end(interface: stream.Interface) -> Value:
    """The bit that ends a group of payloads, or 1."""
    fields = {field.name: field for field in fields_of_layout(payload_shape(interface))}
    found = next((fields[name] for name in ENDS if name in fields and fields[name].width == 1), None)
    return Value.cast(interface.payload)[found.offset] if found else Const(1)
