"""From a formula and a data frame to the arrays a model is fitted on, and back to labelled rows.

Formulas are formulaic's. Rows with a missing value in any variable that is used are left out and counted by
variable; levels that do not occur among the rest are dropped; the first level is the reference. What each
column of the design matrix stands for (term, level, reference) is read from formulaic's model specification,
never from the text of its name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.formula import StructuredFormula
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.transforms.contrasts import TreatmentContrasts
from formulaic.utils.variables import Variable, get_required_variables
from scipy.stats import t

from .estimates import missing_note, tidy
from .wording import suggest

FEW_CLUSTERS = 40


@dataclass(frozen=True)
class Column:
    """What one column of the design matrix stands for. `level` and `reference` are None for numbers."""

    name: str
    term: str
    level: str | None = None
    reference: str | None = None
    is_main_effect: bool = True


@dataclass(frozen=True, eq=False)
class Design:
    """A formula applied to the complete rows of a data frame.

    Parameters
    ----------
    matrix : ndarray of float64, shape (n, p)
    columns : tuple of Column
        One a column of `matrix`.
    frame : DataFrame
        The complete rows of every variable used, index of the data kept.
    response : Series or None
        The left-hand side of a two-sided formula as it is in the data.
    n_rows : int
        Rows of the data before incomplete ones were left out.
    n_missing : dict of str to int
        Missing values by variable.
    spec : formulaic.ModelSpec
        Codes new data as these were.
    variables : tuple of str
        The variables of the right-hand side, which new data must have.
    """

    matrix: np.ndarray
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    response: pd.Series | None
    n_rows: int
    n_missing: dict[str, int]
    spec: ModelSpec
    variables: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def notes(self) -> tuple[str, ...]:
        return missing_note(len(self.frame), self.n_rows, self.n_missing)

    def column_values(self, name: str | None) -> np.ndarray | None:
        """A numeric variable beside the formula (weight, offset, time) as float64."""
        if name is None:
            return None
        values = self.frame[name]
        if not pd.api.types.is_numeric_dtype(values):
            raise ValueError(f"column '{name}' must be numeric, it is {values.dtype}")
        return values.to_numpy(float)

    def codes(self, names: str | Sequence[str] | None) -> np.ndarray | None:
        """Integer codes of the groups that one or several variables (cluster, strata) make."""
        if names is None:
            return None
        return self.frame.groupby(as_list(names), observed=True, sort=True).ngroup().to_numpy()

    def matrix_for(self, newdata: pd.DataFrame) -> pd.DataFrame:
        """The design matrix of new data; a row with a missing value is all NaN.

        Raises
        ------
        ValueError
            If a variable of the formula is absent or has a level the model was not fitted on.
        """
        variables = list(self.variables)
        require_columns(newdata, variables, "newdata")
        complete = _plain(newdata[variables].dropna())
        for name in variables:
            known = self.frame[name]
            if isinstance(known.dtype, pd.CategoricalDtype) or f"C({name})" in map(str, self.spec.factors):
                new = set(complete[name].unique()) - set(known.unique())
                if new:
                    raise ValueError(f"newdata: '{name}' has levels the model does not know: {_few(new)}")
            if isinstance(known.dtype, pd.CategoricalDtype):
                complete[name] = complete[name].astype(known.dtype)
        matrix = np.full((len(newdata), len(self.columns)), np.nan)
        rows = newdata[variables].notna().all(axis=1).to_numpy()
        if rows.any():
            coded = self.spec.get_model_matrix(complete, na_action="raise")[self.names]
            matrix[rows] = coded.to_numpy(float)
        return pd.DataFrame(matrix, index=newdata.index, columns=self.names)


def build_design(
    formula: str,
    data: pd.DataFrame,
    *,
    two_sided: bool = True,
    others: Iterable[str] = (),
    intercept: bool = True,
) -> Design:
    """Apply a formula to the complete rows of `data`.

    Parameters
    ----------
    formula : str
        ``"outcome ~ age + C(stage)"``, or the right-hand side alone where `two_sided` is False.
    data : DataFrame
    two_sided : bool
        Whether the formula names the outcome.
    others : iterable of str
        Columns used beside the formula (weights, cluster, time ...): rows missing there are left out too.
    intercept : bool
        Keep the intercept as a column. Levels are coded against a reference either way.

    Raises
    ------
    ValueError
        For a formula that cannot be read, an unknown column, no complete row, a variable with one level or a
        column that the others determine.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [0, 1, 1], "sex": pd.Categorical(["male", "female", "male"])})
    >>> build_design("y ~ sex", data).columns[1]
    Column(name='sex[T.male]', term='sex', level='male', reference='female', is_main_effect=True)
    """
    left, right = _parse(formula, two_sided)
    outcome = _variables_of(left) if left is not None else []
    variables = _variables_of(right)
    used = list(dict.fromkeys([*outcome, *variables, *others]))
    require_columns(data, used, "data")
    n_missing = {name: int(data[name].isna().sum()) for name in used}
    frame = data[used].dropna()
    if frame.empty:
        raise ValueError(f"no row has all of {', '.join(used)}: {_counts(n_missing, len(data))}")
    # the outcome and the like keep all their levels: a cohort without an event still has two
    frame = frame.assign(**_plain(frame[variables]))
    try:
        coded = right.get_model_matrix(frame, na_action="raise")
    except Exception as problem:  # formulaic raises many kinds, all about what the user wrote
        cause = problem.__cause__ or problem
        raise ValueError(f"formula '{formula}': {cause}") from None
    columns = _describe(coded.model_spec, set(used))
    matrix = coded.to_numpy(float)
    if not intercept:
        kept = [i for i, column in enumerate(columns) if column.name != "Intercept"]
        columns, matrix = tuple(columns[i] for i in kept), matrix[:, kept]
    _require_usable(matrix, columns, centered=not intercept or columns[0].name == "Intercept")
    response = None if left is None else _response(left, frame)
    spec = coded.model_spec
    return Design(matrix, columns, frame, response, len(data), n_missing, spec, tuple(variables))


def binary_outcome(values: pd.Series, name: str) -> np.ndarray:
    """0/1 as float64 (NaN where missing) from 0/1, bool, or two levels of which the second is the event.

    Raises
    ------
    ValueError
        For other codes; says which were found.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        if len(dtype.categories) != 2:
            levels = _few(dtype.categories)
            raise ValueError(f"'{name}' has the levels {levels}: an outcome has two, the second is the event")
        codes = values.cat.codes.to_numpy()
        return np.where(codes < 0, np.nan, codes).astype(float)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        numbers = values.astype("Float64").to_numpy(float, na_value=np.nan)
        found = np.unique(numbers[~np.isnan(numbers)])
        if not np.isin(found, (0, 1)).all():
            raise ValueError(f"'{name}' must be 0/1, bool or yes/no, it has {_few(found)}")
        return numbers
    words = set(values.dropna().astype(str).str.lower())
    if words <= {"no", "yes"}:
        coded = values.astype(object).where(values.notna(), None)
        return np.array([np.nan if v is None else float(str(v).lower() == "yes") for v in coded], float)
    if words <= {"true", "false"}:  # a bool column with missing values is of dtype object
        return np.array([np.nan if pd.isna(v) else float(str(v).lower() == "true") for v in values], float)
    raise ValueError(
        f"'{name}' must be 0/1, bool or a category of two levels, it is text: "
        "make it a category with the event as the second level"
    )


