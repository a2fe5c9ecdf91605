"""Interaction of two exposures in a fitted model, on the additive and the multiplicative scale.

The effects of each combination of the exposures are contrasts of the model's coefficients; the measures and their
intervals are computed in `additive`. The layout is that of Knol & VanderWeele (2012) Int J Epidemiol 41:514. Numbers as
R's epiR::epi.interaction (delta method) and interactionR (MOVER).
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from ..design import binary_outcome, level_text, still_moving
from ..estimates import Estimates, FittedModel, tidy
from ..survival.cox import CoxFit
from ..tables import format_interval, format_number, format_p, level_label
from ..wording import suggest
from . import additive
from .covariance import FittedRows
from .glm import GLMFit
from .maximize import maximize

RATIOS = ("OR", "PR", "IRR", "HR")
METHODS = {
    "delta": "the delta method, S and the ratio on the log scale (Hosmer & Lemeshow 1992)",
    "mover": "recovery of variances (MOVER, Zou 2008)",
    "bootstrap": "percentiles of a bootstrap (Assmann et al. 1996)",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Interaction(Estimates):
    """Measures of interaction in `.table`, the effects they are made of in `.joint`.

    Parameters
    ----------
    joint : DataFrame
        One row an effect: `comparison` ("joint", "a within b", "b within a"), the levels of both exposures, `measure`,
        `estimate`, `conf_low`, `conf_high`, `p_value`, and of the rows with those levels `n`, `events`, `non_events`.
    exposures : tuple of str
        The columns a and b.
    """

    joint: pd.DataFrame
    exposures: tuple[str, str]

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The effects as Knol & VanderWeele print them: a down, b across; the measures stand below the table."""
        return _crossed(self.joint, self.exposures, self.conf_level, labels or {})

    def _table_notes(self) -> list[str]:
        return [*_sentences(self.table), *super()._table_notes()]


def interaction(
    fit: FittedModel,
    a: str,
    b: str,
    *,
    ci: str = "delta",
    reference: tuple[Hashable, Hashable] | None = None,
    resamples: int = 1000,
    seed: int | None = None,
    conf_level: float | None = None,
) -> Interaction:
    """RERI, AP, S and the ratio of ratios of two exposures, with the effect of each combination.

    Parameters
    ----------
    fit : GLMFit or CoxFit
        A `logistic`, `log_binomial`, `modified_poisson`, `poisson` or `cox` fit whose formula has ``a * b``, each a
        category or a number of two values. Its covariance (robust, clustered, of a survey) is used as it is.
    a, b : str
        The exposures.
    ci : {"delta", "mover", "bootstrap"}
        Intervals of RERI, AP and S. "mover" keeps their asymmetry; "bootstrap" fits a GLM again on resampled rows, or
        clusters where the fit has them.
    reference : tuple, optional
        The level of a and of b all others are compared with; the model's own where not given. RERI, AP and S are meant
        for two exposures that both raise the risk, so it should be the combination of lowest risk (Knol et al. 2011).
    resamples : int
    seed : int, optional
        Of the bootstrap, which needs one.
    conf_level : float, optional
        That of the fit if not given.

    Returns
    -------
    Interaction
        Rows of `measure` "RERI", "AP", "S" and "ratio of ORs" (PRs, IRRs, HRs), for each level of a and of b beside the
        reference. A pair with a combination in which nobody (or, of odds ratios, everybody) has the outcome has no
        estimates. An S that is not positive has no interval.

    Raises
    ------
    ValueError
        If the model has no a:b, a term of a or b with another variable, or an outcome whose effects are no ratios; for
        an unknown `ci` or `reference`; or for estimates that were loaded from a file.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [1, 0, 1, 0, 1, 0, 1, 0], "smoke": [0, 0, 1, 1, 0, 0, 1, 1],
    ...                      "drink": [0, 0, 0, 0, 1, 1, 1, 1], "n": [3, 20, 8, 18, 6, 12, 225, 166]})
    >>> fit = logistic("case ~ smoke * drink", data.loc[data.index.repeat(data["n"])])
    >>> interaction(fit, "smoke", "drink").table[["measure", "estimate", "conf_low", "conf_high"]].round(2)
            measure  estimate  conf_low  conf_high
    0          RERI      3.74     -1.84       9.32
    1            AP      0.41     -0.07       0.90
    2             S      1.87      0.65       5.42
    3  ratio of ORs      0.91      0.15       5.42
    """
    measure = _check(fit, a, b, ci, seed)
    frame = fit.design
    conf_level = fit.conf_level if conf_level is None else conf_level
    levels = _levels(frame, a, b, reference)
    contrasts = _contrasts(fit, a, b, levels)
    cells = _cells(fit, a, b, levels)
    df = _smallest_df(fit, a, b)
    empty = _without_effect(cells, measure)

    effects = _Effects(fit.coefficients.to_numpy(), fit.covariance.to_numpy(), contrasts, empty, df)
    draws = None
    if ci == "bootstrap":
        assert isinstance(fit, GLMFit) and fit.rows is not None and seed is not None
        draws = _resampled(fit.rows, resamples, np.random.default_rng(seed))
    rows = []
    for i, j in itertools.product(range(1, len(levels[0])), range(1, len(levels[1]))):
        found = effects.measures(i, j, ci, draws, conf_level)
        rows += _rows(found, (a, b), levels, (i, j), measure)
    joint = _joint(effects, cells, (a, b), levels, measure, conf_level)
    return Interaction(
        table=tidy(pd.DataFrame(rows)),
        method=(
            f"Interaction of {a} and {b}: RERI, AP, S and ratio of {measure}s with {100 * conf_level:.4g}% confidence "
            f"intervals by {METHODS[ci]}. {fit.method}"
        ),
        n=fit.n,
        events=fit.events,
        n_missing=fit.n_missing,
        notes=(
            *fit.notes,
            *_notes(effects, cells, (a, b), levels, measure, fit, df),
            *_bootstrap_notes(draws),
        ),
        conf_level=conf_level,
        joint=joint,
        exposures=(a, b),
    )


