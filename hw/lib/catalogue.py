"""Every primitive at representative parameters: for lint and out-of-context synthesis."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import signed
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout

from golden.float_format import HALF, SINGLE
from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.burst_reader import BurstReader
from hw.lib.bypass_buffer import BypassBuffer
from hw.lib.demux import StreamDemux
from hw.lib.float_add import FloatAdd
from hw.lib.float_exp import FloatExp
from hw.lib.float_from_int import FloatFromInt
from hw.lib.float_multiply import FloatMultiply
from hw.lib.float_reciprocal import FloatReciprocal
from hw.lib.float_to_code import FloatToCode
from hw.lib.fork import StreamFork
from hw.lib.join import StreamJoin
from hw.lib.leading_zeros import LeadingZeros
from hw.lib.list_reader import ListReader
from hw.lib.multiply_add import MultiplyAdd
from hw.lib.queue import StreamQueue
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.row_reader import RowReader
from hw.lib.run_reader import RunReader
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream_pipeline import StreamPipeline
from hw.lib.tables import LinearLookUp, exp2_table, reciprocal_table, sqrt_table
from hw.lib.width_converter import Narrower, Widener
from hw.lib.write_arbiter import WriteArbiter
from hw.lib.write_pace import WritePace


def catalogue() -> dict[str, Callable[[], wiring.Component]]:
    """Name to a function that makes the component. Names are module names too."""
    return {
        "stream_queue": lambda: StreamQueue(shape=64, depth=64),
        "stream_queue_small": lambda: StreamQueue(shape=64, depth=4),
        "bypass_buffer": lambda: BypassBuffer(shape=64),
        "skid_buffer": lambda: SkidBuffer(shape=64),
        "stream_fork": lambda: StreamFork(shape=64, count=4),
        "stream_join": lambda: StreamJoin(shapes={"a": 32, "b": 32}),
        "round_robin_arbiter": lambda: RoundRobinArbiter(shape=64, count=4),
        "stream_demux": lambda: StreamDemux(shape=64, count=3),
        "narrower": lambda: Narrower(shape=32, ratio=4),
        "widener": lambda: Widener(shape=32, ratio=4),
        "multiply_add": lambda: MultiplyAdd(a=signed(18), b=signed(18), c=signed(48)),
        "reciprocal": lambda: LinearLookUp(table=reciprocal_table(16)),
        "square_root": lambda: LinearLookUp(table=sqrt_table(16)),
        "exp2": lambda: LinearLookUp(table=exp2_table(16)),
        "float_add_half": lambda: FloatAdd(fmt=HALF),
        "float_add": lambda: FloatAdd(fmt=SINGLE),
        "float_multiply": lambda: FloatMultiply(fmt=SINGLE),
        "float_exp": lambda: FloatExp(),
        "float_from_int": lambda: FloatFromInt(width=48),
        "float_reciprocal": lambda: FloatReciprocal(),
        "float_to_code": lambda: FloatToCode(bits=16),
        "leading_zeros": lambda: LeadingZeros(width=36),
        "burst_reader": lambda: BurstReader(width=64, depth=128),
        "run_reader": lambda: RunReader(width=64, depth=64, burst=16),
        "list_reader": lambda: ListReader(
            width=64, head=StructLayout({"place": 32, "rest": 480}), row=StructLayout({"row": 512}), place="place"
        ),
        "row_reader": lambda: RowReader(width=64, row_bytes=64),
        "read_arbiter": lambda: ReadArbiter(width=64, count=4),
        "write_arbiter": lambda: WriteArbiter(width=64, count=4),
        "write_pace": lambda: WritePace(width=64, interval=8, bursts=64),
        "stream_pipeline": lambda: StreamPipeline(LinearLookUp(table=reciprocal_table(16))),
    }
