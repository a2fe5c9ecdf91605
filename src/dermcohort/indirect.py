"""Observed over expected events: indirect standardization by age, or age and sex, in one place.

`survival.smr` and `prevalence.indirect` are the names users call. Source: Breslow & Day (1987) Statistical Methods
in Cancer Research II, ch. 2; agrees with R's epitools::ageadjust.indirect and `poisson.test`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .age_bands import find_containing, read_bands, unique_bands
from .design import as_list, binary_outcome, require_columns
from .estimates import Estimates, missing_note, tidy
from .groups import event_counts, group_codes, whole
from .poisson_intervals import POISSON_INTERVALS, POISSON_NAMES

STANDARDIZED = {
    "rate": ("indirectly standardized rate per 1,000 person-years", 1000.0),
    "prevalence": ("indirectly standardized prevalence", 1.0),
}


def observed_over_expected(
    data: pd.DataFrame,
    event: str,
    at_risk: str | None,
    *,
    age: str | None,
    rates: pd.DataFrame | None,
    expected: str | None,
    sex: str | None,
    by: str | Sequence[str] | None,
    ci: str,
    conf_level: float,
    ratio: str,
    kind: str,
) -> Estimates:
    """`ratio` ("SMR", "SPR") of each group, and its `kind` ("rate", "prevalence") where `rates` has people.

    With `at_risk` a row holds counts, without it one person. Exactly one of `rates` and `expected` is given.
    """
    if ci not in POISSON_INTERVALS:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(POISSON_INTERVALS)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    groups = as_list(by)
    used = [event, *as_list(age), *as_list(sex), *groups, *as_list(at_risk), *as_list(expected)]
    used = list(dict.fromkeys(used))
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    frame = data[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}: there is nothing to standardize")
    one_person_a_row = kind == "prevalence" and at_risk is None
    observed = (binary_outcome if one_person_a_row else event_counts)(frame[event], event)
    people = np.ones(len(frame)) if at_risk is None else event_counts(frame[at_risk], at_risk)
    if expected is not None:
        foreseen = event_counts(frame[expected], expected)
    else:
        reference = read_bands(rates, "rate", "rates")
        foreseen = people * match_rates(reference, frame[str(age)], None if sex is None else frame[sex])

    rows, levels = group_codes(frame[groups])
    o, e, n = (np.bincount(rows, values, minlength=len(levels)) for values in (observed, foreseen, people))
    low, high = POISSON_INTERVALS[ci](o, conf_level)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = [np.where(e > 0, value / e, np.nan) for value in (o, low, high)]
    table = levels.assign(
        term=event, measure=ratio, estimate=values[0], conf_low=values[1], conf_high=values[2],
        events=whole(o), expected=e,
    )  # fmt: skip
    if kind == "prevalence":
        table["n"] = whole(n)
    elif at_risk is not None:
        table["person_years"] = n
    crude = None if rates is None else _crude_rate(rates)
    if crude is not None:
        measure, unit = STANDARDIZED[kind]
        adjusted = table.assign(measure=measure)
        adjusted[["estimate", "conf_low", "conf_high"]] *= crude * unit
        table = pd.concat([table, adjusted]).sort_index(kind="stable")
    notes = [*missing_note(len(frame), len(data), n_missing)]
    if ci == "log-normal" and (o == 0).any():
        notes.append("Without events there is no log-normal interval: use the exact one.")
    if (e == 0).any():
        notes.append(f"Where no events are expected there is no {ratio}.")
    by_what = f" standardized indirectly by {'age' if sex is None else 'age and sex'}"
    return Estimates(
        table=tidy(table, groups),
        method=(
            f"{ratio}, observed over expected events{by_what if expected is None else ''}, with "
            f"{POISSON_NAMES[ci]} {100 * conf_level:.4g}% confidence intervals."
        ),
        n=int(people.sum()) if kind == "prevalence" else len(frame),
        events=int(observed.sum()),
        n_missing=n_missing,
        notes=tuple(notes),
        conf_level=conf_level,
    )


def match_rates(reference: pd.DataFrame, age: pd.Series, sex: pd.Series | None) -> np.ndarray:
    """The reference rate of each row: that of the band in which its age or age band lies, and of its sex.

    Raises
    ------
    ValueError
        For ages in no band of `reference`, unknown sexes, or `sex` on one side only.
    """
    if "sex" in reference and sex is None:
        raise ValueError("sex: rates are by sex, but sex is not given: name the column of data that has it")
    if "sex" not in reference and sex is not None:
        raise ValueError("sex: it is given, but rates has no column 'sex'")
    bands, codes = unique_bands(age, str(age.name))
    known = sorted(set(reference["band"]))
    homes = [find_containing(band, known) for band in bands]
    if outside := [str(band) for band, home in zip(bands, homes, strict=True) if home is None]:
        raise ValueError(
            f"'{age.name}': {', '.join(outside[:8])} lie in no age band of rates; it has "
            f"{', '.join(str(band) for band in known)}"
        )
    position = np.array([known.index(home) for home in homes if home is not None], dtype=int)[codes]
    if sex is None:
        by_band = reference.set_index("band")["rate"]
        return by_band.reindex(pd.Index(known, tupleize_cols=False)).to_numpy()[position]
    levels = sorted(set(reference["sex"]))
    values = sex.astype(str)
    if unknown := sorted(set(values) - set(levels)):
        raise ValueError(f"sex: '{sex.name}' has '{unknown[0]}', rates has {', '.join(levels)}")
    lookup = {(band, level): rate for band, level, rate in reference.itertuples(index=False)}
    grid = np.array([[lookup[band, level] for level in levels] for band in known])
    return grid[position, pd.Categorical(values, categories=levels).codes]


def _crude_rate(rates: pd.DataFrame) -> float | None:
    """The rate of the whole reference population, where `rates` says how many people each band has."""
    if "population" not in rates:
        return None
    people = read_bands(rates, "population", "rates")["population"].to_numpy()
    if not people.sum() > 0:
        raise ValueError("rates: its population is 0")
    return math.fsum(people * rates["rate"].to_numpy(float)) / people.sum()
