"""A decode step on the bit-true cluster: close to float32, whatever the split, and refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from golden.cluster.dataflows import Head, attend
from golden.cluster.fused_decode import fused_decode
from golden.cluster.head import Calibration, share
from golden.cluster.heads import around_cache, grouped_head, load_head, random_head
from golden.cluster.memory_image import from_lanes
from golden.cluster.model import Cluster
from golden.cluster.spec import Dataflow, Schedule, Spec
from golden.errors import InputError

SPEC = Spec(nodes=4, link_width=128, memory_kib=64)


def decoded(
    hidden: Tensor, head: Head, spec: Spec, dataflow: Dataflow, calibration: Calibration | None = None,
    **options: object,
) -> Tensor:  # fmt: skip
    """The result [D] of the model, its query heads together."""
    shared = share(hidden, head, spec, dataflow, calibration)
    commands, image = fused_decode(shared, **options)  # type: ignore[arg-type]
    external = np.concatenate([image.data, np.zeros(image.result_bytes, np.uint8)])
    Cluster(spec).run(commands, external)
    words = from_lanes(external[image.result_address :], spec)
    parts = torch.from_numpy(words.copy().view("<f4")).unflatten(1, (head.group, -1))
    return parts.sum(1).flatten()


def error(got: Tensor, exact: Tensor) -> float:
    """Root mean square, relative."""
    return float((got - exact).double().norm() / exact.double().norm())


@pytest.mark.parametrize("dataflow", Dataflow)
@pytest.mark.parametrize(("nodes", "size"), [(2, 64), (4, 128), (8, 128)])
@pytest.mark.parametrize("tokens", [1, 3, 500])
def test_random_heads(dataflow: Dataflow, nodes: int, size: int, tokens: int, seed: int) -> None:
    """Below 4 % with INT8 throughout: fewer tokens than nodes, rows that are not full, and full ones."""
    spec = replace(SPEC, nodes=nodes)
    hidden, head = random_head(size, 512, tokens, seed)
    assert error(decoded(hidden, head, spec, dataflow), attend(hidden, head)) < 0.04


@pytest.mark.parametrize(("group", "nodes", "hidden"), [(3, 4, 576), (4, 2, 48)])
@pytest.mark.parametrize("tokens", [1, 70])
def test_grouped_queries(group: int, nodes: int, hidden: int, tokens: int, seed: int) -> None:
    """Query heads that share keys and values; hidden sizes that are no powers of two."""
    spec = replace(SPEC, nodes=nodes)
    x, head = grouped_head(group, 64, hidden, tokens, seed)
    assert error(decoded(x, head, spec, Dataflow.TOKEN), attend(x, head)) < 0.04
    unfused = decoded(x, head, spec, Dataflow.TOKEN, unfused=True)
    assert torch.equal(unfused, decoded(x, head, spec, Dataflow.TOKEN))


def test_a_group_is_its_heads(seed: int) -> None:
    """Bit by bit: what shares a pass over the projections is what each query head gives alone, added up."""
    x, head = grouped_head(3, 64, 96, 9, seed)
    alone = [
        decoded(x, Head(**{**vars(head), "query": q, "output": o}), SPEC, Dataflow.TOKEN)
        for q, o in zip(head.queries, head.outputs, strict=True)
    ]
    assert torch.equal(decoded(x, head, SPEC, Dataflow.TOKEN), torch.stack(alone).sum(0))


@pytest.mark.parametrize(("change", "bound"), [({}, 0.04), ({"activation_bits": 12}, 0.03), ({"weight_bits": 4}, 0.25)])
def test_formats(change: dict[str, int], bound: float, seed: int) -> None:
    """4-bit weights of normal numbers cost most: 15 steps between the ends of 64 of them."""
    spec = replace(SPEC, **change)
    hidden, head = random_head(128, 1024, 300, seed)
    assert error(decoded(hidden, head, spec, Dataflow.TOKEN), attend(hidden, head)) < bound


@pytest.mark.parametrize("dataflow", Dataflow)
@pytest.mark.parametrize("schedule", [Schedule.XOR, Schedule.ROTATE])
def test_through_memory_is_the_same(dataflow: Dataflow, schedule: Schedule, seed: int) -> None:
    hidden, head = random_head(64, 256, 77, seed)
    fused, unfused = (
        decoded(hidden, head, SPEC, dataflow, schedule=schedule, unfused=unfused) for unfused in (False, True)
    )
    assert torch.equal(fused, unfused)


def test_new_token_is_attended_and_cached(seed: int) -> None:
    """A key that outweighs all others makes the output its own value's; its codes end up in the cache."""
    hidden, head = random_head(64, 256, 9, seed)
    strong = Head(**{**vars(head), "key": head.query * 30, "keys": head.keys * 30})
    result = decoded(hidden, strong, SPEC, Dataflow.TOKEN)
    alone = hidden @ head.value @ head.output
    assert error(result, attend(hidden, strong)) < 0.04
    assert error(result, alone) < 0.04


