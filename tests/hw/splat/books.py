"""Random codebooks, their lines on the way to the chip, and the records that indices stand for."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from golden.rows import Bytes, Field, width_of_row
from golden.splat.book_image import pack_blocks
from golden.splat.memory_map import LINE_BYTES, LOOK_BYTES, look_entry, sh_entry
from golden.splat.spec import RANK_BITS, RANK_LOW_BITS, Spec
from hw.lib.fields import pack, unpack_nested
from hw.splat.layouts import BookLineLayout, DetailLayout, IndexedLayout
from tests.hw.splat.datapath import Payload

INDICES = ("scale_index", "rotation_index", "dc_index", "sh_index")


class RandomBooks:
    """Full books of a spec's sizes, every code at random; harmonics up to `degree`, that of the spec if None."""

    def __init__(self, spec: Spec, rng: Random, degree: int | None = None) -> None:
        self.spec, self.rng = spec, rng
        degree = spec.sh_degree if degree is None else degree
        self.sh_fields = sh_entry(spec, degree) if degree else []
        self.look = self._table(look_entry(spec), max(spec.book_entries[:3]))
        self.sh = self._table(self.sh_fields, spec.sh_entries)

    def _table(self, fields: list[Field], entries: int) -> dict[str, np.ndarray]:
        def code(field: Field) -> int:
            return self.rng.getrandbits(field.width) - (1 << field.width >> 1) * field.signed

        return {f.name: np.array([code(f) for _ in range(entries)]) for f in fields if f.name != "spare"}

    @property
    def look_bytes(self) -> Bytes:
        return pack_blocks(look_entry(self.spec), self.look, LOOK_BYTES).reshape(-1)

    @property
    def sh_bytes(self) -> Bytes:
        if not self.sh:
            return np.zeros(0, np.uint8)
        return pack_blocks(self.sh_fields, self.sh, self.sh_entry_bytes).reshape(-1)

    @property
    def sh_entry_bytes(self) -> int:
        """From one entry of the book of harmonics to the next."""
        return width_of_row(self.sh_fields) // 8 or LINE_BYTES

    def lines(self) -> list[Payload]:
        """All lines, and entries of harmonics with what lies above them in their line, as the loader sends them."""
        result: list[Payload] = []
        for name, raw, size in (("look", self.look_bytes, LINE_BYTES), ("sh", self.sh_bytes, self.sh_entry_bytes)):
            for k in range(len(raw) // size):
                line_end = -(-(k + 1) * size // LINE_BYTES) * LINE_BYTES
                data = int.from_bytes(raw[k * size : line_end].tobytes(), "little")
                result.append({"look": int(name == "look"), "sh": int(name == "sh"), "line": k, "data": data})
        return result

    def candidate(self) -> tuple[Payload, Payload]:
        """A candidate with indices, and what it must become."""
        rng, spec = self.rng, self.spec
        index = {name: rng.randrange(size) for name, size in zip(INDICES, spec.book_entries, strict=True)}
        opacity, rank = rng.getrandbits(spec.opacity_bits), rng.getrandbits(RANK_BITS)
        some, begin, bound = 1, rng.getrandbits(1), rng.getrandbits(spec.depth_bits)
        shared: dict[str, Any] = {
            "mark": {"some": some, "begin": begin, "end": rng.getrandbits(1), "bound": bound},
            "point": [rng.randrange(-(1 << 31), 1 << 31) for _ in range(3)],
            "relative": [rng.randrange(-(1 << 31), 1 << 31) for _ in range(3)],
        }
        books = {"scale": "scale_index", "quaternion": "rotation_index", "dc": "dc_index"}
        record = {name: int(c[index[books[name.split("_")[0]]]]) for name, c in self.look.items()}
        record |= {name: int(column[index["sh_index"]]) for name, column in self.sh.items()}
        record |= {"opacity": opacity, "rank": rank >> RANK_LOW_BITS}
        given = shared | {"rank": rank, "record": index | {"opacity": opacity, "spare": 0}}
        return given, shared | {"rank_low": rank % (1 << RANK_LOW_BITS), "record": record}


def paired_candidate(books: RandomBooks, there: bool) -> tuple[Payload, Payload]:
    """A candidate with a partner or without, and what both must become; a partner's record has no harmonics."""
    (given, wanted), (other, found) = books.candidate(), books.candidate()
    plain = {name: code for name, code in found["record"].items() if not name.startswith("sh_")}
    names = ("point", "relative")
    partner = {"there": int(there), **{name: other[name] for name in names}}
    expected = partner | {"rank_low": found["rank_low"], "record": plain} if there else {"there": 0}
    return (
        given | {"partner": partner | {"rank": other["rank"], "record": other["record"]}},
        wanted | {"partner": expected},
    )


def looked_up(dut: Any, spec: Spec, lines: list[Payload], given: list[Payload], *, units: int = 1) -> list[Payload]:
    """Loads the lines, the last of which stays, then sends a candidate or pair a cycle: what is out in each."""
    got: list[Payload] = []

    async def bench(ctx: Any) -> None:
        for line in lines[:-1]:
            ctx.set(dut.line.as_value(), pack(BookLineLayout(), line))
            await ctx.tick()
        ctx.set(dut.line.as_value(), pack(BookLineLayout(), lines[-1]))
        for candidate in given:
            ctx.set(dut.i.as_value(), pack(IndexedLayout(spec, units), candidate))
            got.append(unpack_nested(ctx.get(dut.o.as_value()), DetailLayout(spec, units)))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return got
