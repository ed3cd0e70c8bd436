"""The memory model alone: requests in, words out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.fields import pack, unpack
from hw.lib.memory_port import ReadDataLayout, ReadRequestLayout, ReadSignature, WriteLayout, WriteSignature
from sim.kernel import runner
from sim.kernel.designs import design
from sim.kernel.memory import DRAM_COUNTERS, PARTS_LAYOUT, SOURCES, MemoryHarness

WIDTH, LOG2_WORDS = 64, 8
WORDS, WORD_BYTES = 1 << LOG2_WORDS, WIDTH // 8
Words = npt.NDArray[np.uint64]


class Passthrough(wiring.Component):
    """An engine that does what the bench says.

    Members:
        asks, answers, stores: the memory ports as the bench sees them, signal by signal, since the
        harness passes signals through and no interfaces. start, busy: unused.
    """

    def __init__(self) -> None:
        payloads = {"asks": ReadRequestLayout(), "answers": ReadDataLayout(WIDTH), "stores": WriteLayout(WIDTH)}
        ports: dict[str, wiring.Member] = {}
        for name, layout in payloads.items():
            ahead, back = (Out, In) if name == "answers" else (In, Out)
            ports |= {f"{name}__payload": ahead(layout.size), f"{name}__valid": ahead(1), f"{name}__ready": back(1)}
        super().__init__(
            {
                **ports,
                "start": In(1),
                "busy": Out(1),
                "read": Out(ReadSignature(WIDTH)),
                "write": Out(WriteSignature(WIDTH)),
            }
        )

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """None."""
        return {}

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name, port in (("asks", self.read.request), ("stores", self.write.request)):
            m.d.comb += [
                Value.cast(port.payload).eq(getattr(self, f"{name}__payload")),
                port.valid.eq(getattr(self, f"{name}__valid")),
                getattr(self, f"{name}__ready").eq(port.ready),
            ]
        response = self.read.response
        m.d.comb += [
            self.answers__payload.eq(Value.cast(response.payload)),
            self.answers__valid.eq(response.valid),
            response.ready.eq(self.answers__ready),
        ]
        return m


@dataclass(frozen=True)
class Served:
    """What the memory did: words and their `last` marks, the cycle of each, and the cycles of the whole run."""

    words: Words
    last: list[int]
    cycles: list[int]
    all: int
    dump: Words
    status: dict[str, int]
    memory: dict[str, int]  # what `DRAM_COUNTERS` count
    parts: dict[str, int]  # what `PARTS_LAYOUT` has


def serve(
    folder: Path, image: Words, reads: Sequence[tuple[int, int]], writes: Sequence[tuple[int, int]] = (), *,
    pause: float = 0, seed: int = 1, after: int = 0, rest: int = 8, **settings: object,
) -> Served:  # fmt: skip
    """Reads (address, words), and writes (address, word) when `after` words have come; `rest` cycles at the end.

    `settings` are the model's plus-arguments.
    """
    harness = design(lambda: MemoryHarness(Passthrough(), width=WIDTH, log2_words=LOG2_WORDS), "memory_alone", None)
    built = runner.build(harness, sources=SOURCES)
    image.astype(">u8").tofile(folder / "image.bin")
    job: dict[str, Any] = {
        "reads": [hex(pack(ReadRequestLayout(), {"address": a, "length": n})) for a, n in reads],
        "writes": [hex(pack(WriteLayout(WIDTH), {"address": a, "data": d, "last": 0})) for a, d in writes],
        "words": sum(n for _, n in reads),
        "pause": pause,
        "after": after,
        "rest": rest,
        "seed": seed,
        "result": str(folder / "result.json"),
    }
    (folder / "job.json").write_text(json.dumps(job))
    plusargs = {"image": folder / "image.bin", "dump": folder / "dump.hex", "dump_first": 0, "dump_last": WORDS - 1}
    runner.run(
        built,
        "tests.sim.kernel.memory_bench",
        plusargs={**plusargs, "seed": seed, **settings},
        env={"TESSERA_JOB": str(folder / "job.json")},
        folder=folder,
    )
    result = json.loads((folder / "result.json").read_text())
    payloads = [int(word, 16) for word in result.pop("words")]
    lines = [line for line in (folder / "dump.hex").read_text().split() if not line.startswith("@")]
    return Served(
        words=np.array([p & (1 << WIDTH) - 1 for p in payloads], np.uint64),
        last=[p >> WIDTH for p in payloads],
        cycles=result.pop("cycles"),
        all=result.pop("all"),
        dump=np.array([int(line, 16) for line in lines], np.uint64),
        memory=unpack(int(result.pop("memory"), 16), DRAM_COUNTERS),
        parts=unpack(int(result.pop("parts"), 16), PARTS_LAYOUT),
        status=result,
    )
