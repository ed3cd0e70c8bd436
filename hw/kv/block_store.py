"""Gives every token a place in the two-level store, cluster by cluster (KVMU)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import ReadPort, WritePort
from amaranth.lib.wiring import In, Out

from golden.kv.spec import EVICT_AHEAD
from hw.kv.config import Config
from hw.kv.layouts import ChainLayout, DecisionLayout, PlaceLayout, log_layout
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

PLACES_WAITING = 4

Ports = tuple[WritePort, ReadPort]  # of a memory


class Tables(NamedTuple):
    """The store's memories, each a port to write and a port to read."""

    chains: Ports  # of a cluster
    counts: Ports  # tokens of a cluster
    links: Ports  # the next block of a block's cluster
    fills: Ports  # tokens of a block


@dataclass(frozen=True, kw_only=True)
class Work:
    """The token that is being placed; all but `closes` are registers, valid from step PLACE on."""

    token: data.View
    chain: data.View  # its cluster's, before it
    count: Signal  # of its cluster, with it
    block: Signal  # where it goes
    opens: Signal  # it opens that block
    closes: Signal  # to open a block closes another
    refused: Signal  # no block is left for it


class BlockStore(wiring.Component):
    """Equals `golden.kv.block_store`: appends each token to its cluster's last block, or opens a new one.

    A token takes 4 cycles. Opening a block may close the oldest of the near level; that is announced
    in `places`, and no slot is given out again before its block has been copied (`evicted`): at most
    EVICT_AHEAD closed blocks wait. A cluster's count counts refused tokens too.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "begin": In(1),  #: forget everything
                #: tokens with their clusters, in order of arrival
                "decisions": In(stream.Signature(DecisionLayout(spec))),
                #: where each goes; the writer's orders to close a block too
                "places": Out(stream.Signature(PlaceLayout(spec))),
                "log": Out(stream.Signature(log_layout())),  #: an entry a token
                "evicted": In(1),  #: a closed block has been copied
                "allocated": Out(range(spec.blocks + 1)),  #: blocks opened so far
                "closed": Out(range(spec.blocks + 1)),  #: blocks below this number are in the far level
                "waiting": Out(1),  #: a token waits for a slot
                "refused": Out(1),  #: a token is refused in this cycle
                "idle": Out(1),  #: nothing is under way, and no closed block waits for its copy
                "read_chain": In(range(spec.clusters)),  #: while idle: a cluster
                "chain": Out(ChainLayout(config.spec)),  #: its chain, a cycle later
                "read_count": In(range(spec.clusters)),  #: while idle: a cluster
                "count": Out(spec.count_bits),  #: its tokens, a cycle later
                "read_block": In(range(spec.blocks)),  #: a block; one that is just being written is not read
                #: the next block of its cluster, a cycle later, if it was read while idle
                "next": Out(range(spec.blocks)),
                "fill": Out(range(spec.block_tokens + 1)),  #: its tokens, a cycle later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        tables = self._tables(m, platform)
        m.submodules.queue = queue = StreamQueue(shape=PlaceLayout(self.config.spec), depth=PLACES_WAITING)
        connect(m, queue.o, self.places)
        self._serve(m, tables)
        working = Signal()
        pending = Signal(range(EVICT_AHEAD + 1))  # closed blocks that are not copied yet
        place = queue.i.payload
        m.d.comb += self.idle.eq(~working & ~queue.o.valid & (pending == 0))
        m.d.sync += pending.eq(pending + (transfer(queue.i) & place.evict) - self.evicted)
        work = self._steps(m, tables, queue.i, working, pending)
        self._place(m, tables, place, work)
        with m.If(self.begin):
            m.d.sync += [self.allocated.eq(0), self.closed.eq(0), pending.eq(0)]
        return m

    def _tables(self, m: Module, platform: object) -> Tables:
        spec = self.config.spec
        chain_bits = ChainLayout(spec).size
        block_bits = (spec.blocks - 1).bit_length()
        return Tables(
            chains=two_port_memory(m, platform, "chains", width=chain_bits, depth=spec.clusters),
            counts=two_port_memory(m, platform, "counts", width=spec.count_bits, depth=spec.clusters),
            links=two_port_memory(m, platform, "links", width=block_bits, depth=spec.blocks),
            fills=two_port_memory(m, platform, "fills", width=spec.block_tokens.bit_length(), depth=spec.blocks),
        )

    def _serve(self, m: Module, tables: Tables) -> None:
        """Reads what is asked for from outside; a token that is taken reads its cluster instead."""
        (_, read_chain), (_, read_count), (_, read_link) = tables.chains, tables.counts, tables.links
        fills, read_fill = tables.fills
        m.d.comb += [
            Value.cast(self.chain).eq(read_chain.data),
            self.count.eq(read_count.data),
            self.next.eq(read_link.data),
            self.fill.eq(read_fill.data),
            read_link.addr.eq(self.read_block),
            read_link.en.eq(self.idle),
            read_fill.addr.eq(self.read_block),
            read_fill.en.eq(self.idle | (fills.addr != self.read_block)),
            read_chain.addr.eq(self.read_chain),
            read_chain.en.eq(0),
            read_count.addr.eq(self.read_count),
            read_count.en.eq(0),
        ]

    def _steps(self, m: Module, tables: Tables, queue: stream.Interface, working: Signal, pending: Signal) -> Work:
        """Takes a token, looks its cluster up, gives it a place, logs it."""
        spec = self.config.spec
        (chains, read_chain), (counts, read_count) = tables.chains, tables.counts
        (links, _), (fills, _) = tables.links, tables.fills
        token = Signal(DecisionLayout(spec))
        chain = Signal(ChainLayout(spec))
        count = Signal(spec.count_bits)
        is_open, full, closes, may_open = Signal(), Signal(), Signal(), Signal()
        opens, refused = Signal(), Signal()
        block = Signal(range(spec.blocks))
        m.d.comb += [
            full.eq(self.allocated == spec.blocks),
            closes.eq(self.allocated >= spec.near_keep),
            may_open.eq(~closes | (pending != EVICT_AHEAD)),
        ]
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += [self.decisions.ready.eq(1), read_chain.en.eq(1), read_count.en.eq(1)]
                with m.If(self.decisions.valid):
                    m.d.comb += [
                        read_chain.addr.eq(self.decisions.payload.cluster),
                        read_count.addr.eq(self.decisions.payload.cluster),
                    ]
                    m.d.sync += [token.eq(self.decisions.payload), working.eq(1)]
                    m.next = "LOOK"
            with m.State("LOOK"):
                old = self.chain
                m.d.comb += is_open.eq(
                    ~token.new & old.some & (old.last >= self.closed) & (old.fill != spec.block_tokens)
                )
                m.d.sync += [
                    chain.eq(old),
                    chain.some.eq(old.some & ~token.new),
                    count.eq(Mux(token.new, 0, self.count) + 1),
                    block.eq(Mux(is_open, old.last, self.allocated)),
                    opens.eq(~is_open & ~full),
                    refused.eq(~is_open & full),
                ]
                m.next = "PLACE"
            with m.State("PLACE"):
                may = ~opens | may_open
                m.d.comb += [
                    self.waiting.eq(~may),
                    queue.valid.eq(may),
                    counts.en.eq(transfer(queue)),
                    chains.en.eq(transfer(queue)),
                    fills.en.eq(transfer(queue) & ~refused),
                    links.en.eq(transfer(queue) & opens & chain.some),
                    self.refused.eq(transfer(queue) & refused),
                ]
                with m.If(transfer(queue)):
                    with m.If(opens):
                        m.d.sync += [self.allocated.eq(self.allocated + 1), self.closed.eq(self.closed + closes)]
                    m.next = "LOG"
            with m.State("LOG"):
                m.d.comb += self.log.valid.eq(1)
                with m.If(self.log.ready):
                    m.d.sync += working.eq(0)
                    m.next = "TAKE"
        return Work(token=token, chain=chain, count=count, block=block, opens=opens, closes=closes, refused=refused)

    def _place(self, m: Module, tables: Tables, place: data.View, work: Work) -> None:
        """What the token's step PLACE sends and writes."""
        (chains, _), (counts, _), (links, _), (fills, _) = tables
        token, chain, opens, refused = work.token, work.chain, work.opens, work.refused
        position = Mux(opens, 0, chain.fill)
        entry = self.log.payload
        m.d.comb += [
            place.cluster.eq(token.cluster),
            place.new.eq(token.new),
            place.stored.eq(~refused),
            place.slot.eq(work.block),
            place.position.eq(position),
            place.evict.eq(opens & work.closes),
            place.closed.eq(self.closed),
            counts.addr.eq(token.cluster),
            counts.data.eq(work.count),
            chains.addr.eq(token.cluster),
            fills.addr.eq(work.block),
            fills.data.eq(position + 1),
            links.addr.eq(chain.last),
            links.data.eq(work.block),
            entry.hash.eq(token.hash),
            entry.cluster.eq(token.cluster),
            entry.new.eq(token.new),
            entry.spilled.eq(token.spilled),
            entry.refused.eq(refused),
        ]
        after = Signal.like(chain)
        m.d.comb += [
            after.some.eq(chain.some | opens),
            after.first.eq(Mux(chain.some, chain.first, work.block)),
            after.last.eq(Mux(refused, chain.last, work.block)),
            after.fill.eq(Mux(refused, chain.fill, position + 1)),
            chains.data.eq(Value.cast(after)),
        ]
