"""Hash bits of tokens: the projection of their keys onto the hyperplanes."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.kv.spec import Spec
from hw.kv.hash_lane import HashLane
from hw.kv.layouts import header_layout, record_layout
from hw.lib.queue import StreamQueue
from hw.lib.shared import repeat
from hw.lib.stream import connect, transfer

TOKENS_WAITING = 8  # hashes between this unit and the HCU


class HashUnit(wiring.Component):
    """Equals `golden.kv.hash_unit`: INT8 keys, hyperplanes of ±1 from a ROM, an offset for each plane.

    One chunk of `lanes` dimensions a cycle on all planes, so a token every `token_words` cycles;
    its hash leaves 8 cycles after its last chunk came.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "begin": In(1),  #: the next word is the first of a token
                "i": In(stream.Signature(record_layout(spec))),  #: record words, `token_words` a token
                "header": In(header_layout()),  #: the job's; the planes' offsets
                "o": Out(stream.Signature(spec.hash_bits)),  #: a hash a token
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        m.submodules.planes = planes = Memory(
            shape=spec.lanes * spec.hash_bits, depth=spec.token_words, init=self._words()
        )
        rom = planes.read_port()
        m.submodules.hashes = hashes = StreamQueue(shape=spec.hash_bits, depth=TOKENS_WAITING)
        lanes = repeat(m, platform, "hash_lane", spec.hash_bits, lambda: HashLane(spec=spec))

        # A token's first word enters only with a place promised for its hash.
        place = Signal(range(spec.token_words))
        promised = Signal(range(TOKENS_WAITING + 1))
        first, last = place == 0, place == spec.token_words - 1
        enters = transfer(self.i)
        m.d.comb += [self.i.ready.eq(~first | (promised != TOKENS_WAITING)), rom.addr.eq(place)]
        m.d.sync += promised.eq(promised + (enters & first) - transfer(self.o))
        with m.If(enters):
            m.d.sync += place.eq(Mux(last, 0, place + 1))
        with m.If(self.begin):
            m.d.sync += place.eq(0)

        # The ROM answers a cycle later, and a register behind it cuts its path to the adders.
        keys = [Signal.like(self.i.payload.key, name=f"keys_{k}", reset_less=True) for k in range(2)]
        flags = [Signal(3, name=f"flags_{k}") for k in range(2)]  # valid, first, last
        signs = Signal(spec.lanes * spec.hash_bits, reset_less=True)
        done = Signal(HashLane.latency)
        m.d.sync += [
            Value.cast(keys[0]).eq(Value.cast(self.i.payload.key)),
            Value.cast(keys[1]).eq(Value.cast(keys[0])),
            flags[0].eq(Cat(enters, first, last)),
            flags[1].eq(flags[0]),
            signs.eq(rom.data),
            done.eq((flags[1][0] & flags[1][2]) | done << 1),
        ]
        for b, lane in enumerate(lanes):
            m.d.comb += [
                Value.cast(lane.keys).eq(Value.cast(keys[1])),
                lane.signs.eq(signs[b * spec.lanes : (b + 1) * spec.lanes]),
                lane.valid.eq(flags[1][0]),
                lane.first.eq(flags[1][1]),
                lane.offset.eq(self.header[f"offset_{b}"][: lane.width]),
            ]
        m.d.comb += [hashes.i.payload.eq(Cat(lane.bit for lane in lanes)), hashes.i.valid.eq(done[-1])]
        connect(m, hashes.o, self.o)
        return m

    def _words(self) -> list[int]:
        """A ROM word holds a chunk's signs, plane by plane."""
        spec = self.spec
        words: list[int] = []
        for chunk in range(spec.token_words):
            planes = spec.planes[chunk * spec.lanes : (chunk + 1) * spec.lanes]
            bits = (
                (planes[k] >> b & 1) << (b * spec.lanes + k) for b in range(spec.hash_bits) for k in range(spec.lanes)
            )
            words.append(sum(bits))
        return words
