"""The composition's job in external memory, bit by bit, little endian. All addresses are multiples of a word."""

from __future__ import annotations

from golden.rows import Field

HEADER_BYTES = 64

#: At the address that is given with `start`.
HEADER = [
    Field("project_address", 32),  # header of the cluster's program that projects all heads and stores query codes
    Field("scan_address", 32),  # header of the retrieval's job, whose rows are written at `rows_address`
    Field("template_address", 32),  # a scan row a head, complete but for what follows from the queries
    Field("codes_address", 32),  # where the first program stores query codes: head after head, row after row
    Field("rows_address", 32),
    Field("records_address", 32),  # from here on lie the keys and values of selected tokens, head after head
    Field("records_stride", 32),  # from head to head; the values lie half of it behind the keys
    Field("attend_address", 32),  # header of head 0's program that attends to them
    Field("attend_stride", 32),  # from head to head
    Field("selected", 32),  # tokens that are selected for each head, at least 1
]
