"""The table of risk factors of a paper: many exposures, each adjusted for several sets of covariates, in one call.

How one model is written and fitted is in `exposure_models`, how the table is printed in `printed_risk_factors`, what is said
of it in `risk_factor_words`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.axes import Axes

from ..design import as_list, require_columns, variables_of
from ..estimates import Estimates, tidy
from ..missing.impute import Imputed
from ..wording import suggest
from .exposure_models import MODELS, Answer, Exposure, Fit, Fitting, answer, quoted, read_exposure
from .printed_risk_factors import printed_rows, term_label
from .risk_factor_words import attributed_notes, method_sentences, rows_note
from .rows import AnyDesign

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RiskFactors(Estimates):
    """Estimates of each exposure in each model, side by side in print.

    Parameters
    ----------
    table : DataFrame
        The rows of each exposure in its model, as the fit has them, after a column `model`. A model that could not be
        fitted has empty rows.
    tests : DataFrame
        A row a test: `model`, `term`, `test` ("all" levels, "trend", "interaction with ..."), `estimate` (of a trend, per
        unit of the score), `statistic` (chi-squared, F where `df_denominator` is finite; of a trend z or t), `df`,
        `df_denominator`, `p_value`.
    per : mapping of str to str
        The step of each number that has one.
    labels : mapping
        Printed names.
    models : dict
        The fitted models by (exposure, model); not saved.
    """

    tests: pd.DataFrame
    per: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[tuple[str, str], Fit] = field(default_factory=dict, metadata={"saved": False})

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as it is printed: a row a level, for each model the estimate with its interval and p-value."""
        return printed_rows(
            self.table, self.tests, self.conf_level, self.per, self._labels(labels), self.marks
        )

    def _spanners(self, shown: pd.DataFrame, labels: Mapping[str, str] | None) -> dict[str, list[str]]:
        names = self._labels(labels)
        heads = [names.word(model) for model in dict.fromkeys(self.table["model"])]
        return {
            head: [column for column in shown if column.startswith(f"{head}{names.word(': ')}")]
            for head in heads
        }

    def _table_notes(self) -> list[str]:
        # the table has the counts of each model
        return [self.method, *self.notes]

    def plot(self, ax: Axes | None = None, *, labels: Mapping[str, str] | None = None) -> Axes:
        """A forest plot, the models of a row a little apart. Returns the Axes."""
        from ..figures import forest_by_group

        names = self._labels(labels)
        shown = {term: term_label(term, self.per, names) for term in dict.fromkeys(self.table["term"])}
        return forest_by_group(self.table, "model", self.conf_level, ax, names | shown)