def coefficient_table(
    columns: Sequence[Column],
    matrix: np.ndarray,
    coefficients: np.ndarray,
    covariance: np.ndarray,
    *,
    measure: str,
    conf_level: float,
    event: np.ndarray | None = None,
    unbounded: np.ndarray | None = None,
    df: np.ndarray | None = None,
    ratio: bool = True,
) -> pd.DataFrame:
    """Ratios with Wald intervals, one row a coefficient but the intercept, reference levels as rows of 1.

    Without `ratio` the coefficients themselves, reference levels 0. With `df` (one a coefficient) by t, else by
    the normal distribution. Counts (`n`, `events`) beside a level are those of the level; beside a number, of all
    rows. A coefficient that is `unbounded` has the ratio 0 or infinity and no finite interval.
    """
    std_error = np.sqrt(np.diag(covariance))
    degrees = np.full(len(columns), np.inf) if df is None else df  # t with infinite df is the normal
    quantile = t.ppf(0.5 + conf_level / 2, degrees)
    scale = _exp if ratio else float
    rows: list[dict[str, Any]] = []
    for i, column in enumerate(columns):
        if column.name == "Intercept":
            continue
        counted = column.is_main_effect and column.level is not None and column.reference is not None
        if counted and (not rows or rows[-1]["term"] != column.term):
            siblings = [j for j, other in enumerate(columns) if other.term == column.term]
            at_reference = (matrix[:, siblings] == 0).all(axis=1)
            rows.append(_reference_row(column, measure, scale(0.0), at_reference, event))
        in_level = matrix[:, i] != 0 if counted else np.ones(len(matrix), bool)
        statistic = coefficients[i] / std_error[i]
        row: dict[str, Any] = {
            "term": column.term,
            "level": column.level,
            "reference": column.reference,
            "measure": measure,
            "estimate": scale(coefficients[i]),
            "conf_low": scale(coefficients[i] - quantile[i] * std_error[i]),
            "conf_high": scale(coefficients[i] + quantile[i] * std_error[i]),
            "p_value": 2 * t.sf(abs(statistic), degrees[i]),
            "coef": coefficients[i],
            "std_error": std_error[i],
            "statistic": statistic,
            **({} if df is None else {"df": df[i]}),
            **_counts_of(in_level, event),
        }
        if unbounded is not None and unbounded[i]:
            row |= {
                "estimate": math.inf if coefficients[i] > 0 else 0.0,
                "conf_low": 0.0,
                "conf_high": math.inf,
            }
            row |= dict.fromkeys(("p_value", "std_error", "statistic"), math.nan)
        rows.append(row)
    return tidy(pd.DataFrame(rows)) if rows else pd.DataFrame(columns=["term", "measure", "estimate"])


