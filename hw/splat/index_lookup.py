"""The datapath of the record decoder: indices to codes."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import LINE_BYTES, LOOK_BYTES
from golden.splat.spec import RANK_LOW_BITS, Spec
from hw.splat.book_table import BookTable
from hw.splat.layouts import BookLineLayout, DetailLayout, IndexedLayout
from hw.splat.row_layouts import look_layout, sh_layout

#: The fields of a record that a book's entry holds, by the book's name.
LOOK = {
    "scale": tuple(f"scale_{k}" for k in range(3)),
    "rotation": tuple(f"quaternion_{c}" for c in "wxyz"),
    "dc": tuple(f"dc_{c}" for c in "rgb"),
}


class IndexLookup(wiring.Component):
    """A candidate with indices to one with codes, by the four books on chip; 2 cycles, one a cycle.

    Indices beyond the entries that were loaded give what the memory holds there; the host sees to it that there are
    none. A line and a candidate must not come in the same cycle.
    """

    latency = BookTable.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(IndexedLayout(spec)),  #: a candidate or a mark
                "line": In(BookLineLayout()),  #: a line or entry of a book to keep, while `look` or `sh`
                "o": Out(DetailLayout(spec)),  #: the same 2 cycles later, with a whole record
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        record = self.o.record
        sizes = dict(zip(("scale", "rotation", "dc", "sh"), spec.book_entries, strict=True))
        look = look_layout(spec)
        for name, fields in LOOK.items():
            found = self._table(m, name, sizes[name], look, fields, self.line.look, per_line=LINE_BYTES // LOOK_BYTES)
            self._cut(m, record, look, fields, found)
        if spec.rest_coefficients:
            layout = sh_layout(spec)
            fields = tuple(name for name in layout.members if name != "spare")
            found = self._table(m, "sh", sizes["sh"], layout, fields, self.line.sh, per_line=1)
            self._cut(m, record, layout, fields, found)

        i = self.i
        for source, sink in (
            (i.mark, self.o.mark),
            (i.point, self.o.point),
            (i.relative, self.o.relative),
            (i.rank[:RANK_LOW_BITS], self.o.rank_low),
            (i.rank[RANK_LOW_BITS:], record.rank),
            (i.record.opacity, record.opacity),
        ):
            m.d.comb += Value.cast(sink).eq(self._late(m, Value.cast(source)))
        return m

    def _table(
        self, m: Module, name: str, entries: int, layout: data.StructLayout, fields: tuple[str, ...],
        write: Value, *, per_line: int,
    ) -> Value:  # fmt: skip
        """Adds a book, whose entries come `per_line` at a time; its entry for the candidate of 2 cycles ago."""
        width = sum(layout[field].width for field in fields)
        table = BookTable(width=width, entries=entries, per_line=per_line)
        m.submodules[name] = table
        in_book = self.line.line[len(table.line) :] == 0  # of books side by side one may be longer
        m.d.comb += [
            table.write.eq(write & in_book),
            table.line.eq(self.line.line),
            table.index.eq(self.i.record[f"{name}_index"]),
        ]
        for k in range(per_line):
            entry = layout(self.line.data[k * layout.size :][: layout.size])
            m.d.comb += table.data[k].eq(Cat(entry[field] for field in fields))
        return table.o

    def _cut(
        self, m: Module, record: data.View, layout: data.StructLayout, fields: tuple[str, ...], found: Value
    ) -> None:
        """Puts an entry's fields in the record's."""
        place = 0
        for field in fields:
            width = layout[field].width
            m.d.comb += record[field].eq(found[place : place + width])
            place += width

    def _late(self, m: Module, value: Value) -> Value:
        """The value of 2 cycles ago."""
        for k in range(self.latency):
            later = Signal(len(value), name=f"late_{k}")
            m.d.sync += later.eq(value)
            value = later
        return value
