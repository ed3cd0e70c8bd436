"""Attention over a selection: every rule against the model that decides for one token, and bytes against formulae."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv import decoder
from golden.kv.decoded_clusters import GrowingTable, clusters, spec_of
from golden.kv.decoded_scan import scan
from golden.kv.decoder import Always, Layer, SelectedAttention, Selection, attend, budget_of, channel_codes, head_codes
from golden.kv.hash_unit import project
from golden.kv.key_table import key_table, mean_unit, score_unit
from golden.kv.model import Options, retrieve
from golden.kv.quantise import CALIBRATION, Quantised, bucket_shifts, codes, scale_of
from golden.kv.ranking import best
from golden.kv.rules import exact_best, full, rule_named
from golden.kv.scan import ScanOptions, fold, select
from golden.llm.llama import full_attention

ALWAYS = Always(sink=3, window=5)
HEADS, GROUP, SIZE, TOKENS, ROWS = 2, 3, 16, 98, 7


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded tokens are worked on three at a time, so that a few of them cross borders."""
    monkeypatch.setattr(decoder, "ROWS", 3)


def step(seed: int, *, tokens: int = TOKENS, rows: int = ROWS, keys: Tensor | None = None) -> Layer:
    """Keys around a few anchors, one channel far larger than the others."""
    g = torch.Generator().manual_seed(seed)
    anchors = torch.randn(HEADS, 9, SIZE, generator=g)
    drawn = anchors[:, torch.randint(9, (tokens,), generator=g)] + 0.2 * torch.randn(HEADS, tokens, SIZE, generator=g)
    drawn[:, :, 2] *= 100
    return Layer(
        queries=torch.randn(HEADS, GROUP, rows, SIZE, generator=g),
        keys=drawn if keys is None else keys,
        scale=SIZE**-0.5,
    )


def test_the_best_and_their_ties() -> None:
    scores = torch.tensor([[2.0, 3, 1, 3, 2, 2], [0, 0, 0, 0, 0, -torch.inf]])
    kept = torch.zeros(2, 6, dtype=torch.bool)
    kept[:, 2] = True
    expected = {0: "001000 001000", 1: "001000 001000", 2: "011000 101000", 4: "111100 111100", 5: "111110 111110"}
    for count, names in expected.items():
        found = best(scores, kept, torch.tensor([count, count]))
        assert " ".join("".join(str(int(b)) for b in row) for row in found) == names


def test_always() -> None:
    """Three first, five latest, the decoded token among them; nothing beyond it."""
    mask = ALWAYS.mask(torch.tensor([4, 12]), 14).int().tolist()
    assert mask == [[1, 1, 1, 1, *[0] * 10], [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]]


@pytest.mark.parametrize("rows", [1, ROWS, TOKENS])
def test_all_tokens_are_full_attention(rows: int, seed: int) -> None:
    layer = step(seed, rows=rows)
    queries, values = layer.queries.flatten(0, 1), torch.randn(HEADS, TOKENS, SIZE)
    expected = full_attention(0, queries, layer.keys, values)
    for name in ("full", "topk"):
        attention = SelectedAttention(rule=rule_named(name, 1.0), scale=layer.scale, exact=True, always=ALWAYS)
        torch.testing.assert_close(attention(0, queries, layer.keys, values), expected)
        assert attention.traffic.kept == 1


@pytest.mark.usefixtures("small_blocks")
def test_each_head_attends_to_what_is_chosen_for_it(seed: int) -> None:
    """Query heads g·h to g·h + g - 1 by what head h reads, written down token by token."""
    layer = step(seed)
    g = torch.Generator().manual_seed(seed)
    drawn = (torch.rand(HEADS, ROWS, TOKENS, generator=g) < 0.2) & layer.reach
    chosen = drawn | ALWAYS.mask(layer.ends, TOKENS)
    values = torch.randn(HEADS, TOKENS, SIZE, generator=g)
    found = Selection(chosen=chosen, keys=layer.keys, search_bytes=0, record_bytes=0)
    got = attend(layer.queries.flatten(0, 1), found, values, 0.01)
    for head, own, row in product(range(HEADS), range(GROUP), range(ROWS)):
        taken = chosen[head, row].nonzero().flatten()
        weights = torch.exp(layer.queries[head, own, row] @ layer.keys[head, taken].T * 0.01)
        expected = weights @ values[head, taken] / weights.sum()
        torch.testing.assert_close(got[head * GROUP + own, row], expected)


