"""Every block of the cluster network, for synthesis and lint one by one."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.lib import wiring

from hw.cluster.activation_memory import ActivationMemory
from hw.cluster.combine_lane import CombineLane
from hw.cluster.command_reader import CommandReader
from hw.cluster.compute import Compute
from hw.cluster.config import Config
from hw.cluster.dequantise import Dequantise
from hw.cluster.dispatcher import Dispatcher
from hw.cluster.dot_product import DotProduct
from hw.cluster.exchange import Exchange
from hw.cluster.feeder import Feeder
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_scale import MergeScale
from hw.cluster.mover import Mover
from hw.cluster.node import Node
from hw.cluster.node_memory import NodeMemory
from hw.cluster.operand_port import OperandPort
from hw.cluster.probability import Probability
from hw.cluster.projection import Projection
from hw.cluster.receive_port import ReceivePort
from hw.cluster.rescale import Rescale
from hw.cluster.send_port import SendPort
from hw.cluster.sequencer import Sequencer
from hw.cluster.stream_beats import StreamBeats
from hw.cluster.stream_reader import StreamReader
from hw.cluster.turn_unit import TurnUnit
from hw.cluster.value_sums import ValueSums
from hw.cluster.vector_alu import VectorAlu
from hw.cluster.walker import Walker
from hw.cluster.watchdog import Watchdog
from hw.cluster.widen_flit import WidenFlit


def catalogue(config: Config) -> dict[str, Callable[[], wiring.Component]]:
    """Name to a function that makes the block. Names are module names too."""
    spec = config.spec
    return {
        "sequencer": lambda: Sequencer(config=config),
        "walker": lambda: Walker(config=config),
        "node_memory": lambda: NodeMemory(config=config),
        "widen_flit": lambda: WidenFlit(config=config),
        "send_port": lambda: SendPort(config=config),
        "operand_port": lambda: OperandPort(config=config),
        "receive_port": lambda: ReceivePort(config=config),
        "combine_lane": lambda: CombineLane(),
        "merge_scale": lambda: MergeScale(),
        "merge_lane": lambda: MergeLane(),
        "vector_alu": lambda: VectorAlu(spec=config.spec),
        "node": lambda: Node(config=config),
        "exchange": lambda: Exchange(config=config),
        "command_reader": lambda: CommandReader(config=config),
        "dispatcher": lambda: Dispatcher(config=config),
        "mover": lambda: Mover(config=config),
        "activation_memory": lambda: ActivationMemory(spec=spec),
        "dequantise": lambda: Dequantise(spec=spec),
        "dot_product": lambda: DotProduct(spec=spec),
        "rescale": lambda: Rescale(spec=spec),
        "projection": lambda: Projection(spec=spec),
        "probability": lambda: Probability(),
        "value_sums": lambda: ValueSums(spec=spec),
        "turn_unit": lambda: TurnUnit(spec=spec),
        "compute": lambda: Compute(spec=spec),
        "stream_beats": lambda: StreamBeats(spec=spec),
        "stream_reader": lambda: StreamReader(config=config),
        "feeder": lambda: Feeder(config=config),
        "watchdog": lambda: Watchdog(spec=config.spec),
    }
