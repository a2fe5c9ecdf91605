"""Standardized mean differences of two groups (Yang & Dalton 2012, SAS Global Forum 335), absolute.

With weights the difference is that of weighted means or proportions, while the denominator stays that of the
unweighted groups, as in cobalt (Stuart 2008, Stat Med 27:2062): before and after weighting are then on one scale.
tableone divides by the weighted SD (kaz-yos/tableone issue 111). Without weights all agree.
"""

from __future__ import annotations

import numpy as np

from .summaries import mean_and_variance, shares

Sample = tuple[
    np.ndarray, np.ndarray | None
]  # values (or codes of levels) and weights, missing ones left out


def difference_of_numbers(first: Sample, second: Sample) -> float:
    """|difference of means| / root of the mean of both variances.

    0 where both groups have one and the same value, infinite where each has another, NaN where a group has
    fewer than two rows.
    """
    difference = mean_and_variance(*first)[0] - mean_and_variance(*second)[0]
    spread = (mean_and_variance(first[0], None)[1] + mean_and_variance(second[0], None)[1]) / 2
    if np.isnan(spread):
        return float("nan")
    if spread == 0:
        return 0.0 if difference == 0 else float("inf")
    return float(abs(difference) / np.sqrt(spread))


def difference_of_levels(first: Sample, second: Sample, n_levels: int) -> float:
    """Mahalanobis distance of the proportions of all levels but the first: Yang & Dalton (2012), equation 3.

    Infinite where no level, or no mixture of levels, that tells the groups apart varies within them; NaN where
    a group has no rows.
    """
    if len(first[0]) == 0 or len(second[0]) == 0:
        return float("nan")
    codes_and_weights = (first, second)
    means = [shares(codes, n_levels, w)[1:] for codes, w in codes_and_weights]
    plain = [shares(codes, n_levels, None)[1:] for codes, _ in codes_and_weights]
    covariance = np.mean([np.diag(p) - np.outer(p, p) for p in plain], axis=0)
    variances, axes = np.linalg.eigh(covariance)
    along = axes.T @ (means[0] - means[1])
    varies = variances > 1e-12
    if (np.abs(along[~varies]) > 1e-9).any():
        return float("inf")
    return float(np.sqrt((along[varies] ** 2 / variances[varies]).sum()))
