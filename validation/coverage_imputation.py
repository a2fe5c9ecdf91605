"""Coverage of a coefficient after multiple imputation; part of `coverage.py`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm, t
from tqdm import tqdm

from dermcohort.missing import impute
from dermcohort.missing.rubin import rubin

SLOPE = 0.5
DATA_SETS, ITERATIONS = 10, 3


def of_imputation(repeats: int) -> pd.DataFrame:
    """Simulated coverage of the slope of x, of which a third is missing, more often where y is high."""
    rng = np.random.default_rng(20261128)
    rows = []
    for n in (50, 200, 1000):
        held = []
        for _ in tqdm(range(repeats), desc=f"imputation, n = {n}", disable=None):
            data = _incomplete(rng, n)
            found = {"complete rows": _slope(data.dropna())}
            for name, method in (("norm", "norm"), ("matching", "pmm")):
                imputed = impute(
                    data,
                    m=DATA_SETS,
                    iterations=ITERATIONS,
                    seed=int(rng.integers(2**31)),
                    methods={"x": method, "z": method},
                    jobs=1,
                )
                slopes, variances, _ = np.array([_slope(d) for d in imputed.datasets]).T
                pooled = rubin(slopes[:, None], variances[:, None], n - 3)
                found[name] = float(pooled.estimate[0]), float(pooled.total[0]), float(pooled.df[0])
            covers = {
                f"{name}, t": abs(slope - SLOPE) <= t.ppf(0.975, df) * np.sqrt(variance)
                for name, (slope, variance, df) in found.items()
            }
            slope, variance, _ = found["norm"]
            covers["norm, normal quantile"] = abs(slope - SLOPE) <= norm.ppf(0.975) * np.sqrt(variance)
            held.append(covers)
        rows.append({"people": f"{n:,}", **100 * pd.DataFrame(held).mean()})
    return pd.DataFrame(rows)


def _incomplete(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Both x and z are missing at random: the chance depends on y, which everybody has."""
    z = rng.normal(size=n)
    x = 0.5 * z + rng.normal(size=n)
    y = SLOPE * x + 0.3 * z + rng.normal(size=n)
    data = pd.DataFrame({"x": x, "y": y, "z": z})
    data.loc[rng.uniform(size=n) < expit(-0.9 + 1.2 * y), "x"] = np.nan
    data.loc[rng.uniform(size=n) < expit(-2 - 0.5 * y), "z"] = np.nan
    return data


def _slope(data: pd.DataFrame) -> tuple[float, float, float]:
    """Slope of x in the regression of y on x and z, its variance and degrees of freedom."""
    X = np.column_stack([np.ones(len(data)), data["x"], data["z"]])
    y, df = data["y"].to_numpy(), len(data) - 3
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    residual = y - X @ beta
    return float(beta[1]), float(np.linalg.inv(X.T @ X)[1, 1] * (residual @ residual) / df), float(df)
