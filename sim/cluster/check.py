"""Which command makes a program's results wrong.

No stream between the units has an order that does not depend on time, so the nodes' memories are compared instead,
after fewer and fewer commands.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.cluster.command import MAX_FLITS, Command
from golden.cluster.memory_image import MemoryImage, aligned, program_bytes
from golden.cluster.spec import Op
from golden.rows import Bytes
from sim.cluster.workload import WATCHDOG, ClusterWorkload
from sim.kernel.compare import first_difference
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Operation, simulate


def first_command(
    operation: Operation[ClusterWorkload], workload: ClusterWorkload, memory: MemorySettings
) -> str | None:
    """Names a command before which the nodes' memories equal the model's and after which they do not, and the byte.

    What a decode unit keeps to itself shows at the command that uses it. Runs the program log2(commands) times.
    """
    last = len(workload.commands) - 1
    right, wrong = 0, last  # commands after which the memories are right, and wrong
    message = _difference(operation, workload, wrong, memory)
    if message is None:
        return f"{_name(workload, last)}: before it the nodes' memories equal the model's"
    while wrong - right > 1:
        middle = (right + wrong) // 2
        found = _difference(operation, workload, middle, memory)
        if found is None:
            right = middle
        else:
            wrong, message = middle, found
    return message


def after(workload: ClusterWorkload, count: int) -> ClusterWorkload:
    """The first `count` commands between a LOAD of zeros and a STORE, both of the nodes' memories.

    A memory longer than a command's flits is compared as far as these reach.
    """
    spec, old = workload.config.spec, workload.memory
    flits = min(spec.words, MAX_FLITS)
    size = flits * spec.external_bytes
    zeros = aligned(old.result_address + old.result_bytes, spec)
    program = zeros + size

    def image(result: int) -> tuple[tuple[Command, ...], Bytes]:
        clear = Command(op=Op.LOAD, flits=flits, external=zeros)
        keep = Command(op=Op.STORE, flits=flits, external=result)
        commands = (clear, *workload.commands[:count], keep)
        return commands, program_bytes(commands, spec, watchdog=WATCHDOG, base=program)

    result = aligned(program + len(image(0)[1]), spec)
    commands, words = image(result)
    data = np.zeros(result, np.uint8)
    data[: len(old.data)] = old.data
    data[program : program + len(words)] = words
    memory = MemoryImage(data=data, header_address=program, result_address=result, result_bytes=size)
    return replace(workload, commands=commands, memory=memory)


def _difference(
    operation: Operation[ClusterWorkload], workload: ClusterWorkload, count: int, memory: MemorySettings
) -> str | None:
    part = after(workload, count)
    got = operation.read(part, simulate(operation, part, memory=memory))
    expected = operation.expected(part, operation.model(part))
    difference = first_difference(expected, got, operation.axes)
    return f"{_name(workload, count - 1)}: {difference}" if difference else None


def _name(workload: ClusterWorkload, number: int) -> str:
    return f"command {number} ({Op(workload.commands[number].op).name.lower()})"
