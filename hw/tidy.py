"""Takes from a netlist what no reader of its Verilog needs: copies of signals, bits and operators that nothing reads.

Nothing changes but what is written: every register, memory and port keeps its bits and their values.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from hw.netlist import (
    Cell,
    Netlist,
    Sig,
    Slice,
    Wire,
    constant,
    highest,
    is_output,
    lowest,
    rewrite,
    rewrite_all,
    whole,
    width_of,
)

#: Wires that have no name in the source: results of operators, and what Amaranth calls so.
_ANONYMOUS = re.compile(r"\$\d+$|\\port\$\d+\$\d+$|\\\$")
#: What tells signals of the same name apart.
_NUMBER = re.compile(r"\$\d+$")
#: Operators whose lowest bits depend on the lowest bits of their operands alone.
_RING = {"$add", "$sub", "$mul", "$and", "$or", "$xor", "$not", "$neg", "$mux"}
_COMPARISONS = {"$eq", "$ne"}
_SHIFTS = {"$shr", "$sshr", "$shift"}
_DIVISIONS = {"$divfloor", "$modfloor"}
_EFFECTS = {"$memwr_v2", "$meminit_v2"}


def is_anonymous(name: str) -> bool:
    """Whether the source gives the wire no name."""
    return bool(_ANONYMOUS.match(name))


def base_name(name: str) -> str:
    """The signal that a field's name begins with."""
    return re.split(r"[.\[]", name, maxsplit=1)[0]


def tidy(modules: dict[str, Netlist]) -> None:
    """Tidies every module."""
    for module in modules.values():
        _drop_empty(module)
        module.cells = [cell for cell in module.cells if not _divide_by_wiring(cell, module)]
        for cell in module.cells:
            _widen(cell, module)
        while _drop_unread(module, modules) | _narrow(module, modules):
            pass
        _rename_ports(modules, module.name, _merge_copies(module))
        _read_fields_by_name(module, modules)


def bits_read(module: Netlist, modules: dict[str, Netlist]) -> dict[str, int]:
    """Of each wire, the bits that something reads, as a mask; an output is read outside."""
    masks: dict[str, int] = defaultdict(int)
    for sig in _values_read(module, modules):
        for part in sig:
            masks[part.name] |= ((1 << part.width) - 1) << part.low
    for wire in module.wires.values():
        if wire.port.startswith("output"):
            masks[wire.name] = (1 << wire.width) - 1
    return masks


def _values_read(module: Netlist, modules: dict[str, Netlist]) -> Iterable[Sig]:
    for cell in module.cells:
        yield from (sig for port, sig in cell.ports.items() if not is_output(cell, port, modules))
    for process in module.processes:
        for line in process.body:
            yield from line.sigs[1:] if line.word == "assign" else line.sigs
    for _, right in module.connects:
        yield right


def _drop_empty(module: Netlist) -> None:
    """Fields of no bits, attributes that say nothing here, as the initial value of what is no register, and signs.

    Operators say themselves whether their operands have a sign; a wire's own would speak in all of them.
    """
    module.attributes = [line for line in module.attributes if line.split()[1] == "\\top"]
    registers = _registers(module)
    for name, wire in module.wires.items():
        wire.signed = False
        wire.attributes = [line for line in wire.attributes if name in registers and line.split()[1] == "\\init"]
    module.connects = [(left, right) for left, right in module.connects if width_of(left)]
    module.wires = {name: wire for name, wire in module.wires.items() if wire.width or wire.port}


def _registers(module: Netlist) -> set[str]:
    return {part.name for cell in module.cells for part in cell.ports.get("\\Q", ())}


def _widen(cell: Cell, module: Netlist) -> None:
    """A constant of no bits becomes a zero; a shifted word is cut behind the shift, not by an assignment."""
    # Verilog's own rules of width would do the same, and every reader would warn of it.
    for operand in ("A", "B"):
        if cell.kind in _COMPARISONS and not width_of(cell.ports[f"\\{operand}"]):
            cell.ports[f"\\{operand}"] = constant("0")
            cell.parameters[f"\\{operand}_WIDTH"] = "1"
    if cell.kind in _SHIFTS and width_of(cell.ports["\\Y"]) < width_of(cell.ports["\\A"]):
        result = Wire(f"${len(module.wires)}0", width_of(cell.ports["\\A"]))
        while result.name in module.wires:
            result.name += "0"
        module.wires[result.name] = result
        module.connects.append((cell.ports["\\Y"], lowest(whole(result), width_of(cell.ports["\\Y"]))))
        cell.ports["\\Y"] = whole(result)
        cell.parameters["\\Y_WIDTH"] = str(result.width)


def _divide_by_wiring(cell: Cell, module: Netlist) -> bool:
    """Quotient or remainder by a power of two as bits of the dividend; whether the operator was one."""
    (divisor, *others) = cell.ports.get("\\B", ()) or constant("0")
    if cell.kind not in _DIVISIONS or others or divisor.bits.count("1") != 1:
        return False
    signed = cell.parameters["\\A_SIGNED"] != "0"
    if signed and divisor.bits[0] == "1":  # it may be negative
        return False
    width, dividend = width_of(cell.ports["\\Y"]), cell.ports["\\A"]
    power = len(divisor.bits) - 1 - divisor.bits.index("1")
    sign = highest(dividend, 1) if signed else constant("0")
    if cell.kind == "$modfloor":
        value, sign = lowest(_extended(dividend, power, sign), power), constant("0")
    else:
        value = highest(dividend, width_of(dividend) - power)
    module.connects.append((cell.ports["\\Y"], lowest(_extended(value, width, sign), width)))
    return True