def test_all_tokens_in_codes(seed: int) -> None:
    """A scan of everything differs from full attention by what INT8 keys and values do."""
    layer = step(seed)
    layer.keys[:, :, 2] /= 100
    queries, values = layer.queries.flatten(0, 1), torch.randn(HEADS, TOKENS, SIZE)
    expected = full_attention(0, queries, layer.keys, values)
    scanned = SelectedAttention(rule=rule_named("scan", 1.0), scale=layer.scale, always=ALWAYS)
    error = (scanned(0, queries, layer.keys, values) - expected).norm() / expected.norm()
    assert 0 < error < 0.02


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("planes", [1, 2, 4, 7, 8])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
def test_scan(planes: int, share: float, seed: int) -> None:
    """For each decoded token what `golden.kv.scan` selects among those up to it, and the planes that it reads."""
    layer = step(seed)
    found = scan(layer, ALWAYS, share=share, planes=planes)
    whole, searched = channel_codes(layer, planes)
    keys = searched.codes
    assert torch.equal(found.keys, whole.codes * whole.scale)
    read = 0
    for head in range(HEADS):
        longest = int((keys[head] ** 2).sum(1).max())
        for row, end in enumerate(layer.ends.tolist()):
            folded, _ = fold(layer.queries[head, :, row], searched.scale[head, 0], layer.scale)
            options = ScanOptions(budget=round(share * end), sink_tokens=3, window=5, planes=planes)
            one = select(folded, keys[head, :end], options, longest=longest, word_bytes=64)
            assert found.chosen[head, row].nonzero().flatten().tolist() == one.tokens.tolist()
            read += one.plane_bytes
            if planes == 8:  # what is read of records less what is counted for them: keys are known by then
                read += one.record_bytes - 2 * SIZE * len(one.tokens)
    assert found.search_bytes == read


def test_scan_of_equal_keys() -> None:
    """Ties go to the earliest: the sinks, what follows them, and the window."""
    layer = step(1, rows=1, keys=torch.ones(HEADS, TOKENS, SIZE))
    for planes in (3, 8):
        chosen = scan(layer, ALWAYS, share=0.2, planes=planes).chosen
        assert chosen[0, 0].nonzero().flatten().tolist() == [*range(15), *range(93, 98)]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("paged", [False, True])
def test_clusters(paged: bool, seed: int) -> None:
    """Each decoded token's clusters are those that the engine's model selects when it holds the tokens up to it."""
    layer = step(seed)
    found = clusters(layer, ALWAYS, code=300, paged=paged)
    spec = spec_of(HEADS, SIZE)
    arranged = head_codes(layer).codes.transpose(0, 1)
    search = 0
    for row, end in enumerate(layer.ends.tolist()):
        queries = codes(layer.queries[:, :, row], scale_of(layer.queries[:, :, row], (2,))).transpose(0, 1)
        data = Quantised(
            keys=arranged[:end], values=arranged[:end], queries=queries, key_scale=torch.ones(HEADS),
            value_scale=torch.ones(end, HEADS), query_scale=torch.ones(GROUP, HEADS),
            offsets=project(arranged[:CALIBRATION], spec).double().mean(0).round().long(),
            shifts=bucket_shifts(queries, arranged, spec),
        )  # fmt: skip
        options = replace(Options.of(spec), wicsum_code=300, pages=paged, count_mode=paged)
        model = retrieve(data, spec, options)
        search += model.clustering.count * HEADS * (SIZE + 2)
        for head, one in enumerate(model.heads):
            expected = ALWAYS.mask(torch.tensor([end]), TOKENS)[0]
            expected[one.tokens] = True
            assert torch.equal(found.chosen[head, row], expected)
    assert found.search_bytes == search


