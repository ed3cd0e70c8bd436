"""Keys of whole records: the record register, as often as a record has ids."""

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.spec import Spec
from hw.lib.pipe import Pipe
from hw.lib.shared import repeat
from hw.radiance.layouts import AskLayout, RecordLayout, colour_of, key_of, pixel_layout
from hw.radiance.record_register import RecordRegister


class KeyUnit(wiring.Component):
    """A pixel's row of memory to what the cache is asked; equals `golden.radiance.alpha_record.keys`.

    Latency `record_length` cycles, one pixel a cycle.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.latency = spec.record_length
        super().__init__(
            {
                "i": In(pixel_layout(spec)),  #: the pixel's ids, their number, its colour
                "o": Out(AskLayout(spec)),  #: set and tag of its record
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, pipe = self.spec, Pipe(m, platform)
        layout = RecordLayout(spec)
        steps = repeat(m, platform, "record_register", spec.record_length, lambda: RecordRegister(spec=spec))
        record = pipe.constant(layout.const(layout.fresh()), "fresh")
        for k, step in enumerate(steps):
            record = pipe.unit(
                step,
                record=record,
                id=pipe.source(self.i[f"id_{k}"], f"id_{k}"),
                significant=pipe.source(self.i.count > k, f"significant_{k}"),
            )("record")
        key = key_of(record.value, spec)
        self_full = record.value.count == Const(spec.record_length)
        pipe.finish(
            self.o,
            self.latency,
            full=pipe.source(self_full, "full", record.stage),
            set=pipe.source(key[: spec.set_bits], "set", record.stage),
            tag=pipe.source(key[spec.set_bits :], "tag", record.stage),
            colour=pipe.source(colour_of(self.i, spec), "colour"),
        )
        return m
