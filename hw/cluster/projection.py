"""Rows of weights, or of keys, times the activations."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from golden.float_format import SINGLE
from hw.cluster.activation_memory import ActivationMemory, UnitLayout
from hw.cluster.dequantise import Dequantise
from hw.cluster.dot_product import DotProduct, dot_latency
from hw.cluster.layouts import Beat, BeatLayout, SettingsLayout, WriteLayout
from hw.cluster.rescale import EXPONENT, Rescale
from hw.cluster.serial_lanes import OperandsLayout
from hw.cluster.serial_rescale import SerialRescale
from hw.lib.float_parts import extreme
from hw.lib.paced import paced_pipe, still, turn_port
from hw.lib.pipe import Pipe, Staged

READ_LATENCY = 2  # of the activations, and of the node's memory
MAXIMUM_LATENCY = READ_LATENCY + 2  # beside the levels of the tree


def codes_at(spec: Spec) -> int:
    """Cycles from a beat to its codes."""
    return Dequantise.latency if spec.weight_bits == 4 else READ_LATENCY


def projection_latency(spec: Spec, interval: int = 1) -> int:
    """Cycles from a row's last beat to its flit of results."""
    multipliers = codes_at(spec) + (interval > 1)
    return multipliers + dot_latency(spec, interval) + Rescale.latency + 1