def still_moving(matrix: np.ndarray, last_step: np.ndarray) -> np.ndarray:
    """Coefficients that Newton's last step still changes by what matters: they have no finite maximum.

    Newton's method doubles the correct digits at each step near a finite maximum, so its last step is far
    below 0.001 on the scale of the linear predictor; towards infinity it goes on in steps of about 1.
    """
    spread = np.ptp(matrix, axis=0)
    return np.abs(last_step) * np.where(spread > 0, spread, 1.0) > 1e-3


def sparse_notes(
    n_events: int | None, n_coefficients: int, n_clusters: int | None, remedy: str = ""
) -> tuple[str, ...]:
    """Warnings where events are few for the coefficients, or clusters are few for a robust variance: with the remedy.

    Sources: Peduzzi et al. (1996) J Clin Epidemiol 49:1373 (ten events a coefficient); Cameron & Miller (2015)
    J Human Resources 50:317 (clusters under about 40 make cluster-robust intervals too narrow).
    """
    notes = []
    if n_events is not None and n_events < 10 * n_coefficients:
        notes.append(
            f"Few events: {n_events:,} for {n_coefficients} coefficients (fewer than 10 each); estimates may be "
            "unstable."
        )
    if n_clusters is not None and n_clusters < FEW_CLUSTERS:
        notes.append(
            f"Few clusters: {n_clusters}. Below about {FEW_CLUSTERS} the cluster-robust intervals are too narrow "
            f"and p-values too small. {remedy}".rstrip()
        )
    return tuple(notes)


