"""Pooled prevalence: proportions of several studies, by a normal model of a transformed proportion or by the binomial one.

Sources: metafor 3.8, escalc(measure = "PLO", "PAS", "PFT") with rma, and rma.glmm(measure = "PLO"); Freeman & Tukey
(1950) Ann Math Stat 21:607; Miller (1978) Am Stat 32:138 (its inverse at the harmonic mean of n); Schwarzer et al.
(2019) Res Synth Methods 10:476 (why that inverse misleads).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from ..estimates import tidy
from ..meta.analysis import MetaAnalysis
from ..meta.door import check_method, study_frame
from ..meta.random_effects import Pool, inconsistency, pool_normal, symmetric_interval
from ..meta.words import heterogeneity, method_sentence, pool_notes
from ..wording import suggest
from .binomial_normal import fit_binomial_normal
from .intervals import wilson

TRANSFORMS = {
    "logit": "logit-transformed prevalence",
    "arcsine": "arcsine-transformed prevalence",
    "freeman-tukey": "double-arcsine-transformed (Freeman-Tukey) prevalence",
}


def pooled(
    cases: ArrayLike,
    n: ArrayLike,
    labels: Sequence[Any] | pd.Series | None = None,
    *,
    method: str = "DL",
    transform: str = "logit",
    hksj: bool = False,
    subgroup: Sequence[Any] | pd.Series | None = None,
    conf_level: float = 0.95,
) -> PooledPrevalence:
    """Pooled prevalence of several studies.

    Parameters
    ----------
    cases, n : array of int, one a study
        People with the condition, and people examined.
    labels : sequence, optional
        Names of the studies; "study 1", "study 2" ... otherwise.
    method : {"DL", "REML", "PM", "ML", "HE", "SJ", "EE", "GLMM"}
        Estimator of tau2 in the normal model; "EE" or "fixed" has none. "GLMM": binomial within studies, normal
        between them on the logit scale, by maximum likelihood. It needs no correction where a study has no case.
    transform : {"logit", "arcsine", "freeman-tukey"}
        Scale of the normal model. On the logit scale 1/2 is added to both counts of a study without cases or
        with cases only.
    hksj : bool
        Variance of Hartung, Knapp, Sidik and Jonkman, with t quantiles.
    subgroup : sequence, optional
        The subgroup of each study, for `.subgroups()` and the forest plot.
    conf_level : float

    Returns
    -------
    PooledPrevalence
        A `MetaAnalysis`: `estimate`, `conf_low`, `conf_high`, `prediction_interval` as proportions (0 to 1);
        `coef`, `std_error`, `tau2` on the transformed scale. The rows of the studies are their own proportions with
        Wilson intervals. Studies with a missing count are left out and counted. With "GLMM", Q is the
        likelihood-ratio test, and there are no weights and no intervals of tau2 and I2.

    Raises
    ------
    ValueError
        For counts that are not whole numbers with 0 <= cases <= n and n > 0; for "GLMM" where every study has no
        case or cases only: its likelihood has no maximum.

    Examples
    --------
    >>> found = pooled([12, 30, 9], [120, 200, 150], ["North", "South", "West"], method="GLMM")
    >>> found.table[["term", "estimate", "conf_low", "conf_high", "n", "events"]].round(3)
         term  estimate  conf_low  conf_high    n  events
    0   North     0.100     0.058      0.167  120      12
    1   South     0.150     0.107      0.206  200      30
    2    West     0.060     0.032      0.110  150       9
    3  pooled     0.101     0.065      0.155  470      51
    """
    method = check_method(method, hksj, conf_level, also=["GLMM"])
    if transform not in TRANSFORMS:
        raise ValueError(
            f"transform='{transform}' is unknown; choose one of {', '.join(TRANSFORMS)}."
            f"{suggest(transform, TRANSFORMS)}"
        )
    if method == "GLMM" and transform != "logit":
        raise ValueError(f"method='GLMM' works on the logit scale; leave out transform='{transform}'")
    columns = {"cases": cases, "n": n, "labels": labels, "subgroup": subgroup}
    studies, n_missing, notes = study_frame(columns, numeric=("cases", "n"))
    _check_counts(studies)
    x, size = studies["cases"].to_numpy(float), studies["n"].to_numpy(float)

    y, v = to_normal(x, size, transform)
    pool = (
        _pool_binomial(x, size, v, conf_level)
        if method == "GLMM"
        else pool_normal(y, v, method, hksj, conf_level)
    )

    low, high = wilson(x, size, conf_level)
    ends = from_normal(np.array([pool.coef, *pool.interval, *pool.prediction_interval]), size, transform)
    table = pd.DataFrame(
        {
            "term": [*studies["labels"], "pooled"],
            "measure": "prevalence",
            "estimate": [*x / size, ends[0]],
            "conf_low": [*low, ends[1]],
            "conf_high": [*high, ends[2]],
            "coef": [*y, pool.coef],
            "std_error": [*np.sqrt(v), pool.std_error],
            "n": [*size.astype(int), int(size.sum())],
            "events": [*x.astype(int), int(x.sum())],
        }
    )
    if method != "GLMM":
        table["weight"] = [*pool.weights, 100.0]
    if hksj:
        table["df"] = [np.nan] * len(x) + [pool.df]
    if subgroup is not None:
        table["subgroup"] = [*studies["subgroup"], None]
    return PooledPrevalence(
        table=tidy(table, ["subgroup"] if subgroup is not None else []),
        method=_sentence(len(x), method, transform, hksj, conf_level),
        n=int(size.sum()),
        events=int(x.sum()),
        n_missing=n_missing,
        notes=(*notes, *pool_notes(pool, method, hksj), *_count_notes(x, size, method, transform)),
        conf_level=conf_level,
        prediction_interval=(float(ends[3]), float(ends[4])),
        estimator=method,
        hksj=hksj,
        transform=transform,
        **heterogeneity(pool),
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PooledPrevalence(MetaAnalysis):
    """What `pooled` returns; `transform` names the scale of `coef`."""

    transform: str

    def _refit(self, keep: np.ndarray) -> PooledPrevalence:
        rows = self.studies[keep]
        return pooled(
            rows["events"],
            rows["n"],
            rows["term"],
            method=self.estimator,
            transform=self.transform,
            hksj=self.hksj,
            conf_level=self.conf_level,
        )

    def _reported(self, values: np.ndarray) -> np.ndarray:
        return from_normal(values, self.studies["n"].to_numpy(float), self.transform)


def to_normal(x: np.ndarray, n: np.ndarray, transform: str) -> tuple[np.ndarray, np.ndarray]:
    """Transformed proportions and their variances, as metafor::escalc(to = "only0")."""
    if transform == "arcsine":
        return np.arcsin(np.sqrt(x / n)), 1 / (4 * n)
    if transform == "freeman-tukey":
        return double_arcsine(x, n), 1 / (4 * n + 2)
    add = np.where((x == 0) | (x == n), 0.5, 0.0)
    x, n = x + add, n + 2 * add
    return logit(x / n), 1 / x + 1 / (n - x)


def from_normal(values: np.ndarray, n: np.ndarray, transform: str) -> np.ndarray:
    """Back to proportions, `n` being the sizes of the studies; values beyond those of 0 and 1 become 0 and 1."""
    if transform == "logit":
        return expit(values)
    if transform == "arcsine":
        return np.sin(np.clip(values, 0, np.pi / 2)) ** 2
    # Miller (1978), with the harmonic mean of n in place of n: metafor's transf.ipft.hm
    m = float(1 / np.mean(1 / n))
    at_none, at_all = double_arcsine(np.array([0.0, m]), m)
    inside = np.clip(values, at_none, at_all)
    sine = np.sin(2 * inside)
    root = np.sqrt(np.maximum(1 - (sine + (sine - 1 / sine) / m) ** 2, 0))
    proportion = (1 - np.sign(np.cos(2 * inside)) * root) / 2
    return np.where(values >= at_all, 1.0, np.where(values <= at_none, 0.0, proportion))


def double_arcsine(x: np.ndarray, n: np.ndarray | float) -> np.ndarray:
    """Freeman & Tukey (1950), halved as in metafor."""
    return (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))) / 2


def _pool_binomial(x: np.ndarray, n: np.ndarray, v: np.ndarray, conf_level: float) -> Pool:
    """The binomial-normal model; I2 and H2 with the typical variance of `v`, as rma.glmm."""
    if np.all((x == 0) | (x == n)):
        raise ValueError(
            "cases: every study has no case or cases only, so method='GLMM' has no maximum; pool with "
            "transform='freeman-tukey', or give the interval of the summed counts (prevalence.crude)"
        )
    fit = fit_binomial_normal(x, n)
    k, w = len(x), 1 / v
    # (k - 1) / tr(P), Higgins & Thompson (2002)
    typical_variance = (k - 1) / (w.sum() - (w**2).sum() / w.sum()) if k > 1 else np.nan
    spread = (fit.std_error**2 + fit.tau2) ** 0.5 if k > 1 else np.nan
    return Pool(
        coef=fit.mu,
        std_error=fit.std_error,
        usual_error=fit.std_error,
        df=np.inf,
        interval=symmetric_interval(fit.mu, fit.std_error, np.inf, conf_level),
        tau2=fit.tau2,
        tau2_interval=(np.nan, np.nan),
        I2=inconsistency(fit.tau2, typical_variance) if k > 1 else 0.0,
        I2_interval=(np.nan, np.nan),
        H2=fit.tau2 / typical_variance + 1 if k > 1 else 1.0,
        Q=fit.Q,
        Q_df=k - 1,
        prediction_interval=symmetric_interval(fit.mu, spread, np.inf, conf_level),
        weights=np.full(k, np.nan),
    )


def _check_counts(studies: pd.DataFrame) -> None:
    x, n = studies["cases"], studies["n"]
    for name, wrong, rule in (
        ("cases", x != np.floor(x), "must be whole numbers: counts, not percentages"),
        ("n", n != np.floor(n), "must be whole numbers: counts of people"),
        ("n", n <= 0, "must be above 0"),
        ("cases", x < 0, "must not be negative"),
        ("cases", x > n, "must not be above n"),
    ):
        if wrong.any():
            first = studies.loc[wrong, "labels"].iloc[0]
            raise ValueError(
                f"{name} {rule}; {int(wrong.sum())} of {len(studies)} are otherwise, first '{first}'"
            )


def _sentence(k: int, method: str, transform: str, hksj: bool, conf_level: float) -> str:
    if method != "GLMM":
        return method_sentence(TRANSFORMS[transform], k, method, hksj, conf_level)
    studies = "1 study" if k == 1 else f"{k} studies"
    return (
        f"Random-intercept logistic regression (binomial-normal model, maximum likelihood) of prevalence from {studies}, "
        f"normal {100 * conf_level:.4g}% confidence intervals; Q is the likelihood-ratio statistic."
    )


def _count_notes(x: np.ndarray, n: np.ndarray, method: str, transform: str) -> tuple[str, ...]:
    notes = []
    at_end = int(((x == 0) | (x == n)).sum())
    if at_end and method != "GLMM" and transform == "logit":
        count = f"1 study of {len(x)} has" if at_end == 1 else f"{at_end} of {len(x)} studies have"
        notes.append(f"{count} no case or cases only: 1/2 is added to both counts of such a study.")
        if at_end == len(x):
            notes.append(
                "No study has both people with and without the condition: the pooled prevalence rests on the added "
                "1/2 alone. Report the interval of the summed counts instead (prevalence.crude)."
            )
    if transform == "freeman-tukey":
        notes.append(
            f"Transformed back at the harmonic mean of n ({1 / np.mean(1 / n):.4g}): misleading where the sizes of studies "
            "differ much (Schwarzer et al. 2019); compare with method='GLMM'."
        )
    if transform != "logit" and method != "GLMM" and (not x.any() or (x == n).all()):
        notes.append(
            "No study has a case, or all have nothing else: the interval is narrower than an exact one of the sum."
        )
    return tuple(notes)
