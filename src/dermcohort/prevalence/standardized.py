"""Directly standardized prevalence: what it would be, had the population the ages (and sexes) of a standard.

The numbers are made in ../standardization.py, the cells in ../standard.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..design import as_list, binary_outcome, require_columns
from ..estimates import Estimates, missing_note, tidy
from ..groups import event_counts, group_codes, whole
from ..standard import StandardCells, standard_cells
from ..standardization import DIRECT_INTERVALS, DIRECT_NAMES, direct
from ..variance import ReplicateDesign, SurveyDesign
from .standardized_survey import standardize_survey
from .survey import INTERVALS, NAMES

SHOWN = 5


def standardized(
    data: pd.DataFrame,
    outcome: str,
    *,
    age: str,
    standard: str | pd.DataFrame,
    sex: str | None = None,
    by: str | Sequence[str] | None = None,
    population: str | None = None,
    design: SurveyDesign | ReplicateDesign | None = None,
    ci: str | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """Prevalence standardized directly by age, or age and sex, with the crude one beside it.

    Parameters
    ----------
    data : DataFrame
        One row a person; with `population`, one row a cell of a table.
    outcome : str
        Column that is 0/1, bool, or a category of two levels of which the second is counted; with
        `population`, the number of cases.
    age : str
        Column of ages in years, or of age bands (labels such as "20-29" and "80+", or intervals) which must
        nest with those of the standard.
    standard : str or DataFrame
        A name of `standard_population`, or a table with `age` (labels) or `age_low` and `age_high`,
        `population`, and `sex` where it is needed.
    sex : str, optional
        Column with the sexes of the standard, to standardize by age and sex. Without it the sexes of the
        standard are added.
    by : str or list of str, optional
        Column or columns whose combinations are the groups.
    population : str, optional
        Column of people at risk, where the data are counts; person-years give rates per person-year.
    design : SurveyDesign or ReplicateDesign, optional
        Sampling design: the prevalence of each cell is then weighted and the interval design-based.
    ci : {"gamma", "tiwari", "mid-p", "normal", "wald"}
        Interval; "gamma" where not given. All but "wald" take the cases of a cell as Poisson, as is usual for rates and right for a
        condition that is not common; "wald" takes them as binomial. With `design` one of `survey`'s: "logit" (where not given),
        "beta", "likelihood", "arcsine", "wald".
    conf_level : float

    Returns
    -------
    Estimates
        Two rows a group, `measure` "crude prevalence" and "standardized prevalence", both with the interval
        of `ci`: `estimate`, `conf_low`, `conf_high` as proportions (0 to 1), `std_error`, `n`, `events`. Rows with a missing value are left out and counted.
        Where a group has nobody in a cell that the standard has, its standardized prevalence is NaN and a
        note names the cell: nothing is reweighted. The standard is restricted to the ages of the data.

    Raises
    ------
    ValueError
        For an unknown column, standard or interval, and for ages that do not fit the standard.

    Notes
    -----
    Equal to R's epitools::ageadjust.direct ("gamma") and asht::wspoissonTest ("gamma", "tiwari", "mid-p").

    Examples
    --------
    >>> data = pd.DataFrame({"age": [25, 31, 47, 52], "eczema": [1, 0, 0, 1]})
    >>> own = pd.DataFrame({"age": ["20-39", "40-59"], "population": [3, 1]})
    >>> standardized(data, "eczema", age="age", standard=own).table[["measure", "estimate", "events"]]
                       measure  estimate  events
    0         crude prevalence       0.5       2
    1  standardized prevalence       0.5       2
    """
    ci = ci or ("gamma" if design is None else "logit")
    known = DIRECT_INTERVALS if design is None else INTERVALS
    if ci not in known:
        with_design = "" if design is None else " with design="
        raise ValueError(f"ci='{ci}' is unknown{with_design}; choose one of {', '.join(known)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    groups = as_list(by)
    if sex is not None and sex in groups:
        raise ValueError(f"'{sex}' is given as sex and in by: leave sex out to standardize each sex by age")
    if design is not None and population is not None:
        raise ValueError("population= is for counts, design= for people: leave one out")
    used = list(dict.fromkeys([outcome, age, *as_list(sex), *groups, *as_list(population)]))
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    complete = data[used].notna().all(axis=1)
    frame = data.loc[complete, used]
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}: there is nothing to standardize")
    cases = (
        binary_outcome(frame[outcome], outcome)
        if population is None
        else event_counts(frame[outcome], outcome)
    )
    at_risk = np.ones(len(frame)) if population is None else event_counts(frame[population], population)
    if ci == "wald" and (cases > at_risk).any():
        raise ValueError(f"ci='wald' is for proportions, but '{outcome}' exceeds '{population}'")
    cells = standard_cells(frame[age], standard, None if sex is None else frame[sex])

    by_what = "age" if sex is None else "age and sex"
    if design is not None:
        return _from_survey(
            data, outcome, cases, complete.to_numpy(), groups, cells, design, ci, conf_level, by_what
        )
    rows, levels = group_codes(frame[groups])
    shape = (len(levels), len(cells.table))
    x, n = (_cell_sums(rows, cells.codes, values, shape) for values in (cases, at_risk))
    adjusted = direct(x, n, cells.table["share"].to_numpy(), ci, conf_level)
    x_all, n_all = (values.sum(axis=1, keepdims=True) for values in (x, n))
    crude = direct(x_all, n_all, np.ones(1), ci, conf_level)

    limit = 1.0 if population is None or ci == "wald" else np.inf
    common = {"n": whole(n_all[:, 0]), "events": whole(x_all[:, 0])}
    table = _side_by_side(
        levels,
        outcome,
        *(
            {
                "estimate": result.estimate,
                "conf_low": result.low,
                "conf_high": np.minimum(result.high, limit),
                "std_error": result.std_error,
                **common,
            }
            for result in (crude, adjusted)
        ),
    )
    notes = [*missing_note(len(frame), len(data), n_missing), *cells.notes]
    notes += _empty_notes(levels, n, cells.table["share"].to_numpy(), cells.labels)
    if (np.stack([crude.high, adjusted.high]) > limit).any():
        notes.append("An upper limit beyond 1 is given as 1.")
    return Estimates(
        table=tidy(table, groups),
        method=(
            f"Crude prevalence and prevalence standardized directly by {by_what} to the standard population "
            f"{cells.name}, with {DIRECT_NAMES[ci]} {100 * conf_level:.4g}% confidence intervals."
        ),
        n=int(at_risk.sum()),
        events=int(cases.sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def _from_survey(
    data: pd.DataFrame,
    outcome: str,
    cases: np.ndarray,
    complete: np.ndarray,
    groups: list[str],
    cells: StandardCells,
    design: SurveyDesign | ReplicateDesign,
    ci: str,
    conf_level: float,
    by_what: str,
) -> Estimates:
    sample = design.sample(data)
    y, cell = np.zeros(len(data)), np.zeros(len(data), int)
    y[complete], cell[complete] = cases, cells.codes
    inside = complete & (sample.weights > 0)
    codes, levels = group_codes(data[groups], inside)
    share = cells.table["share"].to_numpy()
    found = standardize_survey(y, codes, cell, len(levels), share, sample, ci, conf_level)
    events = np.bincount(codes[inside], y[inside], len(levels)).astype(int)
    common = {"df": found.df, "n": found.n, "events": events}
    table = _side_by_side(
        levels,
        outcome,
        *(
            {
                "estimate": found.estimate[i],
                "conf_low": found.low[i],
                "conf_high": found.high[i],
                "std_error": found.std_error[i],
                **common,
            }
            for i in range(2)
        ),
    )
    used = [*dict.fromkeys([outcome, *groups])]
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    notes = [*missing_note(int(complete.sum()), len(data), n_missing), *cells.notes, *sample.notes]
    notes += _empty_notes(levels, found.n_cell, share, cells.labels)
    if np.isnan(found.low).any():
        notes.append(
            "Where the outcome does not vary, or there are no degrees of freedom, there is no interval."
        )
    return Estimates(
        table=tidy(table, groups),
        method=(
            f"Survey-weighted prevalence, crude and standardized directly by {by_what} to the standard population "
            f"{cells.name} ({design.describe()}), with {NAMES[ci]} {100 * conf_level:.4g}% confidence intervals."
        ),
        n=int(inside.sum()),
        events=int(y[inside].sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def _side_by_side(
    levels: pd.DataFrame, outcome: str, crude: dict[str, np.ndarray], adjusted: dict[str, np.ndarray]
) -> pd.DataFrame:
    """The crude and the standardized row of each group, one below the other."""
    blocks = [
        levels.assign(term=outcome, measure=f"{kind} prevalence", **columns, _group=range(len(levels)))
        for kind, columns in (("crude", crude), ("standardized", adjusted))
    ]
    return pd.concat(blocks).sort_values("_group", kind="stable").drop(columns="_group")


def _cell_sums(rows: np.ndarray, cells: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return np.bincount(rows * shape[1] + cells, values, minlength=shape[0] * shape[1]).reshape(shape)


def _empty_notes(levels: pd.DataFrame, n: np.ndarray, share: np.ndarray, labels: list[str]) -> list[str]:
    """Which cells have nobody, by group."""
    notes = []
    empty = (n == 0) & (share > 0)
    for group in np.flatnonzero(empty.any(axis=1))[:SHOWN]:
        values = ", ".join(f"{name} {value}" for name, value in levels.iloc[group].items())
        bands = ", ".join(labels[cell] for cell in np.flatnonzero(empty[group]))
        notes.append(
            f"Not standardized{f' ({values})' if values else ''}: nobody in {bands}, which the standard has. "
            "Give age in wider bands."
        )
    more = int(empty.any(axis=1).sum()) - SHOWN
    return [*notes, f"The same in {more} more groups."] if more > 0 else notes
