"""The decode units of all nodes at work on their memories: commands that read streams and memories."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golden import floats
from golden.cluster.command import Command
from golden.cluster.compute import Unit, largest
from golden.cluster.memory_image import from_lanes
from golden.cluster.spec import Move, Op, Spec, Turned, Weighed
from golden.cluster.weights import block_flits, unpack_weights
from golden.float_format import SINGLE

Bytes = npt.NDArray[np.uint8]


class Units:
    """`memory` is the network's, [N, flits, words of a flit], and is written in place."""

    def __init__(self, spec: Spec, memory: Tensor) -> None:
        self.spec, self.memory = spec, memory
        self.units = [Unit(spec) for _ in range(spec.nodes)]

    def run(self, command: Command, external: Bytes) -> None:
        """Executes a checked command; streams come from `external`."""
        work = {Op.LOAD: self._fill, Op.GEMV: self._gemv, Op.SCORE: self._score, Op.WEIGH: self._weigh}
        if command.op == Op.TURN:
            for rank, unit in enumerate(self.units):
                self._turn(command, rank, unit)
            return
        lanes = self._stream(command, external)
        for rank, unit in enumerate(self.units):
            work[command.op](command, rank, unit, lanes[rank])

    def _stream(self, c: Command, external: Bytes) -> Bytes:
        """The nodes' parts of a command's stream, [N, bytes]."""
        row = {Op.LOAD: 1, Op.GEMV: block_flits(c.record * self.spec.products, self.spec)}.get(c.op, c.record)
        size = c.flits * row * self.spec.external_bytes
        return from_lanes(external[c.external : c.external + size], self.spec)

    def _fill(self, c: Command, rank: int, unit: Unit, raw: Bytes) -> None:
        if c.kind == Move.CONSTANTS:
            rows = torch.from_numpy(np.ascontiguousarray(raw).view("<u4").astype(np.int64)).reshape(c.flits, -1)
            unit.constants.flatten(0, 1)[c.target : c.target + c.flits] = rows
            return
        codes = np.ascontiguousarray(raw).view(np.int8 if self.spec.activation_bits == 8 else "<i2").astype(np.int64)
        unit.load_activations(torch.from_numpy(codes), c.target * (len(codes) // c.flits), c.scale)

    def _gemv(self, c: Command, rank: int, unit: Unit, raw: Bytes) -> None:
        weights = unpack_weights(raw, c.flits, c.record * self.spec.products, self.spec)
        scales = floats.to_codes(torch.from_numpy(weights.scales.copy()))
        first = c.target + rank * c.rank_stride
        result = unit.gemv(torch.from_numpy(weights.wide), scales)
        self.memory[rank, first : first + c.flits] = result.reshape(c.flits, -1)

    def _codes(self, c: Command, raw: Bytes) -> Tensor:
        """Codes of the cache, [tokens, head]."""
        return torch.from_numpy(raw.view(np.int8).astype(np.int64)).reshape(c.flits, -1)

    def _score(self, c: Command, rank: int, unit: Unit, raw: Bytes) -> None:
        scores = unit.score(self._codes(c, raw), c.scale, rank > c.root)
        flits = -(-c.flits // self.spec.lanes)
        spare = flits * self.spec.lanes - len(scores)
        padded = torch.nn.functional.pad(scores, (0, spare), value=SINGLE.negative_infinity)
        self.memory[rank, c.target : c.target + flits] = padded.reshape(flits, -1)

    def _weigh(self, c: Command, rank: int, unit: Unit, raw: Bytes) -> None:
        flits = self.memory[rank, c.source : c.source + -(-c.flits // self.spec.lanes)].flatten()
        scores = flits[: c.flits]
        if c.kind == Weighed.FOUND:
            unit.maximum = largest(flits)
        record = unit.attend(scores, self._codes(c, raw)).reshape(-1, self.spec.lanes)
        self.memory[rank, c.target : c.target + len(record)] = record

    def _turn(self, c: Command, rank: int, unit: Unit) -> None:
        pieces = torch.arange(c.flits // c.record)[:, None] * c.rank_stride + torch.arange(c.record)
        vector = self.memory[rank, c.source + pieces.flatten()].flatten()
        if c.kind in (Turned.CACHE, Turned.CACHE_ALL):
            if c.kind == Turned.CACHE and rank != c.root:
                return
            codes = unit.cache_codes(vector, c.scale).to(torch.int8).numpy().view("<u4").astype(np.int64)
            flits = torch.from_numpy(codes).reshape(-1, self.spec.lanes)
            self.memory[rank, c.target : c.target + len(flits)] = flits
            return
        divisor = int(self.memory[rank, c.source - 1, 1]) if c.kind == Turned.NORMALISE else None
        unit.activate(vector, c.scale, divisor)