@pytest.mark.parametrize("layer", range(3))
def test_real_cache(layer: int, real_data: Path) -> None:
    """4,096 real keys and values of 32, and a real query."""
    with np.load(real_data / "kv" / "pydoc_small.npz") as data:
        q, k, v = (torch.from_numpy(data[name][layer, 1].astype(np.float32)) for name in "QKV")
    hidden, head = around_cache(q[0], k, v, 256, 1)
    assert error(decoded(hidden, head, SPEC, Dataflow.TOKEN), attend(hidden, head)) < 0.04


def test_weights_around_a_cache(seed: int) -> None:
    """The rotated query is the one that was asked for."""
    _, cache = random_head(64, 128, 20, seed)
    query = torch.randn(64, generator=torch.Generator().manual_seed(seed))
    hidden, head = around_cache(query, cache.keys, cache.values, 128, seed)
    scores = torch.softmax(head.keys @ query / 8, 0)
    without = attend(hidden, Head(**{**vars(head), "key": head.key * 0 - 1e3 * head.query}))
    assert torch.allclose(without, scores @ head.values @ head.output, atol=1e-3)


def test_file(tmp_path: Path, seed: int) -> None:
    hidden, head = random_head(64, 128, 5, seed)
    arrays = {name: tensor.numpy() for name, tensor in vars(head).items()}
    np.savez(tmp_path / "head.npz", hidden=hidden.numpy(), **arrays)
    again, loaded = load_head(tmp_path / "head.npz")
    assert torch.equal(again, hidden)
    assert all(torch.equal(getattr(loaded, name), tensor) for name, tensor in vars(head).items())
    np.savez(tmp_path / "short.npz", hidden=hidden.numpy(), **{**arrays, "output": arrays["output"][:, :5]})
    with pytest.raises(InputError, match=r"output must be \[64, 128\], it is \[64, 5\]"):
        load_head(tmp_path / "short.npz")
    with pytest.raises(InputError, match="file with a head's arrays"):
        load_head(tmp_path / "none.npz")
    for kind, value in (("f4", np.nan), ("f8", 1e39), ("c8", 1j)):
        np.savez(tmp_path / "bad.npz", hidden=hidden.numpy(), **{**arrays, "keys": np.full((5, 64), value, kind)})
        with pytest.raises(InputError, match=r"bad\.npz: keys"):
            load_head(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    ("spec", "size", "hidden", "tokens", "dataflow", "message"),
    [
        ({}, 72, 256, 4, Dataflow.TOKEN, "head's size must be a multiple of 16 up to 128 .* it is 72"),
        ({}, 256, 256, 4, Dataflow.TOKEN, "head's size .* it is 256"),
        ({"nodes": 16}, 128, 256, 4, Dataflow.HEAD, "multiple of 256 .* split by head, it is 128"),
        ({"weight_bits": 4}, 128, 96, 4, Dataflow.TOKEN, "hidden size must be a multiple of 64 .* it is 96"),
        ({"inputs": 256}, 64, 512, 4, Dataflow.TOKEN, "up to 256 .* it is 512"),
        ({}, 64, 256, 0, Dataflow.TOKEN, "cache must hold a token, it holds 0"),
        ({"memory_kib": 4}, 64, 256, 9000, Dataflow.TOKEN, "set memory_kib"),
        ({"compute": 0}, 64, 256, 9, Dataflow.TOKEN, "needs decode units"),
    ],
)
def test_refused(spec: dict[str, int], size: int, hidden: int, tokens: int, dataflow: Dataflow, message: str) -> None:
    x, head = random_head(size, hidden, tokens, 1)
    with pytest.raises(InputError, match=message):
        fused_decode(share(x, head, replace(SPEC, **spec), dataflow))


def test_a_group_split_by_head_is_refused() -> None:
    with pytest.raises(InputError, match="share keys and values need a split by token, there are 3"):
        share(*grouped_head(3, 64, 256, 4, 1), SPEC, Dataflow.HEAD)


def test_not_finite_is_refused() -> None:
    x, head = random_head(64, 256, 4, 1)
    with pytest.raises(InputError, match="decode: values must be finite"):
        share(x, Head(**{**vars(head), "values": head.values / 0}), SPEC)
