"""The model against the float reference and on real keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from golden.kv.attention import quality
from golden.kv.keys import load_keys
from golden.kv.memory_image import build_memory_image, expected_records, query_blocks, records
from golden.kv.memory_map import HEADER, HEADER_BYTES, query_words
from golden.kv.model import Options, retrieve
from golden.kv.quantise import quantise
from golden.kv.reference import pages_by_bounds, top_k, wicsum
from golden.kv.spec import DEFAULT, TINY
from golden.kv.video import video_stream
from tests.golden.kv.streams import clustered


def test_gathered_records_are_the_selected_tokens(seed: int) -> None:
    data = clustered(TINY, 150, 6, seed=seed)
    result = retrieve(data, TINY, Options.of(TINY))
    for h, (head, rows) in enumerate(zip(result.heads, expected_records(result, data, TINY), strict=True)):
        wanted = head.selected[result.clustering.cluster].nonzero().flatten()
        assert sorted(head.tokens.tolist()) == wanted.tolist()
        for token, row in zip(head.tokens.tolist(), rows, strict=True):
            chunks = row.view(np.int8).reshape(TINY.chunks, 2, TINY.lanes)
            assert chunks[:, 0].flatten().tolist() == data.keys[token, h].tolist()
            assert chunks[:, 1].flatten().tolist() == data.values[token, h].tolist()


def test_image_layout(seed: int) -> None:
    data = clustered(TINY, 50, 6, seed=seed)
    image = build_memory_image(data, TINY, Options.of(TINY))
    header = {}
    place = 0
    bits = int.from_bytes(image.data[:HEADER_BYTES].tobytes(), "little")
    for field in HEADER:
        header[field.name] = bits >> place & (1 << field.width) - 1
        place += field.width
    assert place == HEADER_BYTES * 8
    assert (header["token_count"], header["query_blocks"], header["hamming_threshold"]) == (50, 2, 7)
    token = image.data[header["token_address"] :][: 50 * TINY.token_words * TINY.word_bytes]
    assert np.array_equal(token, records(data, TINY).reshape(-1))
    assert header["log_address"] == image.result_address == len(image.data)
    blocks = query_blocks(data, TINY)
    assert blocks.shape == (TINY.heads, 2, 1 + query_words(TINY), TINY.word_bytes)
    assert blocks[0, 1, 0, 0] == 0b0011, "the last block holds two of four rows"


def test_wicsum_reference_by_hand() -> None:
    """V-Rex, Figure 9: scores 11, 9, 8, 7 …; the shortest run beyond the threshold."""
    scores = torch.tensor([[9.0, 11.0, 7.0, 8.0, 0.0]])
    counts = torch.tensor([2.0, 1.0, 3.0, 1.0, 5.0])
    assert wicsum(scores, counts, 0.30, mapping="relu").tolist() == [[True, True, False, False, False]]
    assert wicsum(scores, counts, 0.60, mapping="relu").tolist() == [[True, True, False, True, False]]


def test_baselines_by_hand() -> None:
    scores = torch.tensor([[1.0, 3.0, 2.0]])
    assert top_k(scores, torch.tensor([2])).tolist() == [[False, True, True]]
    keys = torch.tensor([[1.0, -1.0], [-2.0, 3.0], [4.0, 0.0]])
    assert pages_by_bounds(torch.tensor([[1.0, -1.0]]), keys, 2).tolist() == [[2.0, 4.0]]


@pytest.mark.parametrize("layer", range(3))
@pytest.mark.parametrize("tokens", [4096, pytest.param(32768, marks=pytest.mark.slow)])
def test_video_like_stream_keeps_the_mass(tokens: int, layer: int, real_data: Path) -> None:
    """Correlation 0.95: a row keeps 95 % of the mass of exact top-k of its size and visits at most 25 % of scores."""
    files = load_keys(real_data / "kv" / "pydoc_small.npz")
    ratios, visited = [], []
    k, v = video_stream(files.K[layer], files.V[layer], tokens, correlation=0.95)
    q = files.Q[layer][:, :16]
    result = retrieve(quantise(k, v, q, DEFAULT, calibration=files.K[layer]), DEFAULT, Options.of(DEFAULT))
    for h, head in enumerate(result.heads):
        chosen = head.rows.selected[:, result.clustering.cluster]
        ratios.append(quality(q[h], k[h], v[h], files.scales[layer], chosen).relative_mass)
        visited.append(float(head.rows.visited.sum()) / head.scores.numel())
    assert sum(ratios) / len(ratios) >= 0.95
    assert sum(visited) / len(visited) <= 0.25


@pytest.mark.parametrize("tokens", [1024, 4096])
def test_text_keys_keep_what_was_measured(tokens: int, real_data: Path) -> None:
    """Text is not redundant: the honest figure, with a band that trips when it moves."""
    files = load_keys(real_data / "kv" / "pydoc_small.npz")
    ratios = []
    for layer in range(3):
        k, v, q = files.K[layer][:, :tokens], files.V[layer][:, :tokens], files.Q[layer][:, :16]
        result = retrieve(quantise(k, v, q, DEFAULT), DEFAULT, Options.of(DEFAULT))
        for h, head in enumerate(result.heads):
            chosen = head.rows.selected[:, result.clustering.cluster]
            ratios.append(quality(q[h], k[h], v[h], files.scales[layer], chosen).relative_mass)
    assert 0.94 <= sum(ratios) / len(ratios) <= 0.98