def as_list(names: str | Sequence[str] | None) -> list[str]:
    """One column name, several, or none, as a list."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(names)


def require_columns(data: pd.DataFrame, names: Iterable[str], argument: str) -> None:
    """Refuse a name that is no column of `data`, with the closest one that is."""
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"columns are given by name, not as {type(name).__name__}: put it into the data first"
            )
        if name not in data:
            raise ValueError(f"{argument} has no column '{name}'.{suggest(name, data.columns)}")


def _parse(formula: str, two_sided: bool) -> tuple[Any, Any]:
    if not isinstance(formula, str):
        raise TypeError(f"formula must be text, it is {type(formula).__name__}")
    if two_sided != ("~" in formula.strip().lstrip("~")):
        wanted = "'outcome ~ a + b'" if two_sided else "'a + b': the outcome is named by time and event"
        raise ValueError(f"formula '{formula}' must have the form {wanted}")
    try:
        parsed = Formula(formula.strip() if two_sided else formula.strip().lstrip("~"))
    except Exception as problem:  # formulaic's parser raises many kinds
        reason = str(problem).split("\n")[0]
        raise ValueError(f"formula '{formula}' cannot be read: {reason}") from None
    if isinstance(parsed, StructuredFormula):
        return parsed.lhs, parsed.rhs
    return None, parsed


def _variables_of(formula: Any) -> list[str]:
    """The data columns a side of a formula uses, in the order written."""
    found: dict[str, None] = {}
    for factor in (factor for term in formula for factor in term.factors):
        names = set(factor.required_variables)
        if factor.eval_method == Factor.EvalMethod.PYTHON:
            # formulaic 1.2 finds no variables inside its own stateful transforms (poly, bs, center)
            names |= {v.root for v in get_required_variables(factor.expr) if Variable.Role.VALUE in v.roles}
        found |= dict.fromkeys(sorted(str(name) for name in names if name not in TRANSFORMS))
    return list(found)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Complete rows in the dtypes models use: float64 or bool, and categories without empty levels."""
    plain: dict[Any, pd.Series] = {}
    for name, values in frame.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            plain[name] = values.cat.remove_unused_categories()
        elif pd.api.types.is_bool_dtype(values.dtype):
            plain[name] = values.astype(bool)
        elif pd.api.types.is_numeric_dtype(values.dtype):
            plain[name] = values.astype(float) if pd.api.types.is_extension_array_dtype(values) else values
        elif pd.api.types.is_object_dtype(values.dtype) or pd.api.types.is_string_dtype(values.dtype):
            plain[name] = values.astype("category")
        else:
            plain[name] = values
    return pd.DataFrame(plain, index=frame.index)


def _describe(spec: ModelSpec, variables: set[str]) -> tuple[Column, ...]:
    """Term, level and reference of every column, from the structure formulaic recorded."""
    columns: list[Column] = []
    for term in spec.structure:
        names = iter(term.columns)
        n_left = len(term.columns)
        for scoped in term.scoped_terms:
            parts = [_levels_of(f.factor.factor, f.reduced, spec, variables) for f in scoped.factors]
            n_coded = math.prod(len(part.levels) for part in parts)
            # a numeric factor of several columns (spline, polynomial) records no names: number them
            n_numeric = n_left // n_coded if len(term.scoped_terms) == 1 else 1
            if n_numeric > 1:
                wide = next(i for i, part in enumerate(parts) if not part.is_coded)
                parts[wide] = replace(parts[wide], levels=[str(i + 1) for i in range(n_numeric)])
            label = ":".join(part.name for part in parts) or "Intercept"
            references = [part.reference for part in parts if part.is_coded]
            compared = bool(references) and all(references) and n_numeric == 1
            # formulaic lets the first factor vary fastest
            for levels in itertools.product(*(part.levels for part in reversed(parts))):
                columns.append(
                    Column(
                        name=next(names),
                        term=label,
                        level=":".join(level for level in reversed(levels) if level is not None) or None,
                        reference=":".join(map(str, references)) if compared else None,
                        is_main_effect=len(parts) == 1,
                    )
                )
    return tuple(columns)


@dataclass(frozen=True)
class _Part:
    name: str
    levels: list[str | None]
    reference: str | None
    is_coded: bool


