"""How many threads torch spends on one operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def undivided_operators() -> Iterator[int]:
    """Keeps torch from splitting single operators; yields the threads that are free for other work instead.

    The parts of a split operator wait for each other, which on a busy machine costs many times the
    work. Also a decorator of functions whose operators are many and short.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)