def risk_factors(
    data: pd.DataFrame | Imputed,
    outcome: str,
    exposures: Sequence[str],
    models: Mapping[str, Sequence[str]] | None = None,
    measure: str = "OR",
    *,
    per: Mapping[str, float | str] | None = None,
    time: str | None = None,
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    offset: str | None = None,
    weights: str | None = None,
    cluster: str | Sequence[str] | None = None,
    robust: str | bool | None = None,
    design: AnyDesign | None = None,
    conf_level: float = 0.95,
    trend: bool | Mapping[str, Any] = True,
    interaction_with: str | None = None,
    complete_cases: str = "each",
    labels: Mapping[str, str] | None = None,
) -> RiskFactors:
    """Estimate the association of each of many exposures with an outcome, crude and adjusted.

    Each exposure has a model of its own for each set of covariates.

    Parameters
    ----------
    data : DataFrame or Imputed
        One row a person or visit; or what `missing.impute` returns: each model is then fitted in every data set and
        pooled.
    outcome : str
        Column of the outcome, for hazard ratios of the event.
    exposures : list of str
        Columns. Categories and text are compared with their first level, bool and 0/1 numbers are "no" and "yes", numbers
        are per unit or as `per` says. For a curve fit the model with ``rcs(...)`` and see `dose_response`.
    models : mapping of str to list of str, optional
        Name of each model and the terms it adjusts for, columns or formula terms such as ``"rcs(age, 4)"``;
        ``{"Crude": []}`` where not given. A covariate that is the exposure itself is not entered twice, so that
        ``{"Mutual": exposures}`` adjusts the exposures for each other.
    measure : {"OR", "PR", "RR", "RD", "IRR", "HR", "difference"}
        Chooses the model: `logistic`, `modified_poisson` (PR, and RR in a closed cohort), `risk_difference`, `poisson`,
        `survival.cox`, `linear`.
    per : mapping, optional
        Step of a number: itself, "SD", "IQR" (of all rows that have a value), or "doubling": ``{"lead": 10, "bmi": "SD"}``.
    time, entry, strata : optional
        Of `survival.cox`; `time` is needed for hazard ratios.
    offset : str, optional
        Column added to the linear predictor: of rates the logarithm of the time at risk.
    weights, cluster, robust, design, conf_level
        As for the model.
    trend : bool or mapping
        Linear trend over the levels of every ordered category of three or more: a further fit with the scores 1, 2, 3 ...
        as a number. A mapping gives the scores of the categories it names, ordered or not: numbers, or the name of a
        column whose median in each level is the score.
    interaction_with : str, optional
        Column whose product with each exposure is tested, in each model.
    complete_cases : {"each", "common"}
        Whether each model has the rows complete in its own variables, or all have those complete in the variables of all.
    labels : mapping, optional
        Printed name of an exposure, a level (as ``variable=level`` or the level itself), or a model.

    Returns
    -------
    RiskFactors
        `.n` and `.events` are those of the model with most rows. `.notes` collects the notes of the models and says whose
        they are.

    Raises
    ------
    ValueError
        For an unknown column or measure, arguments that do not fit the measure, an exposure within another term of a model,
        or where no model could be fitted. A single model that cannot be fitted is noted.

    Notes
    -----
    The numbers are those of the single fits and of `term_tests`.

    Examples
    --------
    >>> data = pd.DataFrame({"case": [0, 0, 1, 0, 1, 1, 1, 0], "smoker": [0, 0, 0, 0, 1, 1, 1, 1],
    ...                      "age": [30, 40, 50, 60, 30, 40, 50, 60]})
    >>> found = risk_factors(data, "case", ["smoker"], {"Crude": [], "Adjusted": ["age"]})
    >>> found.table[["model", "term", "level", "estimate", "n", "events"]].round(2)
          model    term level  estimate  n  events
    0     Crude  smoker    no      1.00  4       1
    1     Crude  smoker   yes      9.00  4       3
    2  Adjusted  smoker    no      1.00  4       1
    3  Adjusted  smoker   yes     10.96  4       3
    """
    sets = {name: as_list(terms) for name, terms in ({"Crude": []} if models is None else models).items()}
    names = dict(labels or {})
    given = {"time": time, "entry": entry, "strata": strata, "offset": offset, "weights": weights,
             "cluster": cluster, "robust": robust, "design": design}  # fmt: skip
    arguments = {key: value for key, value in given.items() if value is not None} | {"conf_level": conf_level}
    _check_measure(measure, arguments, complete_cases)
    if measure == "HR":
        arguments["event"] = outcome
    datasets = list(data.datasets) if isinstance(data, Imputed) else [data]
    chosen = _read_exposures(datasets, exposures, per or {}, trend)
    sets = {name: [quoted(t) if t in datasets[0] else t for t in terms] for name, terms in sets.items()}
    used = _used_columns(datasets[0], outcome, chosen, sets, arguments, interaction_with)
    n_missing = {column: int(datasets[0][column].isna().sum()) for column in used}
    if complete_cases == "common":
        datasets = [_common(d, outcome, used, keep_rows=design is not None) for d in datasets]

    fitting = Fitting(datasets, isinstance(data, Imputed), outcome, measure, arguments)
    answers = {
        name: [answer(fitting, exposure, terms, interaction_with) for exposure in chosen]
        for name, terms in sets.items()
    }
    fits = {(a.exposure.name, name): a.fit for name, of in answers.items() for a in of if a.fit is not None}
    if not fits:
        first = next(a for of in answers.values() for a in of)
        raise ValueError(f"risk_factors: no model could be fitted; {first.exposure.name} {first.notes[0]}")
    largest = max(fits.values(), key=lambda fit: fit.n)
    n_rows = len(data.datasets[0] if isinstance(data, Imputed) else data)
    return RiskFactors(
        table=_table(answers),
        tests=_tests(answers),
        method=method_sentences(data, largest, sets, chosen, interaction_with),
        n=largest.n,
        events=largest.events,
        n_missing=n_missing,
        notes=(
            *rows_note([fit.n for fit in fits.values()], n_rows, n_missing, complete_cases),
            *(("Counts are rows, without weights.",) if weights is not None or design is not None else ()),
            *attributed_notes(answers),
        ),
        conf_level=conf_level,
        per={exposure.name: exposure.per for exposure in chosen if exposure.per},
        labels=names,
        models=fits,
    )


