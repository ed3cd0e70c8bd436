"""Scan: the selection against plain sorting, ties, edges of the budget, and what it reads of a real cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from golden.errors import InputError
from golden.kv.quantise import centred, codes, scale_of
from golden.kv.scan import Scanner, ScanOptions, fold, select
from golden.kv.scan_scores import bucket_shift, middle, partial_scores, slack
from golden.kv.spec import FIRST_PLANES, SCAN_BUCKETS


def some_codes(rows: int, tokens: int, size: int, *, seed: int, spread: float = 40) -> tuple[Tensor, Tensor]:
    """Query and key codes [R, d], [T, d] around zero, keys with outliers."""
    g = torch.Generator().manual_seed(seed)

    def draw(count: int) -> Tensor:
        return (torch.randn(count, size, generator=g) * spread).round().clip(-127, 127).long()

    return draw(rows), draw(tokens)


def plainly(queries: Tensor, keys: Tensor, options: ScanOptions) -> list[int]:
    """The same selection by sorting all tokens, in Python's integers."""
    word = 512 // keys.shape[1]
    ends = sorted({*range(min(word, len(keys))), *range((len(keys) - 1) // word * word, len(keys))})
    reference = partial_scores(queries, keys[ends], options.first).max(1, keepdim=True).values
    unread = 8 - options.planes
    last = queries @ (keys >> unread << unread).T + middle(queries, options.planes)[:, None]
    joined = (last - reference).max(0).values.tolist()
    total = len(keys)
    always = {t for t in range(total) if t < options.sink_tokens or t >= total - options.window}
    others = sorted(set(range(total)) - always, key=lambda t: (-joined[t], t))
    return sorted([*always, *others[: max(min(options.budget, total) - len(always), 0)]])


@pytest.mark.parametrize(
    ("rows", "size", "tokens"), [(1, 64, 500), (3, 64, 333), (4, 80, 257), (8, 96, 100), (3, 128, 90), (1, 80, 1)]
)
@pytest.mark.parametrize("planes", [8, 4, 3, 1])
def test_equals_a_plain_sort(rows: int, size: int, tokens: int, planes: int, seed: int) -> None:
    queries, keys = some_codes(rows, tokens, size, seed=seed)
    for budget in (0, 1, tokens // 10, tokens // 2, tokens, 10 * tokens):
        for sink_tokens, window in ((0, 0), (4, 9)):
            options = ScanOptions(budget=budget, sink_tokens=sink_tokens, window=window, planes=planes)
            scan = select(queries, keys, options)
            assert scan.tokens.tolist() == plainly(queries, keys, options)
            kept_always = min(sink_tokens + window, tokens)
            assert len(set(scan.tokens.tolist())) == max(min(budget, tokens), kept_always)


@pytest.mark.parametrize("planes", [8, 3])
def test_ties_go_to_the_earliest(planes: int, seed: int) -> None:
    """All keys equal, and keys of few values."""
    queries, keys = some_codes(3, 300, 64, seed=seed)
    options = ScanOptions(budget=40, sink_tokens=3, window=5, planes=planes)
    assert select(queries, keys[:1].expand(300, -1), options).tokens.tolist() == [*range(35), *range(295, 300)]
    few = keys[torch.arange(300) % 4]
    assert select(queries, few, options).tokens.tolist() == plainly(queries, few, options)


def test_one_head_alone_is_top_k_of_the_scores(seed: int) -> None:
    queries, keys = some_codes(1, 400, 64, seed=seed)
    scores = (queries @ keys.T)[0]
    best = torch.argsort(-scores, stable=True)[:37]
    scan = select(queries, keys, ScanOptions(budget=37, sink_tokens=0, window=0))
    assert scan.tokens.tolist() == sorted(best.tolist())


def test_an_outlier_channel(seed: int) -> None:
    """One channel 100 times the rest: its scale goes into the query, and the selection stays that of attention."""
    g = torch.Generator().manual_seed(seed)
    keys = torch.randn(600, 64, generator=g)
    keys[:, 5] *= 100
    queries = torch.randn(1, 64, generator=g)
    queries[:, 5] /= 100  # as models have it: such a channel decides little
    scale = scale_of(keys, (0,))
    query_codes, _ = fold(queries, scale[0], 0.125)
    scan = select(query_codes, codes(keys, scale), ScanOptions(budget=60, sink_tokens=0, window=0))
    mass = torch.softmax(queries @ keys.T * 0.125, 1)
    best = mass.topk(60, 1).values.sum(1).mean()
    assert float(mass[:, scan.tokens].sum(1).mean()) > 0.99 * float(best)


def test_bounds_hold(seed: int) -> None:
    """No score is further from the last than `slack`, and the lowest bucket holds no more than its range."""
    queries, keys = some_codes(4, 500, 96, seed=seed, spread=90)
    last = partial_scores(queries, keys, 8)
    assert torch.equal(last, queries @ keys.T)
    for planes in range(1, 8):
        assert int((partial_scores(queries, keys, planes) - last).abs().max()) <= slack(queries, planes)
        options = ScanOptions(budget=9, planes=planes)
        shift = bucket_shift(queries, int((keys**2).sum(1).max()), options.first)
        scanner = Scanner(queries, keys, options, shift, 64)
        assert scanner.edge(0) <= int(scanner.joined.min())
        assert int(scanner.joined.max()) < scanner.edge(SCAN_BUCKETS)


@pytest.mark.parametrize("planes", [8, 4])
def test_top_p(planes: int, seed: int) -> None:
    """Whole buckets that hold more than the share, and no bucket more; never more than the budget."""
    queries, keys = some_codes(2, 800, 64, seed=seed)
    unit = 2e-4
    options = ScanOptions(budget=800, mass_code=922, sink_tokens=0, window=0, planes=planes)
    scan = select(queries, keys, options, unit=unit)
    scanner = Scanner(queries, keys, options, 0, 64)
    weight = torch.softmax(scanner.joined.double() * unit, 0)
    share = float(weight.sort(descending=True).values[: len(scan.tokens)].sum())
    assert 0.88 < share < 0.93
    fewer = select(queries, keys, replace(options, budget=100), unit=unit)
    assert len(fewer.tokens) == 100


def test_nothing_to_choose_reads_no_planes(seed: int) -> None:
    queries, keys = some_codes(2, 50, 64, seed=seed)
    for budget in (0, 80, 50, 200):
        scan = select(queries, keys, ScanOptions(budget=budget, sink_tokens=4, window=4))
        assert (scan.plane_bytes, scan.passes) == (0, ())
    assert len(select(queries, keys, ScanOptions(budget=0, sink_tokens=4, window=4)).tokens) == 8


@pytest.mark.parametrize(
    ("field", "value"), [("budget", -1), ("mass_code", 0), ("mass_code", 1025), ("planes", 0), ("planes", 9)]
)
def test_options_are_refused(field: str, value: int) -> None:
    with pytest.raises(InputError, match=f"a scan's {field} must lie in .*, it is {value}"):
        ScanOptions(**{"budget": 1, field: value})


def test_a_real_language_model(real_data: Path) -> None:
    """SmolLM2's nine heads at 8,192 tokens: exact at a budget of 10 % and cut after three planes."""
    file = np.load(real_data / "kv" / "smollm2_8k.npz")
    keys, queries = (torch.from_numpy(file[name].astype(np.float32)) for name in "KQ")
    scale = float(file["scale"])
    mass, read = {3: [], 8: []}, {3: [], 8: []}
    for layer in range(3):
        plain = centred(keys[layer], keys[layer])
        steps = scale_of(plain, (1,))
        for head, code in enumerate(codes(plain, steps)):
            for row in range(-1, -65, -9):
                there = int(file["q_pos"][row]) + 1
                group = queries[layer, 3 * head : 3 * head + 3, row]
                attention = torch.softmax(group @ keys[layer, head, :there].T * scale, 1)
                query_codes, _ = fold(group, steps[head, 0], scale)
                for planes, share in ((3, 0.112), (8, 0.1)):
                    scan = select(query_codes, code[:there], ScanOptions(budget=int(share * there), planes=planes))
                    mass[planes].append(float(attention[:, scan.tokens].sum(1).mean()))
                    read[planes].append(scan.bytes_read / (2 * 64 * there))
    assert sum(read[8]) / len(read[8]) <= 0.45
    assert sum(read[3]) / len(read[3]) <= 0.30
    assert sum(mass[3]) / len(mass[3]) >= 0.96
    assert FIRST_PLANES == 4
