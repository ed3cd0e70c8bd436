"""A node's decode unit."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec, Turned
from golden.float_format import SINGLE
from hw.cluster.activation_memory import CodeUnits
from hw.cluster.layouts import (
    Beat,
    BeatLayout,
    ReadLayout,
    SettingsLayout,
    WriteLayout,
    address_bits,
)
from hw.cluster.merge_lanes import TurnLayout
from hw.cluster.phase import phase_port
from hw.cluster.probability import Probability, add_share
from hw.cluster.projection import MAXIMUM_LATENCY, READ_LATENCY, Projection, projection_latency
from hw.cluster.rescale import EXPONENT
from hw.cluster.serial_lanes import OperandsLayout
from hw.cluster.serial_sums import SerialSums
from hw.cluster.turn_unit import TurnUnit
from hw.cluster.value_sums import ValueSums
from hw.lib.float_reciprocal import FloatReciprocal
from hw.lib.memory import two_port_memory
from hw.lib.paced import still
from hw.lib.pipe import Pipe, Staged

WRITING = 3  # cycles from a result to the memory that keeps it


class Turning(NamedTuple):
    """What a decode unit makes of vectors: units of as many codes as a flit has bytes."""

    loaded: Value  # a unit that the host has loaded, to be written to the activations
    caches: Value  # codes are for the cache, else they become activations
    comes: Value  # a flit's codes are there
    clipped: Value  # which of them were clipped
    filled: Value  # they have completed the unit `codes`
    codes: Value
    place: Value  # of the unit in the activations …
    address: Value  # … or in the node's memory
    exponent: Value  # of the codes
    factor: Value  # of the activations, a single


class Compute(wiring.Component):
    """Projection, scores, weighted sum, rotary embedding: one beat a cycle; equals `golden.cluster.compute.Unit`.

    Nothing in here waits: a beat's results are written a fixed number of cycles later, at the latest
    `settle` of its phase. Beats that need them may not come earlier.

    With an `interval` beats come once in so many cycles, with `phase` 0, and hold still but for their kind; products
    and distances of singles go to `SerialLanes`.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        shared = {
            "distance": Out(OperandsLayout()),  #: a maximum and a score, negated
            "exponential": In(32),  #: of the distance
            "multiply": Out(OperandsLayout()),  #: for the multiplier
            "product": In(32),  #: of the multiplier
        }
        super().__init__(
            {
                **phase_port(interval),
                **(shared if interval > 1 else {}),
                "rank": In(range(spec.nodes)),  #: of this node, constant
                "beat": In(BeatLayout(spec)),  #: what to do in this cycle
                "flit": In(spec.link_width),  #: the stream's word of this beat, if its kind has one
                "settings": In(SettingsLayout(spec)),  #: hold still until the command has settled
                "read": Out(ReadLayout(spec)),  #: a word of the node's memory
                "word": In(spec.link_width),  #: what was read 2 cycles ago
                "write": Out(WriteLayout(spec)),  #: a flit of results to the node's memory
                "turns": Out(1),  #: `turn` is a flit for the node's `MergeLanes`
                "turn": Out(TurnLayout(spec)),  #: of a vector, with its factors
                "turned": In(spec.link_width),  #: what the lanes made of it
                "clipped": Out(range(spec.lanes + 1)),  #: how many codes of the cache were clipped in this cycle
            }
        )

    @staticmethod
    def settle(spec: Spec, interval: int = 1) -> dict[str, int]:
        """Cycles after a phase's last beat until all it does is done, the write register included; by phase."""
        turn = max(TurnUnit.turn_latency(spec, interval), FloatReciprocal.latency)
        serial = interval > 1
        return {
            "load": WRITING,
            "project": projection_latency(spec, interval) + WRITING,
            "weigh": READ_LATENCY + 1 + Probability.latency + WRITING + (interval + 1 if serial else 0),
            "record": (SerialSums.record_latency(spec) if serial else ValueSums.record_latency) + WRITING,
            "vector": READ_LATENCY + serial + turn + WRITING,
            "maximum": MAXIMUM_LATENCY + spec.lanes.bit_length(),
            "codes": TurnUnit.code_latency(spec, interval) + WRITING,
        }

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        serial = self.interval > 1
        p = Pipe(m, platform, interval=self.interval, turn=self.phase if serial else None)
        spec, beat = self.spec, self.beat
        m.submodules.projection = projection = Projection(spec=spec, interval=self.interval)
        if serial:
            m.d.comb += [
                projection.turn.eq(self.phase),
                self.multiply.eq(projection.multiply),
                projection.product.eq(self.product),
            ]
        exponent, factor = Signal(signed(EXPONENT)), Signal(32, init=SINGLE.one)
        reads = Cat(beat.kind == kind for kind in (Beat.VALUES, Beat.VECTOR, Beat.DIVISOR, Beat.MAXIMUM)).any()
        m.d.comb += [
            self.read.enable.eq(reads),
            self.read.address.eq(beat.address),
            projection.beat.eq(beat),
            projection.flit.eq(self.flit),
            projection.scores.eq(self.word),
            projection.settings.eq(self.settings),
            projection.exponent.eq(exponent),
            projection.factor.eq(factor),
            projection.masked.eq(self.rank > self.settings.root),
        ]
        offset = Signal(address_bits(spec))
        m.d.sync += offset.eq(self.rank * self.settings.stride)
        record = self._values(m, p, projection.maximum)
        turned = self._turn(m, p, platform)
        m.d.comb += projection.activations.eq(turned.loaded)
        with m.If(turned.filled & ~turned.caches):
            m.d.comb += [
                projection.activations.enable.eq(1),
                projection.activations.unit.eq(turned.place),
                projection.activations.codes.eq(turned.codes),
            ]
            m.d.sync += [exponent.eq(turned.exponent), factor.eq(turned.factor)]
        with m.If(beat.kind == Beat.ACTIVATIONS):
            m.d.sync += [exponent.eq(0), factor.eq(self.settings.scale)]
        sources = [
            (projection.o.enable, projection.o.address + offset, projection.o.data),
            record,
            self._cache(m, turned),
        ]
        m.d.sync += self.write.enable.eq(Cat(enable for enable, _, _ in sources).any())
        for enable, address, flit in sources:
            with m.If(enable):
                m.d.sync += [self.write.address.eq(address), self.write.data.eq(flit)]
        return m

    def _is(self, m: Module, kind: Beat, latency: int) -> Value:
        """A beat of that kind came `latency` cycles ago."""
        came = Signal(latency, name=f"{kind.name.lower()}_came")
        m.d.sync += came.eq((came << 1) | (self.beat.kind == kind))
        return came[-1]

    def _values(self, m: Module, p: Pipe, maximum: Value) -> tuple[Value, Value, Value]:
        """Values times their shares; a record's flit to write."""
        beat, serial = self.beat, self.interval > 1
        sums = SerialSums(spec=self.spec, interval=self.interval) if serial else ValueSums(spec=self.spec)
        words = Staged(self.word, READ_LATENCY, "word")
        score = p.stage(
            lambda flit, k: flit.word_select(k, 32), words, p.source(beat.word, "word_number"), name="score"
        )
        share = self._share(m, score, maximum)
        m.submodules.sums = sums
        row = p.source(beat.index[: len(sums.i.row)], "row")
        values, when = p.source(self.flit, "values"), share.stage
        # A register before the multipliers, since a memory keeps the codes until then.
        codes = p.stage(lambda v: v, Staged(p.at(values, when - 1), when - 1, "kept"), name="codes")
        kept = still(p, share, when)
        m.d.comb += [
            sums.valid.eq(self._is(m, Beat.VALUES, kept.stage)),
            sums.i.probability.eq(kept.value),
            sums.i.codes.eq(still(p, codes, when).value),
            sums.i.row.eq(still(p, row, when).value),
            sums.i.first.eq(still(p, p.source(beat.first, "first"), when).value),
            sums.i.begin.eq(still(p, p.source(beat.begin, "begin"), when).value),
            sums.read.row.eq(beat.index),
            sums.read.part.eq(beat.place),
            sums.read.header.eq(beat.first),
            sums.maximum.eq(maximum),
        ]
        if serial:
            m.d.comb += sums.read.word.eq(self.phase)
        latency = SerialSums.record_latency(self.spec) if serial else ValueSums.record_latency
        address = p.at(p.source(beat.address, "record_address"), latency)
        return self._is(m, Beat.RECORD, latency), address, sums.o

    def _share(self, m: Module, score: Staged, maximum: Value) -> Staged:
        """Of a token; as `Probability` makes it."""
        when = score.stage + Probability.latency
        if self.interval == 1:
            m.submodules.probability = probability = Probability()
            m.d.comb += [probability.i.score.eq(score.value), probability.i.maximum.eq(maximum)]
            return Staged(probability.o, when, "share")
        m.d.comb += [
            self.distance.enable.eq(self._is(m, Beat.VALUES, score.stage)),
            Cat(self.distance.a, self.distance.b).eq(Cat(maximum, score.value[:-1], ~score.value[-1])),
        ]
        return Staged(add_share(m, self.exponential), when, "share")

    def _turn(self, m: Module, p: Pipe, platform: object) -> Turning:
        """Vectors to units of codes, which become activations or entries of the cache."""
        spec, beat, settings = self.spec, self.beat, self.settings
        m.submodules.turn = turn = TurnUnit(spec=spec, interval=self.interval)
        m.submodules.reciprocal = reciprocal = FloatReciprocal()
        m.submodules.units = units = CodeUnits(spec=spec)
        vector = still(p, Staged(self.word, READ_LATENCY, "vector"), READ_LATENCY)
        if self.interval > 1:
            m.d.comb += turn.word.eq(self.phase - 2)
        m.d.comb += [
            units.valid.eq(beat.kind == Beat.ACTIVATIONS),
            units.index.eq(beat.index),
            units.flit.eq(self.flit),
            turn.valid.eq(self._is(m, Beat.VECTOR, vector.stage)),
            turn.i.vector.eq(vector.value),
            turn.i.row.eq(p.at(p.source(beat.place, "place"), vector.stage)),
            turn.i.first.eq(p.at(p.source(beat.first, "turn_first"), vector.stage)),
            turn.read.eq(beat.index),
            self.turns.eq(turn.valid),
            self.turn.eq(turn.turn),
            turn.turned.eq(self.turned),
            reciprocal.i.start.eq(self._is(m, Beat.DIVISOR, READ_LATENCY)),
            reciprocal.i.value.eq(self.word[32:64]),
        ]
        for half, name in enumerate(("own", "other")):
            write, read = two_port_memory(m, platform, name, width=spec.link_width, depth=spec.constant_rows)
            fills = (beat.kind == Beat.CONSTANTS) & (beat.index[0] == half)
            m.d.comb += [
                write.addr.eq(beat.index[1:]),
                write.data.eq(self.flit),
                write.en.eq(fills),
                read.addr.eq(beat.index),
                read.en.eq(beat.kind == Beat.VECTOR),
                turn.i[name].eq(
                    still(p, p.stage(lambda v: v, Staged(read.data, 1, name), name=name), READ_LATENCY).value
                ),
            ]
        caches = Signal()
        m.d.sync += caches.eq((settings.turned == Turned.CACHE) | (settings.turned == Turned.CACHE_ALL))
        m.d.comb += turn.cache.eq(caches)

        latency = TurnUnit.code_latency(spec, self.interval)
        came = self._is(m, Beat.CODES, latency)
        full = p.at(p.source(beat.last & (beat.kind == Beat.CODES), "unit_full"), latency) & came
        unit = Signal(spec.flit_bytes * spec.activation_bits)
        filled = Signal()
        width = spec.lanes * spec.activation_bits
        with m.If(came):
            m.d.sync += unit.eq(Cat(unit[width:], turn.codes))
        m.d.sync += filled.eq(full)
        place = p.at(p.source(beat.place, "unit_place"), latency + 1)
        address = p.at(p.source(beat.address, "unit_address"), latency + 1)
        return Turning(
            loaded=units.o,
            caches=caches,
            comes=came,
            clipped=turn.clipped,
            filled=filled,
            codes=unit,
            place=place,
            address=address,
            exponent=turn.exponent,
            factor=Mux(settings.turned == Turned.NORMALISE, reciprocal.o, SINGLE.one),
        )

    def _cache(self, m: Module, turned: Turning) -> tuple[Value, Value, Value]:
        """An entry of the cache to write, of 8-bit codes; and how many of them were clipped."""
        spec, settings = self.spec, self.settings
        writes = Signal()
        m.d.sync += writes.eq((settings.turned == Turned.CACHE_ALL) | (settings.root == self.rank))
        codes = Cat(turned.codes.word_select(k, spec.activation_bits)[:8] for k in range(spec.flit_bytes))
        counted = Signal.like(self.clipped)
        m.d.comb += counted.eq(sum(turned.clipped[k] for k in range(spec.lanes)))
        m.d.sync += self.clipped.eq(Mux(turned.comes & turned.caches & writes, counted, 0))
        return turned.filled & turned.caches & writes, turned.address, codes
