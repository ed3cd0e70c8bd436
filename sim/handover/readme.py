"""The page that a package opens with."""

from __future__ import annotations

from types import ModuleType

from sim.handover.bench import Product
from sim.handover.memory_page import memory_page
from sim.handover.timing_diagram import drawing

_PAGE = """\
# {title}

An accelerator with AXI4 to memory and AXI4-Lite to its control registers. All that is here was generated; nothing needs
Tessera any more.

| file | for |
|---|---|
| `rtl/{module}.v` | the design: Verilog, one file, top `{module}` |
| `{module}.f`, `{module}.core` | file list for tools that take `-f`, and FuseSoC core |
| `registers/{module}.md`, `.h`, `.py`, `.rdl` | the control registers: page, C header, Python class, SystemRDL |
| `constraints/{module}.sdc` | a template: clock and delays, for SDC and XDC |
| `{module}.json` | ports, fields and config as data |
| `test/run.py` | a job in a simulator of yours: `pip install cocotb cocotbext-axi`, then `python test/run.py` |
| `timing.json` | the diagram below for WaveDrom |

## A job

1. Lay the job out in memory, as the last part of this page says. Addresses are multiples of {word_bytes} bytes.
2. Write the header's address to `ADDRESS`, then 1 to `CONTROL`.
3. Wait for `irq`, which `INTERRUPT_ENABLE` allows, or until `STATUS.BUSY` reads 0.
4. `STATUS.DONE`: every word of the result is in memory. `STATUS.FAILED`: `ERROR` and `ERROR_ADDRESS` say why; the
   engine has been reset, and the next job may begin. `CONTROL.STOP` ends a job that way at any time, unless the bus
   never answers.

```
{drawing}```

`#` is high, `_` low, `=` a value, `~` any number of cycles. In the example the engine reads its header in two beats,
and `irq` rises with the response to the last word.

## Ports

Clock `clk`, rising edge. Reset `rst`, synchronous, active high: `~aresetn` through a register.

| port | | bits | |
|---|---|--:|---|
{ports}

AXI4: one ID, 0, so answers come in order. INCR bursts of full width, of at most {beats} beats, never across 4 KiB; up
to {reads} read and {writes} write bursts under way. Every byte of a beat is written. No exclusive access, no cache
hints but "normal, not cached, bufferable". A read of words that were written before waits for their write response.
AXI4-Lite: one read and one write at a time, answered 2 cycles after they were taken.

## Time

Against the engine's own memory port, the bus adds a cycle to a read, {narrow}and nothing to a write. From the write of
`CONTROL` to the first `arvalid` it is some 10 cycles.

## What tools say of the Verilog

`verilator --lint-only -Wall`, `iverilog -g2012 -Wall` and Yosys (`check -assert`) say nothing. Rules of Verilator that
are switched off in the file are explained there; slang notes that operands of sums are extended by the language's own
rule, and that signed results are kept in plain wires (`ArithOpMismatch`, `SignConversion`): both are meant.

## Memory

Little endian; a row's fields from its lowest bit on. The header is the first table.

{memory}"""


def readme(product: Product, memory_map: ModuleType) -> str:
    """Ports, a job, timing, latency, and the memory's layout."""
    design, component, bus = product.design, product.component, product.component.bus
    return _PAGE.format(
        title=product.title, module=design.name, word_bytes=product.config.word_bytes, drawing=drawing(),
        ports="\n".join(_port(port) for port in design.ports), beats=bus.beats, reads=bus.reads, writes=bus.writes,
        memory=memory_page(memory_map, product.config.spec),
        narrow="1 more as the bus is narrower than a word, " if bus.ratio(component.master.width) > 1 else "",
    )  # fmt: skip


def _port(port: dict) -> str:
    return f"| `{port['name']}` | {port['direction']} | {port['width']} | {port['description'].partition(': ')[2]} |"