def test_a_growing_table(seed: int) -> None:
    """Counts and scores of each decoded token by the table of the tokens up to it, in two steps."""
    g = torch.Generator().manual_seed(seed)
    keys, queries = (torch.randint(-127, 128, size, generator=g) for size in ((30, HEADS, SIZE), (HEADS, 3, 12, SIZE)))
    cluster = torch.arange(30).clip(max=20) % 11
    cluster[20:] = torch.tensor([11, 11, 3, 3, 12, 3, 13, 0, 13, 11])  # some are founded while tokens are decoded
    table = GrowingTable(keys, cluster, 18)
    for first, rows in ((18, 5), (23, 7)):
        own = queries[:, :, first - 18 : first - 18 + rows]
        scores, counts = table.scores(own)
        for row in range(rows):
            there = first + row + 1
            plain = key_table(keys[:there], cluster[:there], 14)
            assert torch.equal(counts[row], plain.counts)
            filled = plain.counts > 0
            means = mean_unit(plain.sums[filled], plain.counts[filled])
            for head in range(HEADS):
                assert torch.equal(scores[head, :, row][:, filled], score_unit(own[head, :, row], means[:, head]))
            assert (scores[:, :, row][:, :, ~filled] == scores[:, :, row, :1]).all()


def test_bytes(seed: int) -> None:
    """Of an INT8 key and value and the value's scale; all keys where the best are looked for."""
    layer = step(seed)
    attention = SelectedAttention(
        rule=lambda *arguments: exact_best(*arguments, share=0.3), scale=layer.scale, always=ALWAYS
    )
    attention(0, layer.queries.flatten(0, 1), layer.keys, torch.randn(HEADS, TOKENS, SIZE))
    traffic, ends = attention.traffic, layer.ends
    assert traffic.tokens == HEADS * int(ends.sum())
    assert traffic.chosen == HEADS * int(budget_of(0.3, ends).sum())
    assert traffic.full_bytes == traffic.tokens * 34
    assert traffic.search_bytes == traffic.tokens * 16
    assert traffic.record_bytes == traffic.chosen * 18
    assert traffic.read == (traffic.tokens * 16 + traffic.chosen * 18) / traffic.full_bytes


def test_scales_are_of_what_came_before() -> None:
    """A decoded key beyond the margin is clipped, one within it is not."""
    layer = step(1, rows=2)
    for codes_of in (lambda layer: channel_codes(layer)[0], lambda layer: channel_codes(layer, 2)[1], head_codes):
        before = codes_of(layer)
        layer.keys[:, -1] *= 10
        after = codes_of(layer)
        layer.keys[:, -1] /= 10
        assert torch.equal(before.scale, after.scale)
        assert torch.equal(before.codes[:, :-1], after.codes[:, :-1])
        assert int(after.codes.abs().max()) == 127


@pytest.mark.parametrize(
    ("name", "budget", "planes", "message"),
    [
        ("best", 0.1, 8, "a selection must be one of scan, resv, pages, topk, full, it is 'best'"),
        ("scan", 1.5, 8, "a budget of scan must lie in 0..1, it is 1.5"),
        ("scan", float("nan"), 8, "a budget of scan must lie in 0..1, it is nan"),
        ("resv", 0.0, 8, "a budget of resv must lie in 0.0009766..0.999, it is 0"),
        ("scan", 0.1, 0, "planes must lie in 1..8, and are a scan's, they are 0 for scan"),
        ("pages", 0.1, 4, "planes must lie in 1..8, and are a scan's, they are 4 for pages"),
    ],
)
def test_refused(name: str, budget: float, planes: int, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        rule_named(name, budget, planes)
    assert str(refusal.value) == message


def test_full_reads_keys_in_float(seed: int) -> None:
    layer = step(seed)
    found = full(layer, ALWAYS)
    assert isinstance(found, Selection)
    assert found.keys is layer.keys
    assert found.chosen.sum() == HEADS * layer.ends.sum()
