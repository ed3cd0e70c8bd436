"""A model's layer: against what the model recorded, in 8 and 4 bits, and refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.cluster.dataflows import attend, attended, turned
from golden.cluster.real_layer import RealLayer, load_layer
from golden.cluster.spec import Dataflow, Spec
from golden.errors import InputError
from tests.golden.cluster.test_decode import decoded, error

SPEC = Spec(nodes=4, link_width=128, memory_kib=64)
CALIBRATING = range(48)  # of 64 hidden vectors; the error is that of others


def arrays(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """Two key-value heads of 16, three query heads each, hidden size 48."""
    rng = np.random.default_rng(2)
    sizes = {"attn_q": (96, 48), "attn_k": (32, 48), "attn_v": (32, 48), "attn_output": (48, 96), "hidden": (7, 48)}
    drawn = {name: rng.standard_normal(size).astype(np.float32) for name, size in sizes.items()}
    return {**drawn, "rope_base": np.array(500.0), "first_position": np.array(11), **changes}


def saved(folder: Path, **changes: np.ndarray) -> Path:
    np.savez(folder / "layer.npz", **arrays(**changes))
    return folder / "layer.npz"


def test_heads(tmp_path: Path) -> None:
    """All query heads of all key-value heads are the layer's attention, written down at once."""
    layer, raw = load_layer(saved(tmp_path), 16), arrays()
    assert (layer.key_heads, layer.group, layer.base, layer.first) == (2, 3, 500.0, 11)
    row = 6
    whole = sum(attend(layer.hidden[row], layer.head(number, row)) for number in range(2))
    x = torch.from_numpy(raw["hidden"])
    turns = torch.stack([(11 + k) * 500.0 ** (-torch.arange(8) / 8) for k in range(7)])
    q, k, v = ((x @ torch.from_numpy(raw[name]).T).unflatten(1, (-1, 16)) for name in ("attn_q", "attn_k", "attn_v"))
    q, k = turned(q, turns[:, None]), turned(k, turns[:, None])
    torch.testing.assert_close(layer.head(1, row).keys, k[:row, 1])
    scores = torch.einsum("hd,thd->ht", q[row], k.repeat_interleave(3, 1)) / 4
    seen = torch.einsum("ht,thd->hd", torch.softmax(scores, 1), v.repeat_interleave(3, 1))
    torch.testing.assert_close(whole, torch.from_numpy(raw["attn_output"]) @ seen.flatten(), rtol=1e-4, atol=1e-4)


def test_calibration(tmp_path: Path) -> None:
    """What the weights meet: hidden vectors, and for the output what the heads attend to."""
    layer = load_layer(saved(tmp_path), 16)
    known = layer.calibration(1, range(1, 4))
    assert known.hidden is not None
    assert known.attended is not None
    assert torch.equal(known.hidden, layer.hidden[1:4])
    torch.testing.assert_close(known.attended[2], attended(layer.hidden[3], layer.head(1, 3)).flatten())
    assert [part.shape for part in known.heads(3) if part is not None] == [(3, 16)] * 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attn_k": np.zeros((30, 48))}, "rows of attn_k must be a multiple of the head's size 16"),
        ({"attn_q": np.zeros((80, 48))}, "those of attn_q one of attn_k's, they are 32 and 80"),
        ({"attn_v": np.zeros((32, 40))}, "attn_v must be [32, 48], it is [32, 40]"),
        ({"hidden": np.zeros((0, 48))}, "hidden must be [1, 48], it is [0, 48]"),
        ({"hidden": np.zeros(48)}, "a layer's arrays must have 2 axes"),
        ({"attn_output": np.full((48, 96), np.nan)}, "attn_output must be finite numbers, not nan at [0, 0]"),
        ({"rope_base": np.array(0.0)}, "rope_base must exceed 1 and first_position reach 0, they are 0.0, 11.0"),
    ],
)
def test_refused(changes: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        load_layer(saved(tmp_path, **changes), 16)
    assert message in str(refusal.value)


def test_refused_tokens(tmp_path: Path) -> None:
    layer = load_layer(saved(tmp_path), 16)
    for number, row, message in (
        (2, 1, "--head must lie in 0..1, the layer has 2, it is 2"),
        (0, 7, "--query must lie in 0..6, the layer has 7, it is 7"),
        (0, 0, "--query must be at least 1 where the layer has no cache, it is 0"),
    ):
        with pytest.raises(InputError, match=message):
            layer.head(number, row)
    np.savez(tmp_path / "part.npz", attn_q=np.zeros((4, 4)))
    with pytest.raises(InputError, match="attn_k, attn_v, attn_output, hidden is missing"):
        load_layer(tmp_path / "part.npz")


@pytest.fixture(scope="module")
def recorded(real_data: Path) -> tuple[RealLayer, dict[str, torch.Tensor]]:
    """SmolLM2's layer 14, and its recorded keys, values and queries."""
    with np.load(real_data / "kv" / "smollm2_8k.npz") as data:
        own = data["layers"].tolist().index(14)
        parts = {name: torch.from_numpy(data[name][own].astype(np.float32)) for name in "KVQ"}
    return load_layer(real_data / "kv" / "smollm2_layer14.npz"), parts


def test_recorded_keys_and_queries(recorded: tuple[RealLayer, dict[str, torch.Tensor]]) -> None:
    layer, parts = recorded
    head = layer.head(1, 5)
    queries = turned(torch.stack([layer.hidden[5] @ query for query in head.queries]), head.angles)
    for got, expected in (
        (head.keys, parts["K"][1, 8128:8133]),
        (head.values, parts["V"][1, 8128:8133]),
        (queries, parts["Q"][3:6, 5]),
    ):
        assert error(got, expected) < 1e-3


@pytest.mark.slow
def test_errors_of_a_real_layer(recorded: tuple[RealLayer, dict[str, torch.Tensor]]) -> None:
    """After 1,000 real tokens, mean over the heads: 4-bit weights lose a third of their error when calibrated."""
    layer, parts = recorded
    found: dict[tuple[int, bool], float] = {}
    for bits in (8, 4):
        for calibrates in (False, True):
            errors = []
            for number in range(layer.key_heads):
                cache = parts["K"][number, 7128:8128], parts["V"][number, 7128:8128]
                known = layer.calibration(number, CALIBRATING, cache) if calibrates else None
                head, x = layer.head(number, 60, cache), layer.hidden[60]
                result = decoded(x, head, replace(SPEC, weight_bits=bits), Dataflow.TOKEN, known)
                errors.append(error(result, attend(x, head)))
            found[bits, calibrates] = sum(errors) / len(errors)
    assert found[8, True] < 0.05
    assert found[4, True] < 0.12
    assert found[4, True] < 0.75 * found[4, False]