@dataclass(frozen=True, eq=False)
class _Effects:
    """Log effects of every combination against the reference, `contrasts` (levels of a, of b, p) times `coefficients`."""

    coefficients: np.ndarray
    covariance: np.ndarray
    contrasts: np.ndarray
    empty: np.ndarray
    df: float

    def between(self, one: tuple[int, int], other: tuple[int, int], conf_level: float) -> list[float]:
        """Ratio of two combinations, its limits and p-value; NaN where either has no effect."""
        if self.empty[one] or self.empty[other]:
            return [np.nan] * 4
        contrast = self.contrasts[one] - self.contrasts[other]
        value, variance = contrast @ self.coefficients, contrast @ self.covariance @ contrast
        std_error = np.sqrt(variance)
        half = t.ppf(0.5 + conf_level / 2, self.df) * std_error
        p = 2 * t.sf(abs(value) / std_error, self.df)
        return [*map(float, np.exp([value, value - half, value + half])), float(p)]

    def measures(
        self, i: int, j: int, ci: str, draws: np.ndarray | None, conf_level: float
    ) -> dict[str, additive.Interval]:
        places = [(i, 0), (0, j), (i, j)]
        if any(self.empty[place] for place in [(0, 0), *places]):
            return {name: additive.Interval(*[np.nan] * 6) for name in additive.MEASURES}
        to = np.array([self.contrasts[place] for place in places])
        b = to @ self.coefficients
        if draws is not None:
            return additive.percentile(b, draws @ to.T, conf_level)
        method = additive.mover if ci == "mover" else additive.delta
        return method(b, to @ self.covariance @ to.T, conf_level, self.df)

    def lowest(self) -> tuple[int, int]:
        """The combination of lowest risk."""
        values = np.where(self.empty, np.inf, self.contrasts @ self.coefficients)
        i, j = np.unravel_index(int(values.argmin()), values.shape)
        return int(i), int(j)


# ------------------------------------------------------------------------------------ from the fit


