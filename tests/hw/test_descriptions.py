"""Comments of declarations become comments of ports, and sentences of the JSON."""

from __future__ import annotations

import json

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.descriptions import describe_fields, describe_ports
from hw.generate import generate
from hw.lib.counters import CounterLayout
from hw.lib.memory_port import ReadSignature
from sim.engines import ENGINES
from sim.kernel.designs import design


class PairLayout(data.StructLayout):
    def __init__(self) -> None:
        super().__init__(
            {
                "first": 3,  #: of two
                #: this one has
                #: two lines
                "second": 5,
            }
        )


class Described(wiring.Component):
    _MustUse__silence = True

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(PairLayout())).array(2),  #: pairs
                "memory": Out(ReadSignature(32)),  #: where they lie
                "counters": Out(CounterLayout({"cycles": "cycles of the job"})),  #: of the last job
                "bare": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.sync += self.bare.eq(self.i[0].valid)
        return m


def test_a_port_says_what_every_signature_on_the_way_says() -> None:
    """The component's comment, the signature's, and that of the handshake, whichever way the stream goes."""
    found = describe_ports(Described())
    assert found["i", 1, "payload"] == "i: pairs"
    assert found["i", 0, "valid"].startswith("i: pairs; valid: the payload is offered")
    assert found["memory", "request", "payload"] == "memory: where they lie; request: bursts that are asked for"
    assert "; ready: the payload is taken" in found["memory", "response", "ready"]
    assert found["bare",] == ""


def test_a_field_says_what_its_layout_says() -> None:
    assert describe_fields(PairLayout()) == {"first": "of two", "second": "this one has two lines"}
    nested = data.StructLayout({"pair": PairLayout(), "plain": 1})
    assert describe_fields(nested) == {"pair.first": "of two", "pair.second": "this one has two lines"}


def test_comments_stand_above_the_ports_with_the_bits_of_fields() -> None:
    verilog = generate(Described(), "described").verilog
    assert (
        """
  // i: pairs
  //   [2:0] first: of two
  //   [7:3] second: this one has two lines
"""
        in verilog
    )
    assert (
        """
  // counters: of the last job
  //   [39:0] cycles: cycles of the job
"""
        in verilog
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_every_port_and_field_of_an_engine_is_described(engine: str) -> None:
    """All ports, all fields of what memory is asked for, and a sentence for each counter."""
    entry = ENGINES[engine]
    config = entry.configs["tiny"]()
    ports = design(lambda: entry.top(config), engine, config).ports
    for item in (*ports, *(field for port in ports for field in port.get("fields", ()))):
        assert item["description"], item["name"]


def test_the_json_says_what_it_is_and_how_it_is_clocked() -> None:
    """Schema, version and commit; clock and reset; a sentence for a counter; numbers as numbers."""
    made = generate(Described(), "described")
    description = json.loads(made.description("0123456789ab"))
    assert (description["schema"], description["commit"]) == (1, "0123456789ab")
    assert json.loads(made.description())["commit"] is None
    assert description["clock"] == {"port": "clk", "edge": "rising"}
    assert description["reset"] == {"port": "rst", "active": "high", "synchronous": True}
    (counters,) = (port for port in description["ports"] if port["name"] == "counters")
    assert counters["fields"] == [
        {"name": "cycles", "offset": 0, "width": 40, "signed": False, "description": "cycles of the job"}
    ]
