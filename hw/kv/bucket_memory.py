"""Sums of weights, counts and members for every bucket of a row."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import Spec
from hw.lib.memory import two_port_memory


class BucketLayout(data.StructLayout):
    """What a bucket holds."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "weight": signed(spec.weight_bits),  #: Σ score · count
                "count": spec.count_bits,  #: Σ count
                "members": range(spec.clusters + 1),  #: number of scores
            }
        )


class BucketMemory(wiring.Component):
    """Adds to one bucket a cycle, the same one again at once if need be; or reads one.

    An addition reads, adds and writes in 3 cycles; the two that follow it take its result before it
    is written. All buckets are emptied by `clear` in one cycle. Adding and reading exclude each other.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        bucket = range(spec.buckets)
        add = {"valid": 1, "bucket": bucket, "weight": signed(spec.weight_bits), "count": spec.count_bits}
        super().__init__(
            {
                "clear": In(1),  #: empty all buckets
                "add": In(data.StructLayout(add)),  #: a score to add to `bucket`, in cycles in which `valid` is high
                "read": In(bucket),  #: a bucket, while nothing is added
                "o": Out(BucketLayout(spec)),  #: its contents two cycles later, 0 if it is empty
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        layout = BucketLayout(self.spec)
        write, read = two_port_memory(m, platform, "sums", width=layout.size, depth=self.spec.buckets)
        filled = Signal(self.spec.buckets)
        now = Signal.like(self.add)  # its bucket's contents are being read
        done = Signal(layout)  # its sum, which is being written
        done_bucket, done_valid = Signal(range(self.spec.buckets)), Signal()
        old = Signal(layout)  # what was written the cycle before
        place = Signal(range(self.spec.buckets))
        was_filled, from_done, from_old = Signal(), Signal(), Signal()
        m.d.comb += [
            place.eq(Mux(self.add.valid, self.add.bucket, self.read)),
            read.addr.eq(place),
            # The row that is being written is taken from `old` instead.
            read.en.eq(~(done_valid & (done_bucket == place))),
        ]
        m.d.sync += [
            now.eq(self.add),
            was_filled.eq(filled.bit_select(place, 1)),
            from_done.eq(now.valid & (now.bucket == place)),
            from_old.eq(done_valid & (done_bucket == place)),
            old.eq(done),
            done_valid.eq(now.valid),
            done_bucket.eq(now.bucket),
        ]
        stored = Signal(layout)
        m.d.comb += Value.cast(stored).eq(Mux(from_done, done, Mux(from_old, old, Mux(was_filled, read.data, 0))))
        m.d.sync += [
            self.o.eq(stored),
            done.weight.eq(stored.weight + now.weight),
            done["count"].eq(stored["count"] + now["count"]),
            done.members.eq(stored.members + 1),
        ]
        with m.If(now.valid):
            m.d.sync += filled.bit_select(now.bucket, 1).eq(1)
        with m.If(self.clear):
            m.d.sync += filled.eq(0)
        m.d.comb += [write.addr.eq(done_bucket), write.data.eq(Value.cast(done)), write.en.eq(done_valid)]
        return m