def _check(fit: FittedModel, a: str, b: str, ci: str, seed: int | None) -> str:
    """Refuse what is no such model; the name of its ratios."""
    if not isinstance(fit, GLMFit | CoxFit):
        raise TypeError(
            f"fit must be a logistic, log_binomial, modified_poisson, poisson or cox fit, it is {type(fit).__name__}"
        )
    if fit.design is None:
        raise ValueError("interaction: these estimates were loaded from a file; fit the model again")
    if ci not in METHODS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(METHODS)}")
    measure = str(fit.table["measure"].iloc[0]) if len(fit.table) else ""
    if measure not in RATIOS:
        raise ValueError(f"interaction: the effects of this model are no ratios ({measure}); fit one of OR, PR, IRR or HR")
    variables = fit.design.variables
    for argument, name in (("a", a), ("b", b)):
        if name not in variables:
            raise ValueError(f"{argument}: '{name}' is not in the model.{suggest(name, variables)}")
    terms = [{str(v) for v in used} & set(variables) for used in fit.design.spec.term_variables.values()]
    if {a, b} not in terms:
        raise ValueError(f"interaction: the model has no interaction of '{a}' and '{b}'; write {a} * {b}")
    for used in terms:
        if used & {a, b} and used - {a, b}:
            raise ValueError(
                f"interaction: the effect of '{a}' and '{b}' differs by {', '.join(sorted(used - {a, b}))}, "
                "so there is no one measure; fit the model within its levels"
            )
    if ci == "bootstrap":
        if not isinstance(fit, GLMFit) or fit.rows is None or fit.rows.sample is not None:
            raise ValueError("ci='bootstrap' needs a GLM without a survey design; use 'delta' or 'mover'")
        if seed is None:
            raise ValueError("ci='bootstrap' needs a seed, so that the result can be repeated")
    return measure


