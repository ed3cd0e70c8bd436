"""An engine with AXI4 to memory and AXI4-Lite to its control registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from hw.bus.axi_lite_slave import AxiLiteSlave
from hw.bus.axi_master import AxiMaster
from hw.bus.axi_ports import axi4_ports, axi_lite_ports
from hw.bus.config import BusConfig
from hw.bus.job_control import JobControl
from hw.bus.registers import CAUSES, RegisterMap, counter_values
from hw.lib.engine_ports import engine_ports
from hw.lib.fields import fields_of_layout
from hw.lib.ports import forward
from hw.lib.shared import add_with_reset
from hw.lib.stream import payload_shape

INCR = 1
CACHE = 0b0011  # normal memory, not cached, bufferable
#: What AXI calls the fields of our payloads.
SIGNALS = {
    "": "resp", "address": "addr", "length": "len", "data": "data", "strobes": "strb", "last": "last",
    "response": "resp",
}  # fmt: skip


class AxiEngine(wiring.Component):
    """Any engine with the ports of `hw.lib.engine_ports`; ports that it has beyond those are passed on.

    A job is begun by a write to CONTROL, and ends in STATUS.DONE or STATUS.FAILED when all that it asked of the bus has
    been answered (`hw.bus.registers`, `hw.bus.job_control`).

    Raises:
        InputError: `bus` does not fit the engine's memory port.
    """

    def __init__(self, engine: wiring.Component, *, bus: BusConfig, registers: RegisterMap) -> None:
        self.registers = registers
        self.master = AxiMaster(engine, bus=bus)
        self.bus = self.master.bus
        members = engine.signature.members
        common = engine_ports(self.master.width, members["counters"].shape)
        self.passed = {name: member for name, member in members.items() if name not in common}
        super().__init__(
            {
                **axi4_ports(self.bus),
                **axi_lite_ports(registers.address_width),
                "irq": Out(1),  #: a flag of INTERRUPT is set that INTERRUPT_ENABLE has too
                **self.passed,
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.registers = slave = AxiLiteSlave(registers=self.registers)
        m.submodules.control = control = JobControl()
        master = self.master
        add_with_reset(m, platform, "axi_master", master, control.engine_reset)
        forward(m, self, master, self.passed)
        m.d.comb += [
            control.start.eq(slave.commands.control_start),
            control.stop.eq(slave.commands.control_stop),
            control.engine_busy.eq(master.busy),
            control.bus_idle.eq(master.idle),
            control.bus_failed.eq(master.failed),
            master.start.eq(control.engine_start),
            master.stop.eq(control.bus_stop),
            self.irq.eq((Value.cast(slave.flags) & Cat(
                slave.settings.interrupt_enable_done, slave.settings.interrupt_enable_failed
            )).any()),
        ]  # fmt: skip
        # What software writes to ADDRESS during a job is of the next one.
        with m.If(control.begins):
            m.d.sync += master.address.eq(slave.settings.address_header)
        self._status(m, slave, control)
        self._connect_master(m)
        self._connect_slave(m, slave)
        return m

    def _status(self, m: Module, slave: AxiLiteSlave, control: JobControl) -> None:
        """What software reads of the newest job. Counters stay when the engine is reset."""
        master, state = self.master, slave.state
        done, failed = Signal(), Signal()
        cause, burst = Signal.like(master.cause), Signal.like(master.burst)
        counters = Signal(master.counters.shape())
        with m.If(control.begins):
            m.d.sync += [done.eq(0), failed.eq(0), cause.eq(0), burst.eq(0)]
        with m.If(control.done):
            m.d.sync += done.eq(1)
        with m.If(control.failed):
            m.d.sync += [
                done.eq(0),
                failed.eq(1),
                cause.eq(Mux(master.failed, master.cause, CAUSES["stopped"])),
                burst.eq(Mux(master.failed, master.burst, 0)),
            ]
        with m.If(control.busy & ~control.engine_reset):
            m.d.sync += counters.eq(master.counters)
        m.d.comb += [
            state.status_busy.eq(control.busy),
            state.status_done.eq(done),
            state.status_failed.eq(failed),
            state.error_cause.eq(cause),
            state.error_address_burst.eq(burst),
            slave.events.interrupt_done.eq(control.done),
            slave.events.interrupt_failed.eq(control.failed),
            *(state[name].eq(value) for name, value in counter_values(master.counters.shape(), counters).items()),
        ]

    def _connect_master(self, m: Module) -> None:
        master = self.master
        for name in ("aw", "w", "b", "ar", "r"):
            self._connect(m, f"m_axi_{name}", getattr(master, name), ours=name in ("aw", "w", "ar"))
        for name in ("m_axi_aw", "m_axi_ar"):
            constants = {"id": 0, "size": (self.bus.width // 8).bit_length() - 1, "burst": INCR, "cache": CACHE}
            constants |= dict.fromkeys(("lock", "prot", "qos"), 0)
            m.d.comb += [getattr(self, name + key).eq(value) for key, value in constants.items()]

    def _connect_slave(self, m: Module, slave: AxiLiteSlave) -> None:
        for name in ("aw", "w", "b", "ar", "r"):
            self._connect(m, f"s_axi_{name}", getattr(slave, name), ours=name in ("b", "r"))

    def _connect(self, m: Module, prefix: str, channel: stream.Interface, *, ours: bool) -> None:
        """A channel to its signals; `ours`: we offer, they take."""
        payload = Value.cast(channel.payload)
        pairs = [
            (getattr(self, prefix + SIGNALS[field.name]), payload[field.offset : field.offset + field.width])
            for field in fields_of_layout(payload_shape(channel))
        ]
        valid, ready = (getattr(self, f"{prefix}{name}") for name in ("valid", "ready"))
        for signal, field in [*pairs, (valid, channel.valid)]:
            m.d.comb += signal.eq(field) if ours else field.eq(signal)
        m.d.comb += channel.ready.eq(ready) if ours else ready.eq(channel.ready)
