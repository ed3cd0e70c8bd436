"""Memories with a write and a read port that never meet.

A block RAM leaves open what a port reads from a row that is written in the same cycle. Amaranth
promises the old word, and Yosys builds that promise from registers and multiplexers around the
RAM: 64 words of 64 bits on an ECP5 take 136 flip-flops and 70 LUTs more. Where the two ports never
meet, or nobody uses what is read then, nobody needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from amaranth.hdl import Assert, Module, ResetSignal, Signal
from amaranth.lib.memory import Memory, ReadPort, WritePort

NEVER_MEET = "tessera_never_meet"


def two_port_memory(
    m: Module, platform: object, name: str, *, width: int, depth: int, init: Sequence[int] = (), meet: bool = False
) -> tuple[WritePort, ReadPort]:  # fmt: skip
    """Adds a memory as submodule `name`; the caller sees to it that its ports never meet.

    Or that nobody uses what is read where they `meet`: in a proof that is a wrong word.

    The word at `read.addr` is at `read.data` after the clock edge at which `read.en` was high, and
    stays there. Neither contents nor `read.data` are reset; `init` is what its first rows hold at power-up, where the
    device can load them. In a proof, a write to the row that is
    read in the same cycle is a violated assertion.
    """
    m.submodules[name] = memory = Memory(shape=width, depth=depth, init=init, attrs={NEVER_MEET: 1})
    write, read = memory.write_port(), memory.read_port()
    if platform == "formal" and meet:
        spoilt = Signal(name=f"{name}_spoilt")
        taken = read.signature.create()
        with m.If(read.en):
            m.d.sync += spoilt.eq(write.en & (write.addr == read.addr))
        m.d.comb += [read.addr.eq(taken.addr), read.en.eq(taken.en), taken.data.eq(read.data ^ spoilt.replicate(width))]
        return write, taken
    if platform == "formal":
        with m.If(write.en & read.en & ~ResetSignal()):
            m.d.sync += Assert(write.addr != read.addr, "a row is written while it is read")
    return write, read


def open_collisions(rtlil: str) -> str:
    """Tells Yosys, in the RTLIL that Amaranth wrote, which memories' ports never meet.

    For synthesis only: Verilog of the result would spell the open outcome out as x.
    """
    lines: list[str] = []
    marked = False  # the next memory is
    memories: set[str] = set()  # marked ones of this module
    current = ""  # memory of this port
    for line in rtlil.splitlines():
        words = line.split()
        match words:
            case ["module", _]:
                memories = set()
            case ["attribute", attribute, _] if attribute == f"\\{NEVER_MEET}":
                marked = True
            case ["memory", *_, name]:
                memories |= {name} if marked else set()
                marked = False
            case ["parameter", "\\MEMID", quoted]:
                current = quoted.strip('"').replace("\\\\", "\\")
            case ["parameter", "\\COLLISION_X_MASK", mask] if current in memories:
                width, bits = mask.split("'")
                line = line.replace(mask, f"{width}'{'1' * len(bits)}")
            case _:
                pass
        lines.append(line)
    return "\n".join([*lines, ""])


def drop_zero_contents(rtlil: str) -> str:
    """Removes contents that are all zero, which Amaranth gives every memory without others.

    They would be a line of Verilog for every word, and a promise that a RAM on silicon does not
    keep: no design here relies on what a RAM holds at power-up, as none relies on a reset of it.
    """
    return re.sub(r"  cell \$meminit_v2 (?:(?!  end\n).)*?connect \\DATA \d+'0+\n.*?  end\n\n?", "", rtlil, flags=re.S)