def _levels(
    frame: Any, a: str, b: str, reference: tuple[Hashable, Hashable] | None
) -> tuple[list[Any], list[Any]]:
    """The levels of a and of b, the reference first."""
    if reference is not None and (isinstance(reference, str) or len(reference) != 2):
        raise ValueError("reference must be a level of a and a level of b")
    both = []
    for k, name in enumerate((a, b)):
        values = frame.frame[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            found = [level for level in values.cat.categories if (values == level).any()]
        else:
            found = sorted(values.unique())
            if len(found) > 2 and f"C({name})" not in map(str, frame.spec.factors):
                raise ValueError(f"'{name}' has {len(found)} values: make it a category, or write C({name})")
        own = next((c.reference for c in frame.columns if c.term == name and c.reference), None)
        first = level_text(found[0]) if own is None else own
        if reference is not None:
            first = level_text(reference[k])
        texts = [level_text(level) for level in found]
        if first not in texts:
            raise ValueError(f"reference: '{name}' has no level {first}; it has {', '.join(texts)}")
        place = texts.index(first)
        both.append([found[place], *found[:place], *found[place + 1 :]])
    return both[0], both[1]


def _contrasts(fit: FittedModel, a: str, b: str, levels: tuple[list[Any], list[Any]]) -> np.ndarray:
    """Rows of the design matrix of each combination, other covariates held, minus that of the reference."""
    frame = fit.design.frame
    combinations = list(itertools.product(*levels))
    newdata = frame.iloc[[0] * len(combinations)].reset_index(drop=True)
    for k, name in enumerate((a, b)):
        newdata[name] = pd.Series([pair[k] for pair in combinations], dtype=frame[name].dtype)
    rows = fit.design.matrix_for(newdata).to_numpy()
    return (rows - rows[0]).reshape(len(levels[0]), len(levels[1]), -1)


def _cells(fit: FittedModel, a: str, b: str, levels: tuple[list[Any], list[Any]]) -> np.ndarray:
    """Rows and events of each combination, shape (levels of a, of b, 2)."""
    frame = fit.design.frame
    if isinstance(fit, CoxFit):
        event = binary_outcome(frame[fit.event], fit.event)
    else:
        assert isinstance(fit, GLMFit) and fit.rows is not None
        event = fit.rows.arrays.y
    inside = [[frame[name].to_numpy() == level for level in found] for name, found in zip((a, b), levels, strict=True)]
    return np.array([[[(p & q).sum(), event[p & q].sum()] for q in inside[1]] for p in inside[0]])


def _without_effect(cells: np.ndarray, measure: str) -> np.ndarray:
    """Combinations whose effect is not finite: no event, or nothing but events where odds are compared."""
    n, events = cells[..., 0], cells[..., 1]
    return (events == 0) | ((events == n) & (measure == "OR"))


def _smallest_df(fit: FittedModel, a: str, b: str) -> float:
    """The smallest degrees of freedom of the coefficients of a and b; those of a survey are all the same."""
    if "df" not in fit.table:
        return np.inf
    inside = fit.table["term"].map(lambda term: set(str(term).split(":")) <= {a, b})
    return float(fit.table.loc[inside, "df"].min())


def _resampled(rows: FittedRows, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Coefficients of fits on resampled rows or clusters, (resamples, p); NaN where there is no maximum."""
    arrays = rows.arrays
    unit = np.arange(len(arrays.y)) if arrays.cluster is None else arrays.cluster
    n_units = int(unit.max()) + 1
    draws = np.full((resamples, arrays.X.shape[1]), np.nan)
    for k in range(resamples):
        times = rng.multinomial(n_units, np.full(n_units, 1 / n_units))[unit]
        drawn = times > 0
        found = maximize(
            arrays.X[drawn],
            arrays.y[drawn],
            rows.family,
            (arrays.weights * times)[drawn],
            arrays.offset[drawn],
            rows.maximum.coefficients,
        )
        if found.converged and not still_moving(arrays.X, found.last_step).any():
            draws[k] = found.coefficients
    return draws


# ------------------------------------------------------------------------------------ to estimates


def _rows(
    found: Mapping[str, additive.Interval],
    names: tuple[str, str],
    levels: tuple[list[Any], list[Any]],
    place: tuple[int, int],
    measure: str,
) -> list[dict[str, Any]]:
    shared = {
        "term": ":".join(names),
        "level": ":".join(level_text(found[i]) for found, i in zip(levels, place, strict=True)),
        "reference": ":".join(level_text(found[0]) for found in levels),
    }
    printed = {"ratio": f"ratio of {measure}s"}
    return [
        {**shared, "measure": printed.get(name, name), **interval._asdict()} for name, interval in found.items()
    ]


def _joint(
    effects: _Effects,
    cells: np.ndarray,
    names: tuple[str, str],
    levels: tuple[list[Any], list[Any]],
    measure: str,
    conf_level: float,
) -> pd.DataFrame:
    a, b = names
    rows = []
    size_a, size_b = cells.shape[:2]
    places = list(itertools.product(range(size_a), range(size_b)))
    compared = [("joint", place, (0, 0)) for place in places]
    compared += [(f"{a} within {b}", (i, j), (0, j)) for j in range(size_b) for i in range(size_a)]
    compared += [(f"{b} within {a}", (i, j), (i, 0)) for i in range(size_a) for j in range(size_b)]
    for comparison, (i, j), against in compared:
        n, events = cells[i, j]
        if (i, j) == against:
            values = [np.nan if effects.empty[i, j] else 1.0, np.nan, np.nan, np.nan]
        else:
            values = effects.between((i, j), against, conf_level)
        rows.append(
            {
                "comparison": comparison,
                a: level_text(levels[0][i]),
                b: level_text(levels[1][j]),
                "measure": measure,
                **dict(zip(("estimate", "conf_low", "conf_high", "p_value"), values, strict=True)),
                "n": int(n),
                "events": int(events),
                "non_events": int(n - events),
            }
        )
    return pd.DataFrame(rows)


def _crossed(
    joint: pd.DataFrame, names: tuple[str, str], conf_level: float, labels: Mapping[str, str]
) -> pd.DataFrame:
    a, b = names
    first, second = (labels.get(name, name) for name in names)
    measure, ci = joint["measure"].iloc[0], f"({100 * conf_level:.4g}% CI)"
    counted = "n" if measure == "IRR" else "with / without"
    in_a = list(dict.fromkeys(joint[a]))
    in_b = list(dict.fromkeys(joint[b]))
    at = joint.set_index(["comparison", a, b])
    label_a = {x: f"{first} = {level_label(a, x, labels)}" for x in in_a}
    label_b = {y: f"{second} = {level_label(b, y, labels)}" for y in in_b}

    def cell(comparison: str, x: str, y: str) -> str:
        row = at.loc[(comparison, x, y)]
        shown = format_interval(measure, row["estimate"], row["conf_low"], row["conf_high"])
        if pd.isna(row["conf_low"]) and row["estimate"] == 1:
            return f"{shown} (reference)"
        p = format_p(row["p_value"])
        return f"{shown}; p {'' if p.startswith('<') else '= '}{p}" if p else shown

    lines = []
    for x in in_a:
        line = {"": label_a[x]}
        for y in in_b:
            row = at.loc[("joint", x, y)]
            counts = [row["n"]] if measure == "IRR" else [row["events"], row["non_events"]]
            line[f"{label_b[y]}: {counted}"] = " / ".join(format_number(v, 0) for v in counts)
            line[f"{label_b[y]}: {measure} {ci}"] = cell("joint", x, y)
        for y in in_b[1:]:
            line[f"{label_b[y]} against {in_b[0]}, within {first}: {measure} {ci}"] = cell(f"{b} within {a}", x, y)
        lines.append(line)
    for x in in_a[1:]:
        line = {"": f"{label_a[x]} against {in_a[0]}, within {second}"}
        for y in in_b:
            line[f"{label_b[y]}: {measure} {ci}"] = cell(f"{a} within {b}", x, y)
        lines.append(line)
    return pd.DataFrame(lines).fillna("").astype(str)


def _sentences(table: pd.DataFrame) -> list[str]:
    """The measures of each pair of levels, as they stand below the table."""
    found = []
    for level, rows in table.groupby("level", sort=False):
        shown = [
            f"{row['measure']} {format_interval(row['measure'], row['estimate'], row['conf_low'], row['conf_high'])}"
            for _, row in rows.iterrows()
        ]
        where = f" ({level} against {rows['reference'].iloc[0]})" if table["level"].nunique() > 1 else ""
        found.append(f"Interaction{where}: {'; '.join(shown)}.")
    return found


def _notes(
    effects: _Effects,
    cells: np.ndarray,
    names: tuple[str, str],
    levels: tuple[list[Any], list[Any]],
    measure: str,
    fit: FittedModel,
    df: float,
) -> list[str]:
    def named(place: tuple[int, int]) -> str:
        return " and ".join(
            f"{name} = {level_text(found[i])}" for name, found, i in zip(names, levels, place, strict=True)
        )

    notes = []
    places = itertools.product(*map(range, cells.shape[:2]))
    bare = [named(place) for place in places if effects.empty[place]]
    if bare:
        outcome = "nobody, or everybody," if measure == "OR" else "nobody"
        notes.append(f"Among {'; '.join(bare)} {outcome} has the outcome: no estimates with that combination.")
    lowest = effects.lowest()
    if not effects.empty[0, 0] and lowest != (0, 0):
        chosen = tuple(level_text(found[i]) for found, i in zip(levels, lowest, strict=True))
        notes.append(
            f"The reference is not the combination of lowest risk, which is {named(lowest)}: RERI, AP and S are meant "
            f"for exposures that raise the risk. Give reference={chosen!r} (Knol et al. 2011)."
        )
    if measure == "OR":
        notes.append("RERI, AP and S of odds ratios stand for those of risks where the outcome is rare in all groups.")
    if "df" in fit.table and fit.table["df"].nunique() > 1:
        notes.append(f"Intervals by t with {df:.1f} degrees of freedom, the fewest of the coefficients used.")
    return notes


def _bootstrap_notes(draws: np.ndarray | None) -> Sequence[str]:
    if draws is None:
        return []
    failed = int(np.isnan(draws).any(axis=1).sum())
    if not failed:
        return [f"{len(draws):,} resamples."]
    return [
        f"{len(draws):,} resamples, {failed:,} of which had no finite maximum (a combination without an event) and were "
        "left out; if they are more than a few, use ci='mover'."
    ]