def _levels_of(factor: Any, reduced: bool, spec: ModelSpec, variables: set[str]) -> _Part:
    _, state = spec.encoder_state.get(factor.expr, (None, {}))
    if "contrasts" not in state:
        return _Part(str(factor.expr), [None], None, False)
    own = [str(v) for v in spec.factor_variables[factor] if str(v) in variables]
    name = own[0] if len(own) == 1 else str(factor.expr)
    coding = state["contrasts"]
    if len(coding.levels) < 2:
        raise ValueError(
            f"'{name}' has one level only ({_few(coding.levels)}) among the complete rows: leave it out"
        )
    shown = coding.contrasts.get_coding_column_names(coding.levels, reduced_rank=reduced)
    reference = None
    if reduced and isinstance(coding.contrasts, TreatmentContrasts):
        reference = level_text(next(level for level in coding.levels if level not in set(shown)))
    return _Part(name, [level_text(level) for level in shown], reference, True)


def level_text(level: Hashable) -> str:
    """A level as it is printed: whole numbers without decimals."""
    return f"{level:.15g}" if isinstance(level, float) else str(level)


def _require_usable(matrix: np.ndarray, columns: Sequence[Column], *, centered: bool) -> None:
    """Refuse columns that are infinite, constant, or determined by those before them."""
    checked = [i for i, column in enumerate(columns) if column.name != "Intercept"]
    values = matrix[:, checked]
    if centered:
        # differences from the first row: sums of squares about the mean then lose no digits
        values = values - values[0]
    gram = values.T @ values
    for j, i in enumerate(checked):
        if not np.isfinite(gram[j, j]):
            raise ValueError(f"'{columns[i].name}' is infinite in some rows (the logarithm of 0?)")
        if gram[j, j] == 0:
            raise ValueError(
                f"'{columns[i].name}' is the same in all {len(matrix):,} complete rows: leave it out"
            )
    if centered:
        total = values.sum(axis=0)
        gram -= np.outer(total, total) / len(values)
    size = np.sqrt(np.diag(gram))
    gram /= np.outer(size, size)
    kept: list[int] = []
    for j, i in enumerate(checked):
        # share of this column's variance that those before it leave unexplained
        explained = gram[j, kept] @ np.linalg.solve(gram[np.ix_(kept, kept)], gram[kept, j]) if kept else 0.0
        if 1 - explained < 1e-11:
            before = ", ".join(columns[checked[k]].name for k in kept)
            raise ValueError(
                f"'{columns[i].name}' is determined by the columns before it ({before}): leave it out"
            )
        kept.append(j)


def _response(left: Any, frame: pd.DataFrame) -> pd.Series:
    terms = list(left)
    if len(terms) != 1:
        raise ValueError("the left-hand side of the formula must be one outcome")
    expression = str(terms[0])
    if expression in frame:
        return frame[expression]
    # of a condition such as I(status == 2), the last column is 'True'
    coded = left.get_model_matrix(frame, na_action="raise")
    return pd.Series(coded.to_numpy(float)[:, -1], index=frame.index, name=expression)


def _reference_row(
    column: Column, measure: str, estimate: float, rows: np.ndarray, event: np.ndarray | None
) -> dict[str, Any]:
    missing = dict.fromkeys(("conf_low", "conf_high", "p_value", "std_error", "statistic"), np.nan)
    return {
        "term": column.term,
        "level": column.reference,
        "reference": column.reference,
        "measure": measure,
        "estimate": estimate,
        "coef": 0.0,
        **missing,
        **_counts_of(rows, event),
    }


def _counts_of(rows: np.ndarray, event: np.ndarray | None) -> dict[str, int]:
    counts = {"n": int(rows.sum())}
    return counts if event is None else {**counts, "events": int(event[rows].sum())}


def _exp(value: float) -> float:
    return math.inf if value > 709 else math.exp(value)


def _counts(n_missing: Mapping[str, int], n_rows: int) -> str:
    return f"{n_rows} rows, missing " + ", ".join(f"{k} {v}" for k, v in n_missing.items() if v)


def _few(values: Iterable[Any]) -> str:
    shown = [str(v) for v in itertools.islice(iter(sorted(values, key=str)), 6)]
    return ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")
