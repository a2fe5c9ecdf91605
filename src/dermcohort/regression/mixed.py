"""Logistic and Poisson regression with a random intercept: effects within groups, and how groups differ.

Source: Breslow & Clayton (1993) JASA 88:9; Pinheiro & Bates (1995) J Comp Graph Stat 4:12. Agrees with R's
`lme4::glmer` fitted with tight controls. The likelihood is in `random_intercept`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.polynomial.hermite import hermgauss
from scipy.special import betaln, gammaln

from ..design import Design, as_list, build_design, coefficient_table, sparse_notes, still_moving
from ..estimates import FittedModel
from ..groups import event_counts
from .between_groups import few_groups_notes, intercept_variation, variation_note
from .correlated import (
    linear_predictor,
    rarer_outcome,
    read_outcome,
    require_groups,
    require_variation,
    sort_by_group,
)
from .families import FAMILIES, LOGIT, POISSON, Canonical
from .maximize import maximize
from .random_intercept import RandomInterceptData, RandomInterceptFit, fit_random_intercept

MOST_NODES = 100


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MixedFit(FittedModel):
    """Effects within groups in `.table`; all coefficients on the scale of the link in `.coefficients`.

    `.random_sd` is the standard deviation of the intercepts of groups. `.variation` says what it means, with
    intervals: the random SD; for a logistic model the ICC on the latent scale, sd^2 / (sd^2 + pi^2 / 3); the
    median odds or rate ratio between two groups drawn at random, exp(sd sqrt(2) z(0.75)) (Larsen & Merlo 2005,
    Am J Epidemiol 161:81). Its `p_value` is that of the likelihood ratio test of no difference between groups,
    half chi-squared of 1 degree of freedom, half 0 (Self & Liang 1987, JASA 82:605).
    """

    family: str
    groups: tuple[str, ...]
    random_sd: float
    variation: pd.DataFrame
    offset: str | None = None
    quadrature: int = 1

    def predict(self, newdata: pd.DataFrame, kind: str = "marginal") -> pd.Series:
        """Expected outcome (probability, count) of each row of `newdata`; NaN where a variable is missing.

        `kind` is "marginal", the mean over all groups, which is what to compare with the data; or "conditional",
        in a group whose intercept is average.
        """
        if kind not in ("marginal", "conditional"):
            raise ValueError(f"predict: kind='{kind}' is unknown; choose marginal or conditional")
        linear = linear_predictor(self._new_matrix(newdata), self.coefficients, newdata, self.offset)
        mean = FAMILIES[self.family].mean
        if kind == "conditional":
            expected = mean(linear)
        else:
            z, weight = hermgauss(30)
            shift = 2**0.5 * self.random_sd * z
            expected = sum(w * mean(linear + s) for s, w in zip(shift, weight / np.pi**0.5, strict=True))
        return pd.Series(expected, index=newdata.index, name="mean")


def mixed_logistic(
    formula: str,
    data: pd.DataFrame,
    *,
    groups: str | Sequence[str],
    quadrature: int = 1,
    trials: str | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> MixedFit:
    """Logistic regression with a random intercept of groups, by maximum likelihood.

    Parameters
    ----------
    formula : str
        ``"eczema ~ age + sex"``; the outcome is 0/1, bool, a category of two levels, or a count with `trials`.
    data : DataFrame
        One row a person, visit or (with `trials`) a set of people alike. Rows with a missing value in a variable
        used are left out and counted.
    groups : str or list of str
        Column or columns that name the group of a row.
    quadrature : int
        Nodes of adaptive Gauss-Hermite quadrature. 1 is Laplace's approximation, good in large groups; 7 or more
        for groups of few rows.
    trials : str, optional
        Column of the number of people of each row, the outcome being how many of them have the condition.
    offset : str, optional
        Column added to the linear predictor.
    conf_level : float
        Level of the Wald intervals; that of the random SD is made on the scale of its logarithm.

    Returns
    -------
    MixedFit
        Rows of `measure` "OR": odds ratios between people of the same group.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that never differs, a single group, outcomes that
        never differ within a group, or a covariate that separates the outcomes: no finite estimate exists.

    Examples
    --------
    >>> data = pd.DataFrame({"village": ["a", "b", "c", "d", "e"], "sick": [1, 6, 3, 9, 2], "seen": 20})
    >>> fit = mixed_logistic("sick ~ 1", data, groups="village", trials="seen", quadrature=15)
    >>> round(fit.random_sd, 3)
    0.751
    """
    return _fit(LOGIT, formula, data, groups, quadrature, trials, offset, conf_level)


def mixed_poisson(
    formula: str,
    data: pd.DataFrame,
    *,
    groups: str | Sequence[str],
    quadrature: int = 1,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> MixedFit:
    """Poisson regression with a random intercept of groups, by maximum likelihood.

    Parameters
    ----------
    formula : str
        ``"flares ~ treatment"``; the outcome is a count.
    data : DataFrame
        Rows with a missing value in a variable used are left out and counted.
    groups : str or list of str
        Column or columns that name the group of a row.
    quadrature : int
        Nodes of adaptive Gauss-Hermite quadrature; 1 is Laplace's approximation.
    offset : str, optional
        Column added to the linear predictor, such as the logarithm of person-years.
    conf_level : float
        Level of the Wald intervals; that of the random SD is made on the scale of its logarithm.

    Returns
    -------
    MixedFit
        Rows of `measure` "IRR".

    Raises
    ------
    ValueError
        For a formula that does not fit the data, negative counts, no event, a single group, or a covariate whose
        effect has no finite estimate.

    Examples
    --------
    >>> data = pd.DataFrame({"clinic": list("aabbccdd"), "flares": [2, 3, 9, 7, 1, 0, 4, 6]})
    >>> round(mixed_poisson("flares ~ 1", data, groups="clinic", quadrature=9).random_sd, 3)
    0.761
    """
    return _fit(POISSON, formula, data, groups, quadrature, None, offset, conf_level)


def _fit(
    family: Canonical,
    formula: str,
    data: pd.DataFrame,
    groups: str | Sequence[str],
    quadrature: int,
    trials: str | None,
    offset: str | None,
    conf_level: float,
) -> MixedFit:
    if not 1 <= quadrature <= MOST_NODES or quadrature != int(quadrature):
        raise ValueError(
            f"quadrature={quadrature} must be a whole number of nodes from 1 (Laplace) to {MOST_NODES}"
        )
    names = as_list(groups)
    frame = build_design(formula, data, others=[*names, *as_list(trials), *as_list(offset)])
    y, m = (read_outcome(frame, family), None) if trials is None else _grouped_outcome(frame, trials)
    codes = frame.codes(names)
    assert codes is not None
    order, grouping = sort_by_group(codes)
    require_groups(grouping, names)
    shift = frame.column_values(offset)
    rows = RandomInterceptData(
        family,
        frame.matrix[order],
        y[order],
        np.ones(len(y)) if m is None else m[order],
        np.zeros(len(y)) if shift is None else shift[order],
        grouping,
    )
    if family is LOGIT:
        _require_variation_within(rows, names)
    start = maximize(rows.X, rows.y / rows.trials, family, rows.trials, rows.offset)
    _require_finite(frame, still_moving(rows.X, start.last_step))
    fit = fit_random_intercept(rows, start, int(quadrature))

    p = len(frame.columns)
    variation = intercept_variation(family, fit, names, conf_level)
    table = coefficient_table(
        frame.columns,
        rows.X,
        fit.beta,
        fit.covariance[:p, :p],
        measure=family.measure,
        conf_level=conf_level,
        event=rows.y,
    )
    if m is not None and "n" in table:
        table["n"] = _people(frame, rows)
    return MixedFit(
        table=table,
        method=_method(family, names, int(quadrature)),
        n=len(y) if m is None else int(m.sum()),
        events=int(y.sum()),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *sparse_notes(rarer_outcome(family, rows.y, rows.trials), p - 1, None),
            *_notes(family, fit, rows, variation, names, int(quadrature), conf_level),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(fit.beta, frame.names, name="coef"),
        covariance=pd.DataFrame(fit.covariance[:p, :p], frame.names, frame.names),
        loglik=fit.loglik + _constant(family, rows),
        design=replace(frame, response=None),
        family=family.name,
        groups=tuple(names),
        random_sd=fit.sd,
        variation=variation,
        offset=offset,
        quadrature=int(quadrature),
    )


def _grouped_outcome(frame: Design, trials: str) -> tuple[np.ndarray, np.ndarray]:
    """Events and people of each row."""
    assert frame.response is not None
    name = str(frame.response.name)
    y, m = event_counts(frame.response, name), frame.column_values(trials)
    assert m is not None
    if not (m >= 1).all() or (m != np.round(m)).any():
        raise ValueError(f"trials: '{trials}' must be whole numbers of 1 or more")
    if (y > m).any() or (y != np.round(y)).any():
        raise ValueError(
            f"'{name}' must be whole numbers that do not exceed '{trials}': {(y > m).sum()} rows do"
        )
    require_variation(y, m, name, LOGIT)
    return y, m


def _require_variation_within(rows: RandomInterceptData, names: Sequence[str]) -> None:
    events, people = rows.grouping.totals(rows.y), rows.grouping.totals(rows.trials)
    if ((events == 0) | (events == people)).all():
        raise ValueError(
            f"groups: the outcome is the same in all rows of every group of '{', '.join(names)}': the variation "
            "between groups has no finite estimate"
        )


def _require_finite(frame: Design, unbounded: np.ndarray) -> None:
    if unbounded.any():
        which = ", ".join(column.name for column, flag in zip(frame.columns, unbounded, strict=True) if flag)
        raise ValueError(
            f"separation: the outcome is determined by {which}, whose effect has no finite estimate; combine "
            "levels or leave it out"
        )


def _people(frame: Design, rows: RandomInterceptData) -> pd.Series:
    """People of each row of the table, where a row of data stands for several: counted as events are."""
    p = len(frame.columns)
    return coefficient_table(
        frame.columns, rows.X, np.zeros(p), np.eye(p), measure="OR", conf_level=0.95, event=rows.trials
    )["events"]


def _constant(family: Canonical, rows: RandomInterceptData) -> float:
    """What the log-likelihood has that does not depend on the parameters."""
    y, m = rows.y, rows.trials
    if family is POISSON:
        return float(-np.sum(gammaln(y + 1)))
    return float(np.sum(-np.log(m + 1) - betaln(y + 1, m - y + 1)))


def _method(family: Canonical, names: Sequence[str], quadrature: int) -> str:
    kind = "Odds ratios by logistic" if family is LOGIT else "Rate ratios by Poisson"
    how = (
        "Laplace's approximation"
        if quadrature == 1
        else f"adaptive Gauss-Hermite quadrature, {quadrature} nodes"
    )
    return (
        f"{kind} regression with a random intercept by {' and '.join(names)} (maximum likelihood; {how}), "
        "Wald intervals; effects are those within a group."
    )


def _notes(
    family: Canonical,
    fit: RandomInterceptFit,
    rows: RandomInterceptData,
    variation: pd.DataFrame,
    names: Sequence[str],
    quadrature: int,
    conf_level: float,
) -> list[str]:
    notes = [*few_groups_notes(rows.grouping), variation_note(variation, names, conf_level)]
    rows_a_group = float(np.median(rows.grouping.totals(rows.trials)))
    if quadrature == 1 and family is LOGIT and rows_a_group < 5 and fit.sd > 0:
        notes.append(
            f"Groups are small (median {rows_a_group:g}): Laplace's approximation is rough there, quadrature=9 "
            "is closer."
        )
    if not fit.converged:
        notes.append("The fit did not converge: do not use these estimates.")
    return notes
