"""Balancing weights as functions of the propensity score, and weighted means with the influence of estimated weights.

Source: Li, Morgan & Zaslavsky (2018) J Am Stat Assoc 113:390; Stefanski & Boos (2002) Am Stat 56:29.
"""

from __future__ import annotations

import numpy as np


def balancing_weights(
    kind: str, treated: np.ndarray, score: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and their derivatives in the linear predictor of the propensity model; 0 for rows not `kept`.

    Source: Li, Morgan & Zaslavsky (2018), table 1.
    """
    e, other = score, 1 - score
    of_treated, of_untreated = {
        "ate": ((1 / e, -other / e), (1 / other, e / other)),
        "att": ((np.ones_like(e), np.zeros_like(e)), (e / other, e / other)),
        "overlap": ((other, -e * other), (e, e * other)),
    }[kind]
    weight, derivative = (
        np.where(kept, np.where(treated == 1, on, off), 0.0)
        for on, off in zip(of_treated, of_untreated, strict=True)
    )
    return weight, derivative


def weighted_means_by_treatment(
    y: np.ndarray,
    treated: np.ndarray,
    weight: np.ndarray,
    derivative: np.ndarray,
    X: np.ndarray,
    of_model: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means of y among untreated and treated (2,), and their influence (n, 2).

    psi_i = w_i (y_i - mean) / sum(w) + H psi_i of the propensity model, with H the derivative of the mean in its
    coefficients, sum_i w_i' (y_i - mean) x_i / sum(w) (Stefanski & Boos 2002).

    Parameters
    ----------
    weight, derivative : ndarray of float64, shape (n,)
        Of each row in the treatment it had, and the derivative in the linear predictor; 0 for rows left out.
    X, of_model : ndarray of float64, shape (n, p)
        Design matrix of the propensity model and influence on its coefficients.
    """
    means, influence = [], []
    for group in (0, 1):
        w = weight * (treated == group)
        if not w.any():
            raise ValueError("outcome: it is missing for everyone of one treatment")
        of_group = y[w > 0]
        # the mean of equal values is their value, whatever the rounding of sums
        mean = of_group[0] if np.ptp(of_group) == 0 else w @ y / w.sum()
        H = (derivative * (treated == group) * (y - mean)) @ X / w.sum()
        means.append(mean)
        influence.append(w * (y - mean) / w.sum() + of_model @ H)
    return np.array(means), np.column_stack(influence)
