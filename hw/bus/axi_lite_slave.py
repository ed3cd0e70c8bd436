"""Control registers behind AXI4-Lite."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import LITE_WIDTH, RESPONSE_BITS, LiteAddressLayout, LiteReadLayout, LiteWriteLayout, Response
from hw.bus.registers import REGISTER_BYTES, Access, Register, RegisterField, RegisterMap, port_name
from hw.lib.stream import transfer


class AxiLiteSlave(wiring.Component):
    """The registers of a `RegisterMap`, one read and one write under way at a time.

    A read is answered 2 cycles after its address was taken, a write 2 cycles after address and data were, in
    whatever order they came. Address bits below a register's 4 bytes are ignored; bytes without a strobe keep what
    they had. Where there is no register, and for a write where nothing can be written, the response is SLVERR, the data
    0, and nothing changes. Everything towards the bus comes from registers.
    """

    def __init__(self, *, registers: RegisterMap) -> None:
        self.registers = registers
        address = LiteAddressLayout(registers.address_width)
        super().__init__(
            {
                "aw": In(stream.Signature(address)),  #: registers to write
                "w": In(stream.Signature(LiteWriteLayout())),  #: what is written
                "b": Out(stream.Signature(RESPONSE_BITS)),  #: a response to each write
                "ar": In(stream.Signature(address)),  #: registers to read
                "r": Out(stream.Signature(LiteReadLayout())),  #: what they hold
                "state": In(registers.layout(Access.STATE)),  #: fields that the hardware sets
                "events": In(registers.layout(Access.FLAG)),  #: a bit that is high sets its flag
                "settings": Out(registers.layout(Access.SETTING)),  #: fields that software sets
                "commands": Out(registers.layout(Access.COMMAND)),  #: high for a cycle
                "flags": Out(registers.layout(Access.FLAG)),  #: until software clears them
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        self._read(m)
        self._write(m)
        return m

    def _value(self, register: Register, field: RegisterField) -> Value:
        """What software reads in a field."""
        name = port_name(register, field)
        match field.access:
            case Access.CONSTANT:
                return Const(field.value, field.width)
            case Access.COMMAND:
                return Const(0, field.width)
            case Access.STATE:
                return Value.cast(self.state[name])
            case Access.SETTING:
                return Value.cast(self.settings[name])
            case Access.FLAG:
                return Value.cast(self.flags[name])

    def _word(self, register: Register) -> Value:
        parts: list[Value] = []
        below = 0
        for field in register.fields:
            parts += [Const(0, field.low - below), self._value(register, field)]
            below = field.low + field.width
        return Cat(*parts)

    def _read(self, m: Module) -> None:
        asked, index = Signal(), Signal(self.registers.address_width - 2)
        m.d.comb += self.ar.ready.eq(~asked & ~self.r.valid)
        with m.If(transfer(self.ar)):
            m.d.sync += [asked.eq(1), index.eq(self.ar.payload.address[2:])]
        with m.If(transfer(self.r)):
            m.d.sync += self.r.valid.eq(0)
        with m.If(asked):
            m.d.sync += [asked.eq(0), self.r.valid.eq(1)]
            with m.Switch(index):
                for register in self.registers.registers:
                    with m.Case(register.offset // REGISTER_BYTES):
                        m.d.sync += [
                            self.r.payload.data.eq(self._word(register)),
                            self.r.payload.response.eq(Response.OKAY),
                        ]
                with m.Default():
                    m.d.sync += [self.r.payload.data.eq(0), self.r.payload.response.eq(Response.SLVERR)]

    def _write(self, m: Module) -> None:
        addressed, index = Signal(), Signal(self.registers.address_width - 2)
        given, bits, mask = Signal(), Signal(LITE_WIDTH), Signal(LITE_WIDTH)
        now = Signal()
        m.d.comb += [
            self.aw.ready.eq(~addressed & ~self.b.valid),
            self.w.ready.eq(~given & ~self.b.valid),
            now.eq(addressed & given),
        ]
        with m.If(transfer(self.aw)):
            m.d.sync += [addressed.eq(1), index.eq(self.aw.payload.address[2:])]
        with m.If(transfer(self.w)):
            strobes = self.w.payload.strobes
            m.d.sync += [
                given.eq(1),
                bits.eq(self.w.payload.data),
                mask.eq(Cat(strobes[k].replicate(8) for k in range(REGISTER_BYTES))),
            ]
        with m.If(transfer(self.b)):
            m.d.sync += self.b.valid.eq(0)
        flags, events = Value.cast(self.flags), Value.cast(self.events)
        m.d.sync += [Value.cast(self.commands).eq(0), flags.eq(flags | events)]
        with m.If(now):
            m.d.sync += [addressed.eq(0), given.eq(0), self.b.valid.eq(1), self.b.payload.eq(Response.SLVERR)]
            with m.Switch(index):
                for register in self.registers.registers:
                    if register.writable:
                        with m.Case(register.offset // REGISTER_BYTES):
                            m.d.sync += self.b.payload.eq(Response.OKAY)
                            for field in register.fields:
                                self._set(m, register, field, bits, mask)

    def _set(self, m: Module, register: Register, field: RegisterField, bits: Signal, mask: Signal) -> None:
        """Writes the bytes of a field that are strobed."""
        place = slice(field.low, field.low + field.width)
        new, strobed, name = bits[place], mask[place], port_name(register, field)
        match field.access:
            case Access.SETTING:
                m.d.sync += self.settings[name].eq((new & strobed) | (self.settings[name] & ~strobed))
            case Access.COMMAND:
                m.d.sync += self.commands[name].eq(new & strobed)
            case Access.FLAG:
                m.d.sync += self.flags[name].eq((self.flags[name] & ~(new & strobed)) | self.events[name])
            case Access.CONSTANT | Access.STATE:
                pass
