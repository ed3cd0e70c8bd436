"""The records of a lane group's pixels, beside their state."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.chips.lumina.config import Config
from hw.chips.lumina.layouts import KeyLayout, by_lane, fresh_record, is_full, key_layout_of, place_layout
from hw.lib.memory import two_port_memory
from hw.lib.shared import repeat
from hw.radiance.layouts import RecordLayout
from hw.radiance.record_register import RecordRegister
from hw.splat.watch import WatchedLayout


class PixelRecords(wiring.Component):
    """A record register for every lane; what they hold of each sub-tile is in a memory, `golden.chips.lumina.recorder`.

    An operation's records are read in the cycle after it and written in the one behind that: an operation on the same
    sub-tile is further away. A flush leaves fresh records. Of what is written there is a second copy, which whoever
    asks the cache reads at leisure. One operation a cycle.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        splat, cache = config.spec.splat, config.spec.radiance
        places = config.splat.places
        super().__init__(
            {
                "operation": In(WatchedLayout(splat, places)),  #: of the lanes; two on a sub-tile 3 cycles apart
                #: a cycle later: the records before it, lane by lane
                "before": Out(by_lane(KeyLayout(cache), splat.lanes)),
                "filled": Out(place_layout(config)),  #: 2 cycles later: a splat has made records full
                "look": In(place_layout(config)),  #: a sub-tile whose records are wanted …
                "blocked": Out(1),  #: … and cannot be read in this cycle
                #: a cycle later, and until the next look: its records, lane by lane
                "records": Out(by_lane(KeyLayout(cache), splat.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, splat, cache = self.config, self.config.spec.splat, self.config.spec.radiance
        lanes, places = splat.lanes, config.splat.places
        registers = repeat(m, platform, "record_register", lanes, lambda: RecordRegister(spec=cache))
        row = by_lane(RecordLayout(cache), lanes)
        keys = by_lane(KeyLayout(cache), lanes)
        write, read = two_port_memory(m, platform, "state", width=row.size, depth=places)
        copy, asked = two_port_memory(m, platform, "copy", width=keys.size, depth=places)
        # One by one and as bits: structures and arrays that are but delayed mislead Yosys 0.70.
        place, late_place = Signal(range(places)), Signal(range(places))
        draw, late_draw, flush, late_flush = Signal(), Signal(), Signal(), Signal()
        number, changed = Signal(cache.id_bits), Signal(lanes)
        m.d.sync += [
            Cat(place, draw, flush).eq(Cat(self.operation.place, self.operation.draw, self.operation.flush)),
            Cat(late_place, late_draw, late_flush).eq(Cat(place, draw, flush)),
            number.eq(self.operation.id),
            changed.eq(self.operation.changed),
        ]
        written = Signal(row.size)
        old, new = row(read.data), row(written)
        was_full = Signal(lanes)  # before the operation that is written now
        m.d.comb += [
            read.addr.eq(self.operation.place),
            read.en.eq(self.operation.draw | self.operation.flush),
        ]
        for k, register in enumerate(registers):
            m.d.comb += [
                register.i.record.eq(old[f"lane_{k}"]),
                register.i.id.eq(number),
                register.i.significant.eq(changed[k]),
                Value.cast(new[f"lane_{k}"]).eq(Mux(late_flush, fresh_record(cache), Value.cast(register.o.record))),
                *(
                    self.before[f"lane_{k}"][name].eq(value)
                    for name, value in key_layout_of(old[f"lane_{k}"], cache).items()
                ),
            ]
            for name, value in key_layout_of(new[f"lane_{k}"], cache).items():
                m.d.comb += keys(copy.data)[f"lane_{k}"][name].eq(value)
        m.d.sync += was_full.eq(Cat(is_full(old[f"lane_{k}"], cache) for k in range(lanes)))
        writes = late_draw | late_flush
        m.d.comb += [
            *(port.addr.eq(late_place) for port in (write, copy)),
            *(port.en.eq(writes) for port in (write, copy)),
            write.data.eq(written),
            self.filled.valid.eq(
                late_draw & (Cat(is_full(new[f"lane_{k}"], cache) for k in range(lanes)) & ~was_full).any()
            ),
            self.filled.place.eq(late_place),
            self.blocked.eq(writes & (late_place == self.look.place)),
            asked.addr.eq(self.look.place),
            asked.en.eq(self.look.valid & ~self.blocked),
            Value.cast(self.records).eq(asked.data),
        ]
        return m
