"""The cluster network with random pauses on its nodes' links."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import stream, wiring

from hw.cluster.config import Config
from hw.cluster.top import ClusterEngine
from hw.lib.ports import forward
from sim.kernel.jobs import MemorySettings

SOURCE = Path(__file__).parent / "link_pauses.v"


@dataclass(frozen=True, kw_only=True)
class LinkedMemory(MemorySettings):
    """How memory and the nodes' links behave; every field is a plus-argument."""

    link_pauses: int = 0  #: chance in 256, each cycle, that a node's links carry nothing
    hold: int | None = None  #: node that stops for ever
    hold_after: int = 0  #: cycle from which on it stands still


class ClusterPlayer(wiring.Component):
    """`ClusterEngine` without its port `pause`, which `link_pauses` drives by plus-arguments."""

    def __init__(self, *, config: Config) -> None:
        self.engine = ClusterEngine(config=config)
        members = self.engine.signature.members
        super().__init__({name: member for name, member in members.items() if name != "pause"})

    @property
    def taps(self) -> dict[str, stream.Interface]:
        return self.engine.taps

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.pauses = Instance(
            "link_pauses",
            p_NODES=len(engine.pause),
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            o_pause=engine.pause,
        )
        forward(m, self, engine)
        return m