class Projection(wiring.Component):
    """y[r] = (Σ_c code[r, c]·activation[c])·2**exponent · factor · scale[r]; equals `golden.cluster.compute.project`.

    Beats SCALES, GROUPS, WEIGHTS and KEYS, one flit a cycle; the words of a flit of results are
    collected, and the flit leaves `projection_latency` cycles after the row's last beat. Scores: the maximum is
    kept, the last token's is -∞ if `masked`, and so are the words after it in the last flit.

    With an `interval` beats come once in so many cycles, with `turn` 0, and hold still but for their kind; a multiplier
    outside rescales.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
        self.memory = ActivationMemory(spec=spec)
        self.codes_at = codes_at(spec)
        rescaling = {
            "multiply": Out(OperandsLayout()),  #: for the multiplier of `SerialLanes`
            "product": In(32),  #: of the multiplier
        }
        super().__init__(
            {
                **turn_port(interval),
                **(rescaling if interval > 1 else {}),
                "beat": In(BeatLayout(spec)),  #: what to do in this cycle
                "flit": In(spec.link_width),  #: the stream's word of this beat
                "scores": In(spec.link_width),  #: the flit that a MAXIMUM beat asked for 2 cycles ago
                "settings": In(SettingsLayout(spec)),  #: of the command at hand
                "masked": In(1),  #: this node does not have the last token of a KEYS command
                "exponent": In(signed(EXPONENT)),  #: of the activations; holds still like the settings
                "factor": In(32),  #: of the activations, a single; holds still too
                "activations": In(UnitLayout(spec)),  #: a unit of activations to keep
                #: of the scores of the last KEYS or the last MAXIMUM command
                "maximum": Out(32, init=SINGLE.negative_infinity),
                "o": Out(WriteLayout(spec)),  #: a flit of results for the node's memory
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        spec, beat = self.spec, self.beat
        m.submodules.activations = memory = self.memory
        m.submodules.dot = dot = DotProduct(spec=spec, interval=self.interval)
        serial = self.interval > 1
        m.submodules.rescale = rescale = SerialRescale(spec=spec) if serial else Rescale(spec=spec)
        keys = beat.kind == Beat.KEYS
        multiplies = keys | (beat.kind == Beat.WEIGHTS)
        bits = (memory.banks - 1).bit_length()
        m.d.comb += [
            memory.write.eq(self.activations),
            memory.read.eq(Mux(keys, beat.index >> bits, beat.index)),
        ]
        codes = still(p, Staged(self._codes(m, p, keys, bits), self.codes_at, "codes"), self.codes_at)
        summed = codes.stage + dot_latency(spec, self.interval)
        valid = Signal(summed + Rescale.latency)  # of a row's last beat
        enters = Signal(codes.stage)
        m.d.sync += [
            enters.eq((enters << 1) | multiplies),
            valid.eq((valid << 1) | (multiplies & beat.last)),
        ]
        m.d.comb += [
            dot.valid.eq(enters[-1]),
            Value.cast(dot.i.codes).eq(codes.value),
            Value.cast(dot.i.activations).eq(
                still(p, Staged(memory.codes, READ_LATENCY, "activation"), self.codes_at).value
            ),
            dot.i.first.eq(still(p, p.source(beat.first, "first"), self.codes_at).value),
        ]
        scales = Signal(spec.link_width)
        with m.If(beat.kind == Beat.SCALES):
            m.d.sync += scales.eq(self.flit)
        scale = p.stage(
            lambda row, word, key: Mux(key, self.settings.scale, row.word_select(word, 32)),
            p.source(scales, "scales"),
            p.source(beat.word, "word"),
            p.source(keys, "keys"),
            name="scale",
        )
        m.d.comb += [
            rescale.i.total.eq(dot.o),
            rescale.i.exponent.eq(self.exponent),
            rescale.i.factor.eq(self.factor),
            rescale.i.scale.eq(p.at(scale, summed + (SerialRescale.SCALE if serial else 0))),
        ]
        if isinstance(rescale, SerialRescale):
            m.d.comb += [
                rescale.valid.eq(valid[summed - 1]),
                self.multiply.eq(rescale.multiply),
                rescale.product.eq(self.product),
            ]
        tag = p.source(Cat(beat.address, beat.word, beat.begin, beat.final, keys), "tag")
        self._look(m, p)
        self._collect(m, rescale.o, valid[-1], p.at(tag, summed + Rescale.latency))
        return m

    def _codes(self, m: Module, p: Pipe, keys: Value, bits: int) -> Value:
        """The flit's 8-bit codes at `codes_at`."""
        spec, beat = self.spec, self.beat
        flit = p.at(p.source(self.flit, "flit"), self.codes_at)
        if spec.weight_bits == 8:
            return flit
        m.submodules.dequantise = dequantise = Dequantise(spec=spec)
        m.d.comb += [
            dequantise.flit.eq(self.flit),
            dequantise.fill.eq(beat.kind == Beat.GROUPS),
            dequantise.row.eq(beat.index),
            dequantise.group.eq(beat.place),
        ]
        # A flit has half as many keys as weights: they meet their half of the row of activations.
        half = p.at(p.source(beat.index[:bits], "half"), self.codes_at)
        parts = Cat(Mux(half == k, flit, 0) for k in range(1 << bits))
        return Mux(p.at(p.source(keys, "keys"), self.codes_at), parts, dequantise.o)

    def _collect(self, m: Module, number: Value, valid: Value, tag: Value) -> None:
        """Words to flits, and the maximum."""
        spec, o = self.spec, self.o
        bits = len(o.address)
        address, word = tag[:bits], tag[bits : bits + len(self.beat.word)]
        begin, final, key = tag[-3], tag[-2], tag[-1]
        value = Mux(key & final & self.masked, SINGLE.negative_infinity, number)[:32]
        m.d.sync += o.enable.eq(valid & ((word == spec.lanes - 1) | (key & final)))
        with m.If(valid):
            m.d.sync += o.address.eq(address)
            for k in range(spec.lanes):
                mine = o.data[32 * k : 32 * k + 32]
                with m.If(word == k):
                    m.d.sync += mine.eq(value)
                with m.Elif(word == 0):
                    m.d.sync += mine.eq(SINGLE.negative_infinity)
        with m.If(valid & key):
            m.d.sync += self.maximum.eq(extreme(Mux(begin, SINGLE.negative_infinity, self.maximum)[:32], value, SINGLE))

    def _look(self, m: Module, p: Pipe) -> None:
        """The maximum of flits of scores, a level of the tree a cycle."""
        words = Staged(self.scores, READ_LATENCY, "scores")
        level = [p.stage(lambda v, k=k: v.word_select(k, 32), words, name=f"word_{k}") for k in range(self.spec.lanes)]
        while len(level) > 1:
            level = [
                p.stage(lambda a, b: extreme(a, b, SINGLE), *pair, name=f"larger_{len(level)}_{k}")
                for k, pair in enumerate(zip(level[::2], level[1::2], strict=True))
            ]
        looks, begin = p.source(self.beat.kind == Beat.MAXIMUM, "looks"), p.source(self.beat.begin, "looks_first")
        flit = level[0]
        came = Signal(flit.stage)
        m.d.sync += came.eq((came << 1) | looks.value)
        before = Mux(p.at(begin, flit.stage), SINGLE.negative_infinity, self.maximum)[:32]
        with m.If(came[-1]):
            m.d.sync += self.maximum.eq(extreme(before, flit.value, SINGLE))