def _extended(sig: Sig, width: int, sign: Sig) -> Sig:
    return (*sign * (width - width_of(sig)), *sig)


def _drop_unread(module: Netlist, modules: dict[str, Netlist]) -> bool:
    """What nothing reads and nobody named, and copies of what a part has as a port."""
    read = bits_read(module, modules)
    ports = {port for cell in module.cells if cell.kind in modules for port in modules[cell.kind].wires}
    copies = {name for name in module.wires.keys() - _registers(module) if _NUMBER.sub("", name) in ports}
    unread = {
        name
        for name, wire in module.wires.items()
        if not read[name] and not wire.port and (is_anonymous(name) or name in copies)
    }
    unread |= {name for name in module.wires if not read[name] and name != base_name(name) in unread}
    keep: list[Cell] = []
    for cell in module.cells:
        outputs = [sig for port, sig in cell.ports.items() if is_output(cell, port, modules)]
        pure = cell.kind.startswith("$") and cell.kind not in _EFFECTS
        if not (pure and outputs and all(part.name in unread for sig in outputs for part in sig)):
            keep.append(cell)
    connects = [pair for pair in module.connects if not all(part.name in unread for part in pair[0])]
    changed = len(keep) < len(module.cells) or len(connects) < len(module.connects)
    module.cells, module.connects = keep, connects
    driven = {part.name for cell in keep for sig in cell.ports.values() for part in sig}
    driven |= {part.name for left, _ in module.connects for part in left}
    driven |= {part.name for process in module.processes for line in process.body for sig in line.sigs for part in sig}
    module.wires = {name: wire for name, wire in module.wires.items() if name not in unread or name in driven}
    return changed


def _narrow(module: Netlist, modules: dict[str, Netlist]) -> bool:
    """Takes the upper bits that nothing reads from the results of operators."""
    read = bits_read(module, modules)
    changed = False
    for cell in module.cells:
        if cell.kind not in _RING:
            continue
        (result, *others) = cell.ports["\\Y"]
        needed = read[result.name].bit_length()
        if not others and result.name.startswith("$") and 0 < needed < module.wires[result.name].width:
            module.wires[result.name].width = needed
            cell.ports["\\Y"] = whole(module.wires[result.name])
            changed = True
        _cut_operands(cell)
    return changed


def _cut_operands(cell: Cell) -> None:
    width = width_of(cell.ports["\\Y"])
    for operand in ("A", "B"):
        sig = cell.ports.get(f"\\{operand}")
        if sig is not None and width_of(sig) > width:
            cell.ports[f"\\{operand}"] = lowest(sig, width)
            if cell.kind != "$mux":
                cell.parameters[f"\\{operand}_WIDTH"] = str(width)
    cell.parameters["\\WIDTH" if cell.kind == "$mux" else "\\Y_WIDTH"] = str(width)


def _rename_ports(modules: dict[str, Netlist], module: str, names: dict[str, str]) -> None:
    """Where the module is instantiated, ports by their new names."""
    for parent in modules.values():
        for cell in parent.cells:
            if cell.kind == module:
                cell.ports = {names.get(port, port): sig for port, sig in cell.ports.items()}


def _merge_copies(module: Netlist) -> dict[str, str]:
    """An unnamed wire that is all of a named one takes its name. Returns the new names."""
    names: dict[str, str] = {}
    connects: list[tuple[Sig, Sig]] = []
    for left, right in module.connects:
        named, unnamed = left[0].name, right[0].name
        both = len(left) == len(right) == 1 and bool(named and unnamed)
        if (
            both and left[0].low == right[0].low == 0 and unnamed not in names
            and left[0].width == module.wires[named].width == module.wires[unnamed].width
            and is_anonymous(unnamed) and not is_anonymous(named)
            and not (module.wires[named].port and module.wires[unnamed].port)
        ):  # fmt: skip
            names[unnamed] = named
        else:
            connects.append((left, right))
    module.connects = connects
    for unnamed, named in names.items():
        old = module.wires.pop(unnamed)
        module.wires[named].port = module.wires[named].port or old.port
        module.wires[named].attributes += old.attributes
    rewrite_all(module, lambda sig: tuple(part._replace(name=names.get(part.name, part.name)) for part in sig))
    return names


def _read_fields_by_name(module: Netlist, modules: dict[str, Netlist]) -> None:
    """Bits of a record that are a field of it are read by the field's name."""
    fields: dict[Slice, str] = {}
    own: set[int] = set()
    for k, (left, right) in enumerate(module.connects):
        base = base_name(left[0].name)
        if len(left) == len(right) == 1 and right[0].name == base != left[0].name:
            own.add(k)
            if right[0].width < module.wires[base].width:
                fields[right[0]] = left[0].name  # the innermost of several comes last

    def by_name(sig: Sig) -> Sig:
        return tuple(Slice(fields[part], part.width - 1, 0) if part in fields else part for part in sig)

    kept = [module.connects[k] for k in sorted(own)]
    module.connects = [pair for k, pair in enumerate(module.connects) if k not in own]
    rewrite(module, by_name)
    module.connects += kept
    for cell in module.cells:
        cell.ports = {port: sig if is_output(cell, port, modules) else by_name(sig) for port, sig in cell.ports.items()}
