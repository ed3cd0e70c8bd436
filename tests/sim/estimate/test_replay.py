from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from golden.errors import InputError
from hw.generate import Generated
from sim.estimate.activity import Activity, Port, read_activity
from sim.estimate.nets import Gate
from sim.estimate.reference import reference
from sim.estimate.replay import replay, require_icarus
from sim.estimate.technology import named
from sim.estimate.units import Netlist, map_engine
from sim.kernel.compare import CheckError
from tests.sim.estimate.traces import CYCLES, harness, needs_icarus, run_traced

pytestmark = needs_icarus


@pytest.fixture(scope="module")
def design() -> Generated:
    return harness()


@pytest.fixture(scope="module")
def netlists(design: Generated, tmp_path_factory: pytest.TempPathFactory) -> list[Netlist]:
    return map_engine(design, named("embedded"), tmp_path_factory.mktemp("units"))


@pytest.fixture(scope="module")
def trace(design: Generated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_traced(design, tmp_path_factory.mktemp("trace"))


@pytest.fixture(scope="module")
def activity(trace: Path, netlists: list[Netlist]) -> Activity:
    return read_activity(trace, [netlist.unit for netlist in netlists])


def play(netlist: Netlist, activity: Activity, instance: str):
    memories = {memory.name: memory for memory in netlist.mapped.memories}
    rtl = reference(netlist.rtlil, netlist.unit.module)
    return replay(netlist.gates, rtl, named("embedded").library, memories, activity.vectors[instance])


def test_units_stand_where_the_trace_has_them(netlists: list[Netlist]) -> None:
    """What a unit below drives is an input of the one above."""
    product, bank = (netlist.unit for netlist in netlists)
    assert product.instances == ("job.engine.product_0", "job.engine.product_1")
    assert bank.instances == ("job.engine",)
    assert Port("product_0.o", 32, False) in bank.inputs
    assert Port("product_1.a", 16, True) in bank.outputs
    assert all(not port.name.endswith("clk") for port in bank.ports)


def test_every_netlist_gives_the_words_of_the_run(netlists: list[Netlist], activity: Activity) -> None:
    for netlist in netlists:
        for instance in netlist.unit.instances:
            found = play(netlist, activity, instance)
            assert found.cycles == CYCLES
            assert sum(found.rises.values()) > 100
            assert found.unknown < 0.4  # rows are read before they are written
    reads, writes = next(iter(play(netlists[1], activity, "job.engine").accesses.values()))
    assert reads == CYCLES
    assert 32 < writes < CYCLES


def test_changes_are_counted_net_by_net(netlists: list[Netlist], activity: Activity) -> None:
    """Those at a port are those of the trace's words."""
    product = netlists[0]
    found = play(product, activity, "job.engine.product_0")
    port = next(port for port in product.unit.inputs if port.name == "b")
    place = sum(other.width for other in product.unit.inputs[: product.unit.inputs.index(port)])
    vectors = activity.vectors["job.engine.product_0"]
    bits = "".join(given[place] for given, _ in list(vectors.words)[vectors.begin :])
    net = product.gates.ports[port][0]
    assert isinstance(net, int)
    assert (found.rises[net], found.falls[net]) == (bits.count("01"), bits.count("10"))


def test_a_wrong_gate_is_found(netlists: list[Netlist], activity: Activity) -> None:
    """The message names the first word that differs."""
    product = netlists[0]
    gates = list(product.gates.gates)
    place = next(k for k, gate in enumerate(gates) if gate.kind.startswith("NAND2"))
    gates[place] = Gate(kind=gates[place].kind.replace("NAND", "NOR"), pins=gates[place].pins)
    wrong = replace(product, gates=replace(product.gates, gates=tuple(gates)))
    with pytest.raises(
        CheckError, match=r"product_0: the netlist of product differs in cycle \d+ at o: expected [01]+"
    ):
        play(wrong, activity, "job.engine.product_0")


def test_a_word_that_differs_is_found(netlists: list[Netlist], activity: Activity) -> None:
    vectors = activity.vectors["job.engine.product_1"]
    words = list(vectors.words)
    given, wanted = words[90]
    words[90] = given, wanted[:-1] + str(1 - int(wanted[-1]))
    changed = replace(activity, vectors={"job.engine.product_1": replace(vectors, words=words)})
    with pytest.raises(CheckError, match="differs in cycle 90 at o"):
        play(netlists[0], changed, "job.engine.product_1")


def test_icarus_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"needs the program 'iverilog' \(Debian package iverilog\)"):
        require_icarus()


def test_waves_of_another_design(trace: Path, netlists: list[Netlist], tmp_path: Path) -> None:
    """A scope, a signal or a width that is not there, waves without a reset, no VCD."""
    text = trace.read_text()
    units = [netlist.unit for netlist in netlists]
    cases = (
        (text.replace("module engine", "module motor"), r"have job.engine.\S+ with \d+ bits, the file has it nowhere"),
        (text.replace(" 16 ", " 15 "), "the file has it with 15 bits"),
        (text[: text.index("#0")], "these have none that ends"),
        ("$version no end $end\n", "a VCD with the line \\$enddefinitions"),
    )
    for number, (changed, message) in enumerate(cases):
        path = tmp_path / f"{number}.vcd"
        path.write_text(changed)
        with pytest.raises(InputError, match=message):
            read_activity(path, units)
    with pytest.raises(InputError, match="No such file"):
        read_activity(tmp_path / "none.vcd", units)


def test_a_run_is_cut(trace: Path, netlists: list[Netlist], activity: Activity) -> None:
    short = read_activity(trace, [netlist.unit for netlist in netlists], cycles=20)
    assert short.cycles == 20
    words, whole = (list(run.vectors["job.engine"].words) for run in (short, activity))
    assert words == whole[: len(words)]
