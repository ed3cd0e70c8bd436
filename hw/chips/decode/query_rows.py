"""Makes scan rows of query codes."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import scan_row_bytes
from golden.kv.spec import KEY_BITS
from hw.chips.decode.config import Config
from hw.kv.layouts import scan_row_layout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.row_reader import RowReader
from hw.lib.stream import transfer
from hw.lib.tree import add_all

STEP = 8  # codes that are summed in a cycle; head sizes are multiples of it
SETTLE = 2  # cycles from a step of codes to its sums


class QueryRows(wiring.Component):
    """Fills every head's template row with its query codes, and what the scan needs of them: Σq a row, and the largest
    Σ|q|.

    Equals `golden.chips.decode.memory_image.query_fields`. A head takes the memory's time for template and codes, then
    group · head_size / 8 + 4 cycles, then a word a cycle.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: begin with head 0; ignored while `busy`
                "template_address": In(ADDRESS_WIDTH),  #: of head 0's template, the others behind it; holds still
                "codes_address": In(ADDRESS_WIDTH),  #: of head 0's codes, likewise
                "rows_address": In(ADDRESS_WIDTH),  #: where head 0's row is written, likewise
                "busy": Out(1),  #: until the last word of the last row has left
                "memory": Out(ReadSignature(config.memory_width)),  #: for templates and codes
                "out": Out(WriteSignature(config.memory_width)),  #: the rows, a run each
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec.kv
        width, word_bytes = config.memory_width, config.word_bytes
        row_bytes, code_bytes = scan_row_bytes(spec), spec.group * spec.head_size
        words = row_bytes // word_bytes
        m.submodules.templates = templates = RowReader(width=width, row_bytes=row_bytes)
        m.submodules.codes = codes = RowReader(width=width, row_bytes=code_bytes)
        m.submodules.reads = reads = ReadArbiter(width=width, count=2, outstanding=2)
        for client, reader in zip(reads.clients, (templates, codes), strict=True):
            wiring.connect(m, client, reader.memory)
        wiring.connect(m, wiring.flipped(self.memory), reads.memory)

        head = Signal(range(spec.heads))
        template_at, codes_at, row_at = (Signal(ADDRESS_WIDTH, name=f"{n}_at") for n in ("template", "codes", "row"))
        word = Signal(range(words))
        begin, step = Signal(), Signal()  # of a head's sums
        row = self._row(m, templates.o.payload, codes.o.payload, begin, step)
        asked, came = Signal(2), Signal(2)  # of template and codes
        steps = Signal(range(code_bytes // STEP + SETTLE + 1))
        request = self.out.request
        m.d.comb += [
            templates.i.payload.eq(template_at),
            codes.i.payload.eq(codes_at),
            templates.o.ready.eq(1),
            codes.o.ready.eq(1),
            request.payload.address.eq(row_at),
            request.payload.data.eq(row.word_select(word, width)),
            request.payload.last.eq(word == words - 1),
            self.busy.eq(1),
        ]
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [
                    head.eq(0),
                    template_at.eq(self.template_address),
                    codes_at.eq(self.codes_address),
                    row_at.eq(self.rows_address),
                ]
                with m.If(self.start):
                    m.next = "begin"
            with m.State("begin"):
                m.d.sync += [asked.eq(0), came.eq(0), steps.eq(0), word.eq(0)]
                m.next = "load"
            with m.State("load"):
                for k, reader in enumerate((templates, codes)):
                    m.d.comb += reader.i.valid.eq(~asked[k])
                    m.d.sync += [asked[k].eq(asked[k] | reader.i.ready), came[k].eq(came[k] | reader.o.valid)]
                m.d.comb += begin.eq(came.all())
                with m.If(begin):
                    m.next = "sum"
            with m.State("sum"):
                m.d.comb += step.eq(steps < code_bytes // STEP)
                m.d.sync += steps.eq(steps + 1)
                with m.If(steps == code_bytes // STEP + SETTLE):
                    m.next = "write"
            with m.State("write"):
                m.d.comb += request.valid.eq(1)
                with m.If(transfer(request)):
                    m.d.sync += [word.eq(word + 1), row_at.eq(row_at + word_bytes)]
                    with m.If(request.payload.last):
                        m.d.sync += [
                            head.eq(head + 1),
                            template_at.eq(template_at + row_bytes),
                            codes_at.eq(codes_at + code_bytes),
                        ]
                        m.next = "begin"
                        with m.If(head == spec.heads - 1):
                            m.next = "idle"
        return m

    def _row(self, m: Module, template: Value, codes: Value, begin: Value, step: Value) -> Value:
        """The row whose sums are complete `SETTLE` cycles after the last `step`."""
        spec = self.config.spec.kv
        layout = scan_row_layout(spec)
        left = Signal.like(codes)  # codes that are still to be summed, the next ones lowest
        sums = [Signal(signed(16), name=f"sum_{r}") for r in range(spec.group)]
        place, number = Signal(range(spec.head_size // STEP)), Signal(range(spec.group))
        now = [Signal(signed(KEY_BITS), name=f"code_{k}") for k in range(STEP)]
        part, size = Signal(signed(KEY_BITS + 3)), Signal(KEY_BITS + 3)
        size_now, magnitude = Signal(16), Signal(16)
        arrives, first, last, to = Signal(), Signal(), Signal(), Signal.like(number)
        total = Signal.like(size_now)
        m.d.comb += [code.eq(left.word_select(k, KEY_BITS)) for k, code in enumerate(now)]
        m.d.comb += total.eq(Mux(first, 0, size_now) + size)
        m.d.sync += [
            part.eq(add_all(now)),
            size.eq(add_all([Mux(code < 0, -code, code)[:KEY_BITS].as_unsigned() for code in now])),
            arrives.eq(step),
            first.eq(place == 0),
            last.eq(place == spec.head_size // STEP - 1),
            to.eq(number),
        ]
        with m.If(step):
            m.d.sync += [left.eq(left >> STEP * KEY_BITS), place.eq(place + 1)]
            with m.If(place == spec.head_size // STEP - 1):
                m.d.sync += [place.eq(0), number.eq(number + 1)]
        with m.If(arrives):
            m.d.sync += size_now.eq(total)
            for r, own in enumerate(sums):
                with m.If(to == r):
                    m.d.sync += own.eq(Mux(first, 0, own) + part)
            with m.If(last & (total > magnitude)):
                m.d.sync += magnitude.eq(total)
        with m.If(begin):
            m.d.sync += [left.eq(codes), place.eq(0), number.eq(0), magnitude.eq(0)]
        row = Signal(layout)
        m.d.comb += [
            Value.cast(row).eq(template),
            row.queries.eq(codes),
            row.magnitude.eq(magnitude),
            *(row[f"sum_{r}"].eq(own) for r, own in enumerate(sums)),
        ]
        spare = 8 * scan_row_bytes(spec) - layout.size
        whole = Signal(layout.size + spare)
        m.d.comb += whole.eq(Value.cast(row))
        return whole
