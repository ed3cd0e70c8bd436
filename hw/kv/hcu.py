"""Hash clustering unit: compares each token with all clusters, and joins or founds one."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import ReadPort, WritePort
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import MODE_PAGES
from hw.kv.config import Config
from hw.kv.hamming_array import HammingArray
from hw.kv.layouts import DecisionLayout, header_layout
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect

DECISIONS_WAITING = 8


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A row of the table leaves the array, if `valid`."""

    valid: Value
    last: Value  # of its token
    row: Signal
    hash: Signal  # the token's


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """A token's nearest cluster, if `valid`."""

    valid: Signal
    distance: Signal
    cluster: Signal
    hash: Signal  # the token's


class HashClusteringUnit(wiring.Component):
    """Equals `golden.kv.hcu`: `compare_width` clusters a cycle, the nearest below Th_hd, ties to the lowest.

    A cluster keeps its founder's hash, so that all rows of the table but the one where the next
    founder would go are settled: a token is compared with them while the token before it is still
    undecided. A token takes max(ceil(clusters / W), latency + 3) cycles, the array's latency. In
    page mode every `block_tokens` tokens found a cluster, without comparisons.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "begin": In(1),  #: forget all clusters
                "header": In(header_layout()),  #: the job's
                "i": In(stream.Signature(spec.hash_bits)),  #: a hash a token
                "o": Out(stream.Signature(DecisionLayout(spec))),  #: the cluster of each, in order
                "clusters": Out(range(spec.clusters + 1)),  #: founded so far
                "comparing": Out(range(config.compare_width + 1)),  #: hashes compared in this cycle
                "idle": Out(1),  #: no token is undecided
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, width = self.config.spec, self.config.compare_width
        log2_width = width.bit_length() - 1
        depth = spec.clusters // width
        m.submodules.array = array = HammingArray(bits=spec.hash_bits, lanes=width)
        m.submodules.queue = queue = StreamQueue(shape=DecisionLayout(spec), depth=DECISIONS_WAITING)
        connect(m, queue.o, self.o)
        banks = [two_port_memory(m, platform, f"hashes_{k}", width=spec.hash_bits, depth=depth) for k in range(width)]

        by_page = self.header.mode & MODE_PAGES != 0
        # Front: rows of the table, one a cycle.
        row = Signal(range(depth + 1))
        rows = Signal(range(depth + 1))  # that hold a cluster
        pending = Signal()  # the last row of a token is on its way through the array
        issue, last = Signal(), Signal()
        settled = row + 1 < rows
        m.d.comb += [
            last.eq(~pending & (by_page | (row + 1 >= rows))),
            issue.eq(self.i.valid & (settled | ~pending) & (~last | queue.i.ready)),
            self.i.ready.eq(issue & last),
            self.idle.eq(~self.i.valid & ~pending & ~queue.o.valid),
        ]
        with m.If(issue):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
        lanes_of_last = self.clusters[:log2_width]
        partial = (row + 1 == rows) & (lanes_of_last != 0)
        mask = Signal(width)
        m.d.comb += mask.eq(Mux(by_page | (rows == 0), 0, Mux(partial, (1 << lanes_of_last) - 1, (1 << width) - 1)))
        m.d.comb += self.comparing.eq(Mux(issue, Mux(partial, lanes_of_last, width), 0) & Mux(mask.any(), -1, 0))

        arrival = self._compare(m, array, [read for _, read in banks], row, issue, last, mask)
        nearest = self._least(m, array, arrival)
        self._decide(m, by_page, nearest, queue.i, [write for write, _ in banks])
        found = queue.i.valid & queue.i.payload.new
        with m.If(found & (lanes_of_last == 0)):
            m.d.sync += rows.eq(rows + 1)
        with m.If(issue & last):
            m.d.sync += pending.eq(1)
        with m.Elif(nearest.valid):
            m.d.sync += pending.eq(0)
        with m.If(self.begin):
            m.d.sync += [rows.eq(0), row.eq(0)]
        return m

    def _compare(
        self, m: Module, array: HammingArray, reads: list[ReadPort], row: Signal, issue: Signal, last: Signal,
        mask: Signal,
    ) -> Arrival:  # fmt: skip
        """Sends a row through the array, its token's hash and its number beside it."""
        spec = self.config.spec
        stages = 1 + array.latency
        hashes, valid, ends, places = Signal(spec.hash_bits), Signal(len(mask)), Signal(stages), Signal(stages)
        numbers = [Signal(range(max(spec.clusters // len(reads), 2)), name=f"row_{k}") for k in range(stages)]
        held = [Signal(spec.hash_bits, name=f"hash_{k}") for k in range(stages)]
        m.d.sync += [
            valid.eq(mask),
            places.eq(issue | places << 1),
            ends.eq((issue & last) | ends << 1),
            numbers[0].eq(row),
            held[0].eq(self.i.payload),
            *(a.eq(b) for a, b in zip(numbers[1:], numbers[:-1], strict=True)),
            *(a.eq(b) for a, b in zip(held[1:], held[:-1], strict=True)),
        ]
        m.d.comb += [hashes.eq(held[0]), array.i.hash.eq(hashes), array.i.valid.eq(valid)]
        for k, read in enumerate(reads):
            m.d.comb += [read.addr.eq(row), read.en.eq(issue), array.i.row[k].eq(read.data)]
        return Arrival(valid=places[-1], last=ends[-1], row=numbers[-1], hash=held[-1])

    def _least(self, m: Module, array: HammingArray, arrival: Arrival) -> Nearest:
        """The least distance over a token's rows."""
        spec = self.config.spec
        best = Signal(range(spec.hash_bits + 2), init=spec.hash_bits + 1)
        best_cluster = Signal(range(spec.clusters))
        nearer = array.o.distance < best
        decide = Signal()
        chosen, chosen_cluster, chosen_hash = Signal.like(best), Signal.like(best_cluster), Signal(spec.hash_bits)
        with m.If(arrival.valid):
            candidate = Cat(array.o.lane, arrival.row)[: len(best_cluster)]
            merged = Mux(nearer, array.o.distance, best)
            merged_cluster = Mux(nearer, candidate, best_cluster)
            m.d.sync += [
                best.eq(Mux(arrival.last, spec.hash_bits + 1, merged)),
                best_cluster.eq(merged_cluster),
                chosen.eq(merged),
                chosen_cluster.eq(merged_cluster),
                chosen_hash.eq(arrival.hash),
            ]
        m.d.sync += decide.eq(arrival.valid & arrival.last)
        return Nearest(valid=decide, distance=chosen, cluster=chosen_cluster, hash=chosen_hash)

    def _decide(
        self, m: Module, by_page: Value, nearest: Nearest, decision: stream.Interface, writes: list[WritePort]
    ) -> None:
        """Joins the nearest cluster, or founds one; `decision` has room, since the token's last row was let in."""
        spec, width = self.config.spec, self.config.compare_width
        log2_width = width.bit_length() - 1
        in_page = Signal(range(spec.block_tokens))
        full = self.clusters == spec.clusters
        wants_new = Mux(by_page, in_page == 0, nearest.distance >= self.header.hamming_threshold[:6])
        out = decision.payload
        m.d.comb += [
            out.hash.eq(nearest.hash),
            out.new.eq(wants_new & ~full),
            out.spilled.eq(wants_new & full),
            out.cluster.eq(Mux(out.new, self.clusters, Mux(by_page, self.clusters - 1, nearest.cluster))),
            decision.valid.eq(nearest.valid),
        ]
        for k, write in enumerate(writes):
            m.d.comb += [
                write.addr.eq(self.clusters.shift_right(log2_width)),
                write.data.eq(nearest.hash),
                write.en.eq(nearest.valid & out.new & (self.clusters[:log2_width] == k)),
            ]
        with m.If(nearest.valid):
            m.d.sync += [self.clusters.eq(self.clusters + out.new), in_page.eq(in_page + 1)]
        with m.If(self.begin):
            m.d.sync += [self.clusters.eq(0), in_page.eq(0)]
