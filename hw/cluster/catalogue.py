"""Every block of the cluster network, for synthesis and lint one by one, and how often it stands in the top."""

from __future__ import annotations

from hw.cluster.activation_memory import ActivationMemory, CodeUnits
from hw.cluster.combine_lane import CombineLane
from hw.cluster.command_issuer import CommandIssuer
from hw.cluster.command_reader import CommandReader
from hw.cluster.compute import Compute
from hw.cluster.config import Config
from hw.cluster.dequantise import Dequantise
from hw.cluster.dot_product import DotProduct
from hw.cluster.exchange import Exchange
from hw.cluster.feeder import Feeder
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_lanes import MergeLanes
from hw.cluster.merge_scale import MergeScale
from hw.cluster.mover import Mover
from hw.cluster.network import Network
from hw.cluster.node import Node
from hw.cluster.node_memory import NodeMemory
from hw.cluster.operand_port import OperandPort
from hw.cluster.probability import Probability
from hw.cluster.projection import Projection
from hw.cluster.receive_port import ReceivePort
from hw.cluster.rescale import Rescale
from hw.cluster.send_port import SendPort
from hw.cluster.sequencer import Sequencer
from hw.cluster.serial_alu import SerialAlu
from hw.cluster.serial_lanes import SerialLanes
from hw.cluster.serial_rescale import SerialRescale
from hw.cluster.serial_sums import SerialSums
from hw.cluster.stream_beats import StreamBeats
from hw.cluster.stream_reader import StreamReader
from hw.cluster.turn_unit import TurnUnit
from hw.cluster.value_sums import ValueSums
from hw.cluster.vector_alu import VectorAlu
from hw.cluster.walker import Walker
from hw.cluster.watchdog import Watchdog
from hw.cluster.widen_flit import WidenFlit
from hw.lib.block import Block

SIDES = 3  # of a turn: send, operand and receive
READERS = 2  # of a node's memory, which widen what they read: the send side and the operand port


def catalogue(config: Config) -> dict[str, Block]:
    """By name, which is the module's name too: the network, then what the decode units need if there are any."""
    spec = config.spec
    nodes, lanes = spec.nodes, spec.nodes * spec.lanes
    serial = config.serial == 1
    arithmetic = {
        "merge_scale": Block(lambda: MergeScale(), nodes),
        "merge_lane": Block(lambda: MergeLane(), lanes),
        "merge_lanes": Block(lambda: MergeLanes(spec=spec), nodes),
        "vector_alu": Block(lambda: VectorAlu(spec=spec), nodes),
    }
    in_turn = {
        "serial_lanes": Block(lambda: SerialLanes(spec=spec), nodes),
        "serial_alu": Block(lambda: SerialAlu(spec=spec, interval=config.interval), nodes),
    }
    network = {
        "command_reader": Block(lambda: CommandReader(config=config)),
        "command_issuer": Block(lambda: CommandIssuer(config=config)),
        "mover": Block(lambda: Mover(config=config)),
        "watchdog": Block(lambda: Watchdog(spec=spec)),
        "exchange": Block(lambda: Exchange(config=config)),
        "sequencer": Block(lambda: Sequencer(config=config), nodes),
        "walker": Block(lambda: Walker(config=config), SIDES * nodes),
        "node_memory": Block(lambda: NodeMemory(config=config), nodes),
        "widen_flit": Block(lambda: WidenFlit(config=config), READERS * nodes),
        "send_port": Block(lambda: SendPort(config=config), nodes),
        "operand_port": Block(lambda: OperandPort(config=config), nodes),
        "receive_port": Block(lambda: ReceivePort(config=config), nodes),
        "combine_lane": Block(lambda: CombineLane(), nodes if serial else lanes),
        **(in_turn if serial else arithmetic),
        "node": Block(lambda: Node(config=config), nodes),
        "network": Block(lambda: Network(config=config)),
    }
    return network | _decode_units(config) if spec.compute else network


def _decode_units(config: Config) -> dict[str, Block]:
    spec, interval = config.spec, config.interval
    nodes = spec.nodes
    rescale = {"rescale": Block(lambda: Rescale(spec=spec), nodes)}
    sums = {
        "probability": Block(lambda: Probability(), nodes),
        "value_sums": Block(lambda: ValueSums(spec=spec), nodes),
    }
    if config.serial:
        rescale = {"serial_rescale": Block(lambda: SerialRescale(spec=spec), nodes)}
        sums = {"serial_sums": Block(lambda: SerialSums(spec=spec, interval=interval), nodes)}
    dequantise = {"dequantise": Block(lambda: Dequantise(spec=spec), nodes)}
    return {
        "stream_beats": Block(lambda: StreamBeats(spec=spec)),
        "stream_reader": Block(lambda: StreamReader(config=config)),
        "feeder": Block(lambda: Feeder(config=config)),
        "code_units": Block(lambda: CodeUnits(spec=spec), nodes),
        "activation_memory": Block(lambda: ActivationMemory(spec=spec), nodes),
        **(dequantise if spec.weight_bits == 4 else {}),
        "dot_product": Block(lambda: DotProduct(spec=spec, interval=interval), nodes),
        **rescale,
        "projection": Block(lambda: Projection(spec=spec, interval=interval), nodes),
        **sums,
        "turn_unit": Block(lambda: TurnUnit(spec=spec, interval=interval), nodes),
        "compute": Block(lambda: Compute(spec=spec, interval=interval), nodes),
    }
