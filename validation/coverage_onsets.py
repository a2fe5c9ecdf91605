"""Coverage of a hazard ratio of onsets known to lie between two visits; part of `coverage.py`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from tqdm import tqdm

from dermcohort.regression.families import CLOGLOG
from dermcohort.regression.maximize import maximize
from dermcohort.survival.partial_likelihood import maximize_partial_likelihood, risk_sets
from dermcohort.survival.spline_hazard import SplineRows, maximize_spline_likelihood


def onsets_between_visits(
    rng: np.random.Generator, exposed: np.ndarray, apart: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bounds of onsets over ten years and the visit (1, 2, ...) that ends them; visits up to 30% off their date.

    Weibull hazards of shape 1.5, hazard ratio 2; `share` of the unexposed have an onset within ten years.
    """
    n = len(exposed)
    rate = -np.log1p(-share) * np.where(exposed, 2.0, 1.0)
    onset = 10 * (rng.exponential(size=n) / rate) ** (1 / 1.5)
    due = apart[:, None] * np.arange(1, 11)
    visits = np.where(due <= 10, due + apart[:, None] * rng.uniform(-0.3, 0, due.shape), np.inf)
    number = (visits < onset[:, None]).sum(axis=1)
    bounds = np.column_stack([np.zeros(n), visits, np.full(n, np.inf)])
    rows = np.arange(n)
    seen = np.isfinite(bounds[rows, number + 1])
    last = np.isfinite(visits).sum(axis=1)
    left = bounds[rows, np.where(seen, number, np.minimum(number, last))]
    return left, np.where(seen, bounds[rows, number + 1], np.inf), np.where(seen, number, last - 1)


def discrete_time(
    left: np.ndarray, right: np.ndarray, visit: np.ndarray, exposed: np.ndarray
) -> tuple[float, float]:
    """Log hazard ratio and variance by complementary log-log regression with a factor of the visit."""
    times = visit + 1
    row = np.repeat(np.arange(len(visit)), times)
    number = np.concatenate([np.arange(k) for k in times])
    event = (number == visit[row]) & np.isfinite(right[row])
    used = np.isin(number, number[event])  # a visit without an onset has no finite coefficient
    row, number, event = row[used], number[used], event[used]
    X = np.column_stack([number[:, None] == np.unique(number), exposed[row]]).astype(float)
    fit = maximize(X, event.astype(float), CLOGLOG, np.ones(len(row)), np.zeros(len(row)))
    return float(fit.coefficients[-1]), float(fit.bread[-1, -1])


def of_onsets(repeats: int) -> pd.DataFrame:
    """Bias of the log hazard ratio and coverage, by what is taken as the time of an onset seen at a visit."""
    rng = np.random.default_rng(20261127)
    exposed = (np.arange(600) % 2).astype(bool)
    truth, z = np.log(2), norm.ppf(0.975)
    rows = []
    for visits, apart in {
        "every 2 years": np.full(600, 2.0),
        "every 5 years": np.full(600, 5.0),
        "exposed every 2, others every 5 years": np.where(exposed, 2.0, 5.0),
    }.items():
        for share in (0.1, 0.5):
            found: dict[str, list[tuple[float, float]]] = {}
            for _ in tqdm(range(repeats), desc=f"onsets, visits {visits}", disable=None):
                left, right, visit = onsets_between_visits(rng, exposed, apart, share)
                event = np.isfinite(right)
                end = np.where(event, right, left)
                one, none = np.ones(600), np.zeros(600)
                X = exposed[:, None].astype(float)
                for name, time in (
                    ("visit date", end),
                    ("midpoint", np.where(event, (left + end) / 2, left)),
                ):
                    sets = risk_sets(None, time, event.astype(float), np.zeros(600, np.int64), one, "efron")
                    cox = maximize_partial_likelihood(X, sets)
                    found.setdefault(f"Cox, {name}", []).append((cox.coefficients[0], cox.covariance[0, 0]))
                found.setdefault("discrete time", []).append(discrete_time(left, right, visit, exposed))
                middle = np.log((left + end) / 2)[event]
                fit = maximize_spline_likelihood(
                    SplineRows(left, right, none, X - 0.5, one, np.quantile(middle, [0, 0.5, 1]))
                ).optimum
                found.setdefault("interval_ph", []).append(
                    (fit.parameters[-1], fit.inverse_information[-1, -1])
                )
            for name, results in found.items():
                estimate, variance = np.array(results).T
                held = np.abs(estimate - truth) <= z * np.sqrt(variance)
                rows.append(
                    {
                        "visits": visits,
                        "onset, unexposed": f"{100 * share:g}%",
                        "method": name,
                        "hazard ratio": f"{np.exp(estimate.mean()):.2f}",
                        "coverage": 100 * held.mean(),
                    }
                )
    return pd.DataFrame(rows)
