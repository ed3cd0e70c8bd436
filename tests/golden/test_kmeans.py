"""k-means: exact where the book is large enough, better with every iteration, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from golden.kmeans import Book, build_book


def error(vectors: np.ndarray, weights: np.ndarray, book: Book) -> float:
    return float((weights * ((vectors - book.entries[book.index]) ** 2).sum(1)).sum())


@pytest.fixture
def vectors(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3000, 3)) * [1, 2, 0.1] + 100


def test_few_vectors_are_their_own_book(vectors: np.ndarray) -> None:
    some = vectors[:40].repeat(3, axis=0)
    book = build_book(some, np.ones(len(some)), 64, iterations=2)
    assert len(book.entries) == 40
    assert (book.entries[book.index] == some).all()


def test_refinement_lowers_the_error(vectors: np.ndarray, seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.1, 3, len(vectors))
    errors = [error(vectors, weights, build_book(vectors, weights, 50, iterations=n)) for n in (0, 1, 4, 12)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.7 * errors[0]


def test_every_vector_has_its_nearest_entry_and_every_entry_its_middle(vectors: np.ndarray) -> None:
    weights = np.ones(len(vectors))
    book = build_book(vectors, weights, 20, iterations=60)
    distances = ((vectors[:, None] - book.entries) ** 2).sum(-1)
    assert (distances[np.arange(len(vectors)), book.index] <= distances.min(1) + 1e-4).all()
    for k in range(20):
        assert np.allclose(vectors[book.index == k].mean(0), book.entries[k], atol=0.05)


def test_weights_draw_the_entries(vectors: np.ndarray) -> None:
    left = vectors[:, 1] < 100
    heavy = build_book(vectors, np.where(left, 1000.0, 1.0), 30, iterations=8)
    even = build_book(vectors, np.ones(len(vectors)), 30, iterations=8)
    assert error(vectors[left], np.ones(left.sum()), Book(entries=heavy.entries, index=heavy.index[left])) < error(
        vectors[left], np.ones(left.sum()), Book(entries=even.entries, index=even.index[left])
    )


def test_no_entry_is_idle(vectors: np.ndarray) -> None:
    clumped = np.concatenate([vectors[:2000] * 1e-6, vectors[2000:]])
    book = build_book(clumped, np.ones(len(clumped)), 200, iterations=10)
    assert len(np.unique(book.index)) > 190


def test_same_seed_same_book_and_progress(vectors: np.ndarray) -> None:
    calls: list[int] = []
    weights = np.ones(len(vectors))
    first = build_book(vectors, weights, 50, iterations=3, report=lambda: calls.append(1))
    again = build_book(vectors, weights, 50, iterations=3)
    other = build_book(vectors, weights, 50, iterations=3, seed=2)
    assert len(calls) == 4
    assert (first.entries == again.entries).all()
    assert (first.index == again.index).all()
    assert (first.entries != other.entries).any()


def test_vectors_without_columns() -> None:
    book = build_book(np.zeros((5, 0)), np.ones(5), 4, iterations=1)
    assert book.entries.shape == (1, 0)
    assert (book.index == 0).all()
