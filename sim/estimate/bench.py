"""A mapped netlist and the bench that replays a run's words at its ports, as Verilog.

Inputs change at the rising edge, as those of a register's do, so that in every cycle each net settles once. Outputs
are looked at just before the next edge. A bit that the netlist does not know (x: nothing has written it since power
up) equals any bit, as does one that the RTL beside it does not know; other bits must be the run's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sim.estimate.nets import Gate, Gates, Net
from sim.estimate.reference import Reference

EVERY = 16  #: th cycle is searched for output bits that are not known
NETS = "dut"  #: the instance whose nets are the netlist's


def net_name(net: Net) -> str:
    """Of a net or a constant bit in the Verilog."""
    return f"1'b{net}" if isinstance(net, str) else f"n{net}"


def netlist(gates: Gates) -> str:
    """The netlist as a module of single nets: inputs are ports, outputs are looked at by the nets' names."""
    inputs = _unique([gates.clock, *gates.nets(output=False)])
    nets = _unique(net for gate in gates.gates for bits in gate.pins.values() for net in bits)
    nets += [net for net in _unique(gates.nets(output=True)) if net not in {*nets, *inputs}]
    known = set(inputs)
    lines = [f"module netlist({', '.join(f'input {net_name(net)}' for net in inputs)});"]
    lines += [f"  wire {net_name(net)};" for net in nets if net not in known]
    lines += [f"  {gate.kind} g{number} ({_pins(gate)});" for number, gate in enumerate(gates.gates)]
    return "\n".join([*lines, "endmodule", ""])


def _unique(nets: Iterable[Net | None]) -> list[int]:
    """The nets among them that are no constants, each once."""
    return [net for net in dict.fromkeys(nets) if isinstance(net, int)]


def _pins(gate: Gate) -> str:
    def bits(nets: tuple[Net, ...]) -> str:
        names = [net_name(net) for net in nets]
        return names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"

    return ", ".join(f".{pin}({bits(nets)})" for pin, nets in gate.pins.items())


def bench(
    gates: Gates, rtl: Reference, *, words: Path, dump: Path, begin: int, memories: Mapping[int, tuple[int, int]]
) -> str:
    """The module `replay`: plays the file `words`, compares, and from cycle `begin` on dumps the nets.

    It prints `differs CYCLE GOT WANTED` for the first word that does, else `equal CYCLES UNKNOWN`, with the output bits
    that were not known in every `EVERY`th cycle after `begin`, and a line `memory GATE READS WRITES` for each memory.

    Args:
        memories: by number of the gate, the read and write ports of memories.
    """
    given, wanted = (gates.nets(output=output) for output in (False, True))
    return _BENCH.format(
        given=max(len(given), 1) - 1,
        wanted=max(len(wanted), 1) - 1,
        ports=_connections(gates, given),
        reference=_reference_ports(gates, rtl),
        got=", ".join(net_name(net) if isinstance(net, str) else f"{NETS}.{net_name(net)}" for net in wanted) or "1'b0",
        words=words,
        dump=dump,
        begin=begin,
        every=EVERY,
        counters="\n".join(_counters(number, *ports) for number, ports in memories.items()),
        counted="\n".join(
            f'    $display("memory {number} %0d %0d", reads{number}, writes{number});' for number in memories
        ),
    )


def _connections(gates: Gates, given: list[Net]) -> str:
    ports = {net: f".{net_name(net)}(given[{len(given) - 1 - place}])" for place, net in enumerate(given)}
    clock = [] if gates.clock is None else [f".{net_name(gates.clock)}(clk)"]
    return ", ".join([*clock, *ports.values()])


def _reference_ports(gates: Gates, rtl: Reference) -> str:
    ports = [".clk(clk)"] if rtl.clocked else []
    for output, word in ((False, "given"), (True, "defined")):
        place = len(gates.nets(output=output))
        for port, nets in gates.ports.items():
            if port.output == output:
                ports.append(f".\\{port.name} ({word}[{place - 1}:{place - len(nets)}])")
                place -= len(nets)
    return ", ".join(ports)


def _counters(number: int, reads: int, writes: int) -> str:
    """Counts a memory's accesses; of a word written in lanes the lanes."""
    gate = f"{NETS}.g{number}"
    lines = [f"if ({gate}.r{k}_en === 1) reads{number} = reads{number} + 1;" for k in range(reads)]
    lines += [f"if (|{gate}.w{k}_en === 1) writes{number} = writes{number} + 1;" for k in range(writes)]
    body = "\n    ".join(lines)
    return (
        f"  integer reads{number} = 0, writes{number} = 0;\n  always @(posedge clk) if (cycle >= begin_) begin\n"
        f"    {body}\n  end"
    )


_BENCH = """\
module replay;
  reg clk = 0;
  reg [{given}:0] given, next;
  reg [{wanted}:0] wanted, now;
  wire [{wanted}:0] got = {{{got}}};
  wire [{wanted}:0] defined;
  netlist dut ({ports});
  reference rtl ({reference});
  integer cycle = 0, begin_ = {begin}, file, fields, unknown = 0, bit_;
{counters}
  initial begin
    file = $fopen("{words}", "r");
    fields = $fscanf(file, "%b %b", given, wanted);
    while (fields == 2) begin
      if (cycle == begin_) begin
        $dumpfile("{dump}");
        $dumpvars(1, dut);
      end
      #5;
      if (|(got ^ wanted ^ defined ^ defined) === 1'b1) begin  // x where either knows nothing
        $display("differs %0d %b %b", cycle, got, wanted ^ defined ^ defined);
        $finish;
        #1;
      end
      if (cycle >= begin_ && cycle % {every} == 0 && ^got === 1'bx)
        for (bit_ = 0; bit_ <= {wanted}; bit_ = bit_ + 1) unknown = unknown + (got[bit_] === 1'bx);
      fields = $fscanf(file, "%b %b", next, now);
      clk = 1;
      given <= next;
      wanted = now;
      #5;
      clk = 0;
      cycle = cycle + 1;
    end
    $display("equal %0d %0d", cycle - begin_, unknown);
{counted}
    $finish;
  end
endmodule
"""
