"""Hash clustering unit: compares each token with all clusters, and joins or founds one."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import MODE_PAGES
from hw.kv.config import Config
from hw.kv.hamming_array import HammingArray
from hw.kv.layouts import DecisionLayout, header_layout
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect

DECISIONS_WAITING = 8


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

        # Front: rows of the table, one a cycle.
        by_page = self.header.mode & MODE_PAGES != 0
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

        # The row leaves the memories with its token's hash and number beside it.
        stages = 1 + array.latency
        hashes, valid, ends, places = Signal(spec.hash_bits), Signal(width), Signal(stages), Signal(stages)
        numbers = [Signal(range(max(depth, 2)), name=f"row_{k}") for k in range(stages)]
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
        for k, (_, read) in enumerate(banks):
            m.d.comb += [read.addr.eq(row), read.en.eq(issue), array.i.row[k].eq(read.data)]

        # Back: the least distance over the token's rows.
        best = Signal(range(spec.hash_bits + 2), init=spec.hash_bits + 1)
        best_cluster = Signal(range(spec.clusters))
        nearer = array.o.distance < best
        decide = Signal()
        chosen, chosen_cluster, chosen_hash = Signal.like(best), Signal.like(best_cluster), Signal(spec.hash_bits)
        with m.If(places[-1]):
            candidate = Cat(array.o.lane, numbers[-1])[: len(best_cluster)]
            merged = Mux(nearer, array.o.distance, best)
            merged_cluster = Mux(nearer, candidate, best_cluster)
            m.d.sync += [
                best.eq(Mux(ends[-1], spec.hash_bits + 1, merged)),
                best_cluster.eq(merged_cluster),
                chosen.eq(merged),
                chosen_cluster.eq(merged_cluster),
                chosen_hash.eq(held[-1]),
            ]
        m.d.sync += decide.eq(places[-1] & ends[-1])
        self._decide(m, by_page, decide, chosen, chosen_cluster, chosen_hash, queue.i, banks)
        found = queue.i.valid & queue.i.payload.new
        with m.If(found & (lanes_of_last == 0)):
            m.d.sync += rows.eq(rows + 1)
        with m.If(issue & last):
            m.d.sync += pending.eq(1)
        with m.Elif(decide):
            m.d.sync += pending.eq(0)
        with m.If(self.begin):
            m.d.sync += [rows.eq(0), row.eq(0)]
        return m

    def _decide(
        self, m: Module, by_page: Value, decide: Value, distance: Value, nearest: Value, hash_: Value,
        decision: stream.Interface, banks: list,
    ) -> None:  # fmt: skip
        """Joins the nearest cluster, or founds one; `queue` has room, since the token's last row was let in."""
        spec, width = self.config.spec, self.config.compare_width
        log2_width = width.bit_length() - 1
        in_page = Signal(range(spec.block_tokens))
        full = self.clusters == spec.clusters
        wants_new = Mux(by_page, in_page == 0, distance >= self.header.hamming_threshold[:6])
        out = decision.payload
        m.d.comb += [
            out.hash.eq(hash_),
            out.new.eq(wants_new & ~full),
            out.spilled.eq(wants_new & full),
            out.cluster.eq(Mux(out.new, self.clusters, Mux(by_page, self.clusters - 1, nearest))),
            decision.valid.eq(decide),
        ]
        for k, (write, _) in enumerate(banks):
            m.d.comb += [
                write.addr.eq(self.clusters.shift_right(log2_width)),
                write.data.eq(hash_),
                write.en.eq(decide & out.new & (self.clusters[:log2_width] == k)),
            ]
        with m.If(decide):
            m.d.sync += [self.clusters.eq(self.clusters + out.new), in_page.eq(in_page + 1)]
        with m.If(self.begin):
            m.d.sync += [self.clusters.eq(0), in_page.eq(0)]
