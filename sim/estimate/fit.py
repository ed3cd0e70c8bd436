"""Least squares with coefficients that are not negative, and the error of such a fit on what it has not seen."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def fit(terms: Array, values: Array) -> Array:
    """Coefficients c ≥ 0 with the smallest mean squared relative error of terms · c.

    Args:
        terms: [samples, coefficients].
        values: [samples], all positive.
    """
    scaled, ones = terms / values[:, None], np.ones(len(values))
    best, least = np.zeros(terms.shape[1]), np.inf
    for count in range(1, terms.shape[1] + 1):
        for chosen in combinations(range(terms.shape[1]), count):
            found = np.linalg.lstsq(scaled[:, chosen], ones, rcond=None)[0]
            error = float(np.sum((scaled[:, chosen] @ found - 1) ** 2))
            if (found >= 0).all() and error < least - 1e-12:
                best, least = np.zeros(terms.shape[1]), error
                best[list(chosen)] = found
    return best


def errors(terms: Array, values: Array) -> tuple[float, float]:
    """Mean relative error of a fit on its own samples, and on each sample when it was fitted to the others alone."""
    own = np.abs(terms @ fit(terms, values) / values - 1).mean()
    others = [
        abs(terms[k] @ fit(np.delete(terms, k, 0), np.delete(values, k)) / values[k] - 1) for k in range(len(values))
    ]
    return float(own), float(np.mean(others))
