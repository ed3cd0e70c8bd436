"""Single operators on one thread, for as long as asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from golden.threads import undivided_operators


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    """As a block, which yields the number outside, and after an exception."""
    with undivided_operators() as threads:
        assert (threads, torch.get_num_threads()) == (3, 1)
    assert torch.get_num_threads() == 3
    with pytest.raises(KeyError), undivided_operators():
        raise KeyError
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_a_decorated_function_every_time() -> None:
    """The second call is like the first."""
    inside = undivided_operators()(torch.get_num_threads)
    assert [inside(), torch.get_num_threads(), inside(), torch.get_num_threads()] == [1, 3, 1, 3]
