"""An engine with its external memory inside the simulation."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from pathlib import Path

from amaranth.hdl import Cat, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.checker import check
from hw.lib.counters import CounterLayout
from hw.lib.ports import forward, streams_of
from hw.lib.stream import transfer

FOLDER = Path(__file__).parent
#: Cycles without a word to or from memory after which an engine hangs. The longest honest pause on record, the
#: sweeps of a vision-sink job of 32,768 tokens, is two thirds of it.
IDLE_LIMIT = 1 << 20
WRITES = "memory_writes"  # the tap of every write, a `WriteLayout` each
SOURCES = tuple(FOLDER / name for name in ("external_memory.v", "dram_timing.v", "stream_tap.v"))
#: What the memory counts beside words, 40 bits each, the first at the lowest bits; of a DRAM all but the first two.
DRAM_COUNTERS = CounterLayout(
    {
        "read_waits": "cycles in which words were under way and none was offered",
        "write_waits": "cycles in which a word was offered and not taken",
        **{
            f"{port}_{name}": text
            for port in ("read", "write")
            for name, text in {
                "bursts": "accesses of one DRAM burst",
                "row_hits": "of these, no command was needed before",
                "row_misses": "of these, the bank was closed",
                "row_conflicts": "of these, another row was open in the bank",
                "activations": "rows opened",
            }.items()
        },
        "refreshes": "refresh commands",
        "read_latency": "DRAM clocks from every read's request to its data, summed",
        "turns": "changes between reads and writes",
    }
)

MOST_PARTS = 8  # of the memory that `dram_timing.v` tells apart
#: What is counted of each of them, 40 bits each.
PART_COUNTERS = {
    "bursts": "accesses of one DRAM burst, reads and writes",
    "row_hits": "of these, no command was needed before",
    "row_misses": "of these, the bank was closed",
    "row_conflicts": "of these, another row was open in the bank",
    "activations": "rows opened for its accesses",
    "queued": "DRAM clocks from an access's entry into its queue to its read or write command, summed",
}
PARTS_LAYOUT = CounterLayout(
    {f"{part}_{name}": text for part in range(MOST_PARTS) for name, text in PART_COUNTERS.items()}
)


def external_memory(
    ports: wiring.Component, *, width: int, log2_words: int, dump: Value, **outputs: Value
) -> Instance:  # fmt: skip
    """`external_memory.v` at the ports `read` and `write`; `outputs`, all of them, are named as in the Verilog."""
    request, response, write = ports.read.request, ports.read.response, ports.write.request
    return Instance(
        "external_memory",
        p_WIDTH=width,
        p_LOG2_WORDS=log2_words,
        i_clk=ClockSignal(),
        i_rst=ResetSignal(),
        i_request_address=request.payload.address,
        i_request_length=request.payload.length,
        i_request_valid=request.valid,
        o_request_ready=request.ready,
        o_response_data=response.payload.data,
        o_response_last=response.payload.last,
        o_response_valid=response.valid,
        i_response_ready=response.ready,
        i_write_address=write.payload.address,
        i_write_data=write.payload.data,
        i_write_valid=write.valid,
        o_write_ready=write.ready,
        i_dump=dump,
        **{f"o_{name}": value for name, value in outputs.items()},
    )


class MemoryHarness(wiring.Component):
    """Joins an engine's `read` and `write` ports to `external_memory`; its other ports pass through.

    Every stream port has a protocol checker. Every stream of `engine.taps` is recorded in the file NAME.hex of the
    folder +taps=FOLDER, and every write in that of `WRITES`, if a run names one: the search for the first wrong stage
    then needs no second build.

    Members:
        dump: on its rising edge the memory writes its file. fault, fault_address: first access
        beyond the memory's end. words_read, words_written: what the memory served since reset.
        memory_counters: `DRAM_COUNTERS`. part_counters: `PARTS_LAYOUT`.
        done: the engine was busy and is no longer. stuck: no word has moved for `IDLE_LIMIT` cycles.
        Every port of the engine but `read` and `write`.
    """

    def __init__(self, engine: wiring.Component, *, width: int, log2_words: int) -> None:
        self.engine, self.width, self.log2_words = engine, width, log2_words
        self.passed = {n: member for n, member in engine.signature.members.items() if n not in ("read", "write")}
        own = {"dump": In(1), "fault": Out(1), "fault_address": Out(32), "done": Out(1), "stuck": Out(1)}
        counted = {"words_read": Out(40), "words_written": Out(40), "memory_counters": Out(DRAM_COUNTERS.size)}
        counted["part_counters"] = Out(PARTS_LAYOUT.size)
        super().__init__({**self.passed, **own, **counted})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = engine = self.engine
        forward(m, self, engine, self.passed)
        for port in streams_of(engine):
            check(m, port.interface, port.name)
        request, response = engine.read.request, engine.read.response
        write = engine.write.request
        waits, accesses = (Signal(40), Signal(40)), Signal(DRAM_COUNTERS.size - 80)
        m.d.comb += self.memory_counters.eq(Cat(*waits, accesses))
        m.submodules.memory = external_memory(
            engine, width=self.width, log2_words=self.log2_words, dump=self.dump,
            fault=self.fault, fault_address=self.fault_address,
            words_read=self.words_read, words_written=self.words_written,
            read_waits=waits[0], write_waits=waits[1], dram_counters=accesses, part_counters=self.part_counters,
        )  # fmt: skip
        for name, tapped in {**engine.taps, WRITES: write}.items():
            payload = Value.cast(tapped.payload)
            m.submodules[f"tap_{name}"] = Instance(
                "stream_tap",
                p_WIDTH=len(payload),
                p_NAME=name,
                i_clk=ClockSignal(),
                i_payload=payload,
                i_transfer=tapped.valid & tapped.ready & ~ResetSignal(),
            )
        idle = Signal(range(IDLE_LIMIT + 1))
        with m.If(transfer(request) | transfer(response) | transfer(write) | ~engine.busy):
            m.d.sync += idle.eq(0)
        with m.Elif(idle != IDLE_LIMIT):
            m.d.sync += idle.eq(idle + 1)
        m.d.comb += self.stuck.eq(idle == IDLE_LIMIT)
        was_busy = Signal()
        m.d.sync += [was_busy.eq(engine.busy), self.done.eq(~engine.start & (self.done | (was_busy & ~engine.busy)))]
        return m