def _check_measure(measure: str, arguments: Mapping[str, Any], complete_cases: str) -> None:
    if measure not in MODELS:
        raise ValueError(
            f"measure='{measure}' is unknown; choose one of {', '.join(MODELS)}.{suggest(measure, MODELS)}"
        )
    if measure == "HR" and "time" not in arguments:
        raise ValueError("measure='HR' needs time=, the column of the time of event or end of follow-up")
    unfit = {"offset"} if measure == "HR" else {"time", "entry", "strata"}
    for name in sorted(unfit & set(arguments)):
        raise ValueError(f"{name}= does not fit measure='{measure}': leave it out")
    if complete_cases not in ("each", "common"):
        raise ValueError(f"complete_cases='{complete_cases}' is unknown; choose 'each' or 'common'")


def _read_exposures(
    datasets: Sequence[pd.DataFrame],
    exposures: Sequence[str],
    per: Mapping[str, float | str],
    trend: bool | Mapping[str, Any],
) -> list[Exposure]:
    data, names = datasets[0], list(dict.fromkeys(as_list(exposures)))
    if not names:
        raise ValueError("exposures: it is empty; name at least one column")
    for name in names:
        if name not in data and "(" in str(name):
            raise ValueError(
                f"exposures: '{name}' is a formula, not a column. Fit a curve by itself and see dose_response"
            )
    require_columns(data, names, "data")
    scores = trend if isinstance(trend, Mapping) else {}
    for argument, keys in (("per", per), ("trend", scores)):
        unknown = [key for key in keys if key not in names]
        if unknown:
            raise ValueError(
                f"{argument}: '{unknown[0]}' is not among the exposures.{suggest(unknown[0], names)}"
            )
    return [
        read_exposure(
            name,
            datasets,
            per.get(name),
            _scores(datasets, name, scores.get(name)),
            has_trend=name in scores or (trend is not False and getattr(data[name].dtype, "ordered", False)),
        )
        for name in names
    ]


def _scores(datasets: Sequence[pd.DataFrame], name: str, scores: Any) -> Any:
    """The scores given; of a column its median in each level, over all data sets."""
    if not isinstance(scores, str):
        return scores
    require_columns(datasets[0], [scores], "trend: data")
    together = pd.concat([data[[name, scores]] for data in datasets])
    return together.groupby(name, observed=True)[scores].median()


def _used_columns(
    data: pd.DataFrame,
    outcome: str,
    exposures: Sequence[Exposure],
    sets: Mapping[str, Sequence[str]],
    arguments: Mapping[str, Any],
    interaction_with: str | None,
) -> list[str]:
    """Every column that some model uses; refuses unknown ones, and covariates that an exposure is only a part of."""
    beside = [c for key in ("time", "entry", "strata", "offset", "weights", "cluster")
              for c in as_list(arguments.get(key))]  # fmt: skip
    names = [exposure.name for exposure in exposures]
    covariates: list[str] = []
    for model, terms in sets.items():
        for term in terms:
            within = variables_of(term)
            require_columns(data, within, f"models: data (for '{model}')")
            both = [name for name in names if name in within]
            if both and len(within) > 1:
                raise ValueError(
                    f"models: '{term}' of '{model}' has the exposure '{both[0]}' in it. Give covariates alone; "
                    "interaction_with= tests a product"
                )
            covariates += within
    used = list(dict.fromkeys([outcome, *names, *covariates, *as_list(interaction_with), *beside]))
    require_columns(data, used, "data")
    return used


def _common(data: pd.DataFrame, outcome: str, used: Sequence[str], *, keep_rows: bool) -> pd.DataFrame:
    """The rows complete in all columns used. A survey keeps its rows: the others have no outcome."""
    complete = data[list(used)].notna().all(axis=1)
    return data.assign(**{outcome: data[outcome].where(complete)}) if keep_rows else data[complete]


# ------------------------------------------------------------------------------------------ the result


def _table(answers: Mapping[str, Sequence[Answer]]) -> pd.DataFrame:
    rows = [a.rows.assign(model=name) for name, of in answers.items() for a in of]
    return tidy(pd.concat(rows), ["model"])


def _tests(answers: Mapping[str, Sequence[Answer]]) -> pd.DataFrame:
    rows = [{"model": name, "term": a.exposure.name, **test} for name, of in answers.items() for a in of
            for test in a.tests]  # fmt: skip
    columns = ["model", "term", "test", "estimate", "statistic", "df", "df_denominator", "p_value"]
    return pd.DataFrame(rows, columns=columns).astype({"estimate": float})
