"""Generalized estimating equations: effects in the population from rows that are correlated within groups.

Source: Liang & Zeger (1986) Biometrika 73:13; small samples Mancl & DeRouen (2001), Kauermann & Carroll (2001).
Agrees with R's `geepack::geeglm` (moments without a correction of degrees of freedom). The mathematics is in
`estimating_equations` and `working_correlation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..design import (
    Design,
    as_list,
    build_design,
    coefficient_table,
    sparse_notes,
    still_moving,
    undefined_notes,
)
from ..estimates import FittedModel
from ..wording import suggest
from .correlated import (
    Grouping,
    linear_predictor,
    rarer_outcome,
    read_outcome,
    require_groups,
    require_residual,
    sort_by_group,
)
from .estimating_equations import (
    SMALL_SAMPLE,
    GeeSolution,
    naive_information,
    robust_covariance,
    solve_estimating_equations,
)
from .families import GAUSSIAN, LOGIT, POISSON, Canonical
from .fit_notes import pure_cells
from .maximize import maximize
from .working_correlation import STRUCTURES, Autoregressive, Unstructured, WorkingCorrelation

FAMILIES = {"binomial": LOGIT, "poisson": POISSON, "gaussian": GAUSSIAN}
GRID_LIMIT = 2e8
MEASURE = {"OR": "Odds ratios", "IRR": "Rate ratios", "difference": "Differences of means"}
FAMILY_WORDS = {
    "OR": "binomial family, logit link",
    "IRR": "Poisson family, log link",
    "difference": "Gaussian family, identity link",
}
CORRECTION = {
    "mancl-derouen": "Mancl and DeRouen (2001)",
    "kauermann-carroll": "Kauermann and Carroll (2001)",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GeeFit(FittedModel):
    """Effects in `.table`; all coefficients on the scale of the link in `.coefficients`.

    `.correlation_parameter` is alpha, 0 under independence, or the matrix of correlations between waves of the
    unstructured; `.scale` the mean square of the Pearson residuals; `.qic` the quasi-likelihood criterion of Pan
    (2001, Biometrics 57:120), smaller being better. `.loglik` is the quasi-likelihood under independence: these
    equations have no likelihood.
    """

    family: str
    correlation: str
    correlation_parameter: float | pd.DataFrame
    scale: float
    qic: float
    offset: str | None = None

    def predict(self, newdata: pd.DataFrame) -> pd.Series:
        """Mean of the outcome (probability, expected count) of each row of `newdata`; NaN where one is missing."""
        linear = linear_predictor(self._new_matrix(newdata), self.coefficients, newdata, self.offset)
        return pd.Series(FAMILIES[self.family].mean(linear), index=newdata.index, name="mean")


def gee(
    formula: str,
    data: pd.DataFrame,
    *,
    groups: str | Sequence[str],
    family: str = "binomial",
    correlation: str = "exchangeable",
    waves: str | None = None,
    offset: str | None = None,
    small_sample: str | None = None,
    conf_level: float = 0.95,
) -> GeeFit:
    """Regression for the population mean, with a working correlation within groups and a robust variance.

    Parameters
    ----------
    formula : str
        ``"eczema ~ age + sex"``.
    data : DataFrame
        One row a visit or person, in any order. Rows with a missing value in a variable used are left out and
        counted.
    groups : str or list of str
        Column or columns that name the person, household or site whose rows may be correlated.
    family : {"binomial", "poisson", "gaussian"}
        With logit, log and identity link: odds ratios, rate ratios, differences.
    correlation : {"exchangeable", "independence", "ar1", "unstructured"}
        Working correlation. The estimates hold whichever is chosen; the right one makes them precise.
    waves : str, optional
        Column of whole numbers: the position in time of a row within its group, for ar1 (correlation
        alpha^lag) and unstructured. Where not given, the order of the complete rows.
    offset : str, optional
        Column added to the linear predictor, such as the logarithm of person-years.
    small_sample : {"mancl-derouen", "kauermann-carroll"}, optional
        Correct the robust variance for few groups; intervals are then Student's, with as many degrees of
        freedom as groups less coefficients.
    conf_level : float
        Level of the Wald intervals.

    Returns
    -------
    GeeFit
        Rows of `measure` "OR", "IRR" or "difference", a row for each reference level.

    Raises
    ------
    ValueError
        For a formula that does not fit the data, an outcome that does not fit the family or never differs, a
        single group, waves that are no whole numbers or occur twice in a group.

    Examples
    --------
    Two people without an event, two with one of two visits, one with both: without covariates the odds are
    those of 4 events among 10 rows.

    >>> data = pd.DataFrame({"person": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], "itch": [0, 0, 0, 0, 1, 0, 0, 1, 1, 1]})
    >>> fit = gee("itch ~ 1", data, groups="person")
    >>> round(float(fit.coefficients["Intercept"]), 4), round(fit.correlation_parameter, 4)
    (-0.4055, 0.1667)
    """
    _require_choice("family", family, FAMILIES)
    _require_choice("correlation", correlation, STRUCTURES)
    if small_sample is not None:
        _require_choice("small_sample", small_sample, SMALL_SAMPLE)
    model = FAMILIES[family]
    names = as_list(groups)
    frame = build_design(formula, data, others=[*names, *as_list(waves), *as_list(offset)])
    y = read_outcome(frame, model)
    codes = frame.codes(names)
    assert codes is not None
    order, grouping = sort_by_group(codes, _whole_waves(frame, waves))
    require_groups(grouping, names)
    _require_one_row_a_wave(grouping, waves)
    df = grouping.n_groups - len(frame.columns) if small_sample else np.inf
    if df < 1:
        raise ValueError(
            f"small_sample needs more groups ({grouping.n_groups}) than coefficients ({len(frame.columns)})"
        )
    shift = frame.column_values(offset)
    X, y, shift = frame.matrix[order], y[order], np.zeros(len(y)) if shift is None else shift[order]

    start = maximize(X, y, model, np.ones(len(y)), shift)
    if model is GAUSSIAN:
        require_residual(y - X @ start.coefficients - shift, y)
    structure = STRUCTURES[correlation](grouping)
    solution = solve_estimating_equations(model, X, y, shift, start.coefficients, structure, grouping)
    covariance = robust_covariance(solution, grouping, small_sample)
    quasi = _quasi_likelihood(model, y, solution.eta)
    unbounded = still_moving(X, start.last_step)

    event = None if model is GAUSSIAN else y
    table = coefficient_table(
        frame.columns,
        X,
        solution.beta,
        covariance,
        measure=model.measure,
        conf_level=conf_level,
        event=event,
        unbounded=unbounded,
        df=np.full(len(frame.columns), df) if small_sample else None,
        ratio=model is not GAUSSIAN,
    )
    return GeeFit(
        table=table,
        method=_method(model, correlation, names, small_sample),
        n=len(y),
        events=None if event is None else int(event.sum()),
        n_missing=frame.n_missing,
        notes=(
            *frame.notes,
            *_thin_notes(frame, model, y, grouping, small_sample),
            *_separation(frame, X, y, unbounded, is_binary=model is LOGIT),
            *_notes(frame, solution, structure, unbounded, waves),
            *undefined_notes(table),
        ),
        conf_level=conf_level,
        coefficients=pd.Series(solution.beta, frame.names, name="coef"),
        covariance=pd.DataFrame(covariance, frame.names, frame.names),
        loglik=quasi,
        robust="GEE",
        design=replace(frame, response=None),
        family=family,
        correlation=correlation,
        correlation_parameter=_parameter(solution, structure, grouping, frame, waves),
        scale=solution.scale,
        qic=_qic(quasi, naive_information(model, X, y, start.eta), covariance),
        offset=offset,
    )


def _qic(quasi: float, information: np.ndarray, covariance: np.ndarray) -> float:
    """-2 Q + 2 trace(Omega_I V): Pan (2001), with the naive information Omega_I of the independence model."""
    return float(-2 * quasi + 2 * np.trace(information @ covariance))


def _quasi_likelihood(family: Canonical, y: np.ndarray, eta: np.ndarray) -> float:
    if family is GAUSSIAN:
        return float(-np.sum((y - eta) ** 2) / 2)
    return float(np.sum(y * eta - family.cumulant(eta)))


def _require_choice(argument: str, value: str, options: Sequence[str] | dict) -> None:
    if value not in options:
        raise ValueError(
            f"{argument}='{value}' is unknown; choose one of {', '.join(options)}.{suggest(value, options)}"
        )


def _whole_waves(frame: Design, waves: str | None) -> np.ndarray | None:
    values = frame.column_values(waves)
    if values is None:
        return None
    if not (np.isfinite(values) & (values == np.round(values))).all():
        raise ValueError(f"waves: '{waves}' must be whole numbers, the positions of rows within a group")
    return values.astype(np.int64)


def _require_one_row_a_wave(grouping: Grouping, waves: str | None) -> None:
    twice = (grouping.code[1:] == grouping.code[:-1]) & (grouping.wave[1:] == grouping.wave[:-1])
    if twice.any():
        raise ValueError(
            f"waves: {int(twice.sum()):,} rows have the same '{waves}' as another row of their group; "
            "each position may occur once in a group"
        )
    n_waves = int(grouping.wave.max()) + 1
    if waves is not None and grouping.n_groups * n_waves > GRID_LIMIT:
        raise ValueError(
            f"waves: '{waves}' spans {n_waves:,} positions; number the visits (0, 1, 2 ...) instead of dates"
        )


def _parameter(
    solution: GeeSolution,
    structure: WorkingCorrelation,
    grouping: Grouping,
    frame: Design,
    waves: str | None,
) -> float | pd.DataFrame:
    if not isinstance(structure, Unstructured):
        return float(solution.alpha)
    first = 1 if waves is None else int(frame.frame[waves].min())
    labels = [str(wave + first) for wave in structure.waves]
    return pd.DataFrame(solution.alpha, labels, labels)


def _method(family: Canonical, correlation: str, groups: Sequence[str], small_sample: str | None) -> str:
    word = {"ar1": "AR(1)"}.get(correlation, correlation)
    text = (
        f"{MEASURE[family.measure]} by generalized estimating equations ({FAMILY_WORDS[family.measure]}; {word} "
        f"working correlation within {' and '.join(groups)}), Wald intervals with robust variance"
    )
    if small_sample is None:
        return f"{text}."
    return f"{text} corrected for small samples after {CORRECTION[small_sample]}, Student's t."


def _thin_notes(
    frame: Design, family: Canonical, y: np.ndarray, grouping: Grouping, small_sample: str | None
) -> tuple[str, ...]:
    n_groups = None if small_sample else grouping.n_groups
    rarer = None if family is GAUSSIAN else rarer_outcome(family, y, np.ones(len(y)))
    remedy = "small_sample='mancl-derouen' corrects for this."
    return sparse_notes(rarer, len(frame.columns) - 1, n_groups, remedy)


def _separation(
    frame: Design, X: np.ndarray, y: np.ndarray, unbounded: np.ndarray, *, is_binary: bool
) -> list[str]:
    if not unbounded.any():
        return []
    which = ", ".join(column.name for column, flag in zip(frame.columns, unbounded, strict=True) if flag)
    cells = pure_cells(frame.columns, X, y, unbounded, is_binary=is_binary)
    return [
        f"Separation: the outcome is determined by {which}, whose effect has no finite estimate{cells}. Combine levels."
    ]


def _notes(
    frame: Design,
    solution: GeeSolution,
    structure: WorkingCorrelation,
    unbounded: np.ndarray,
    waves: str | None,
) -> list[str]:
    notes = []
    ordered = isinstance(structure, Autoregressive | Unstructured)
    if ordered and waves is None and len(frame.frame) < frame.n_rows:
        notes.append(
            "Rows left out move the later rows of their group forward: give waves= to keep their positions."
        )
    if isinstance(structure, Unstructured) and (structure.n_pairs == 0).any():
        notes.append("Some waves never occur together in a group: their correlation is taken as 0.")
    if not (solution.converged or unbounded.any()):
        notes.append("The fit did not converge: do not use these estimates.")
    if solution.impossible:
        notes.append(
            "The working correlation that was estimated is not one that data can have (not positive definite) and "
            "was drawn towards independence: choose a simpler one."
        )
    return notes
