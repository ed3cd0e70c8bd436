"""Both dataflows are the undivided head, and move what the publication's formulae say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from golden.cluster.command import Command
from golden.cluster.dataflows import Head, angles, attend, gathered, reduced, rotate, split_head, split_token
from golden.cluster.spec import Op, Spec
from golden.cluster.turns import traffic
from golden.errors import InputError


def head(size: int, hidden: int, tokens: int, seed: int) -> tuple[torch.Tensor, Head]:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / shape[0] ** 0.5

    weights = [draw(hidden, size) for _ in range(3)]
    cache = [draw(1, tokens, size)[0] for _ in range(2)]
    x = draw(1, hidden)[0]
    return x, Head(
        query=weights[0], key=weights[1], value=weights[2], output=draw(size, hidden), keys=cache[0], values=cache[1]
    )


@pytest.mark.parametrize("nodes", [2, 4, 8, 16])
@pytest.mark.parametrize(("size", "tokens"), [(64, 5), (128, 1000)])
def test_dataflows(nodes: int, size: int, tokens: int, seed: int) -> None:
    x, weights = head(size, 256, tokens, seed)
    whole = attend(x, weights)
    for dataflow, elements in (
        (split_token, gathered(3 * size // nodes, nodes) + reduced(size + 2, nodes)),
        (split_head, reduced(tokens + 1, nodes) + reduced(256, nodes)),
    ):
        result, moved = dataflow(x, weights, nodes)
        assert (result - whole).abs().max() < 1e-5 * whole.abs().max()
        assert moved == elements


@pytest.mark.parametrize("dataflow", [split_token, split_head])
@pytest.mark.parametrize("group", [1, 3, 4])
def test_grouped_queries(dataflow: Callable[..., tuple[torch.Tensor, int]], group: int, seed: int) -> None:
    """Query heads that share keys and values add up to what each gives alone, and share what is gathered of them."""
    x, one = head(32, 48, 11, seed)
    others = [head(32, 48, 11, seed + k)[1] for k in range(group)]
    query, output = torch.cat([h.query for h in others], 1), torch.cat([h.output for h in others])
    together = Head(**{**vars(one), "query": query, "output": output})
    alone = [Head(**{**vars(one), "query": h.query, "output": h.output}) for h in others]
    result, moved = dataflow(x, together, 4)
    torch.testing.assert_close(result, sum(attend(x, h) for h in alone))
    elements = {
        split_token: gathered((group + 2) * 8, 4) + reduced(group * 34, 4),
        split_head: reduced(group * 12, 4) + reduced(48, 4),
    }
    assert moved == elements[dataflow]


def test_the_angles_of_a_position(seed: int) -> None:
    """Angles that are given stand for those of the cache's length."""
    x, weights = head(32, 48, 11, seed)
    same = Head(**{**vars(weights), "turn": angles(11, 32)})
    other = Head(**{**vars(weights), "turn": angles(11, 32, 500.0)})
    assert torch.equal(attend(x, same), attend(x, weights))
    assert not torch.allclose(attend(x, other), attend(x, weights))


@pytest.mark.parametrize("nodes", [2, 4, 8, 16])
def test_elements_are_the_networks_flits(nodes: int) -> None:
    spec = Spec(nodes=nodes)
    assert traffic(Command(op=Op.REDUCE, flits=5), spec) == reduced(5, nodes)
    assert traffic(Command(op=Op.GATHER, flits=5), spec) == gathered(5, nodes)


def test_example_of_the_publication() -> None:
    """A head of 128 halves on 4 nodes: 2,304 B gathered, 2,048 B reduced."""
    assert 2 * gathered(3 * 32, 4) == 2304
    assert 2 * reduced(128, 4) == 2048


def test_rotation_keeps_lengths_and_angles() -> None:
    """The product of a rotated query and key depends on the distance of their positions alone."""
    q, k = torch.randn(64), torch.randn(64)
    assert torch.isclose(rotate(q, 7) @ rotate(k, 3), rotate(q, 104) @ rotate(k, 100), atol=1e-3)
    assert torch.equal(rotate(q, 0), q)


def test_refused() -> None:
    x, weights = head(64, 32, 4, 0)
    with pytest.raises(InputError, match="cache"):
        Head(**{**vars(weights), "values": weights.values[:2]})
    with pytest.raises(InputError, match="queries must be a multiple of the head's size 64, they are 63"):
        Head(**{**vars(weights), "query": weights.query[:, 1:]})
    assert attend(x, weights).shape == (32,)
