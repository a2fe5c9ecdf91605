"""From a formula and a data frame to the arrays a model is fitted on, and back to labelled rows.

Formulas are formulaic's, with `rcs` of `splines`. Rows with a missing value in any variable that is used are left out and counted by
variable; levels that do not occur among the rest are dropped; the first level is the reference. What each
column of the design matrix stands for (term, level, reference) is read from formulaic's model specification,
never from the text of its name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.formula import StructuredFormula
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.transforms.contrasts import TreatmentContrasts
from formulaic.utils.variables import Variable, get_required_variables

from .coefficients import FEW_CLUSTERS, coefficient_table, sparse_notes, still_moving, undefined_notes
from .estimates import missing_note
from .newton import blocks
from .splines import rcs
from .wording import suggest

__all__ = [
    "FEW_CLUSTERS",
    "Column",
    "Design",
    "as_list",
    "binary_outcome",
    "build_design",
    "coefficient_table",
    "level_text",
    "require_columns",
    "sparse_notes",
    "still_moving",
    "undefined_notes",
    "variables_of",
]

OWN_TRANSFORMS = {"rcs": rcs}
CURVES = ("rcs(", "poly(")  # their first column is linear


@dataclass(frozen=True)
class Column:
    """What one column of the design matrix stands for. `level` and `reference` are None for numbers.

    `factors` are what its term is the product of, `variables` the data columns in them; `nonlinear_in` those
    factors of a spline or polynomial of which this is not the first column.
    """

    name: str
    term: str
    level: str | None = None
    reference: str | None = None
    is_main_effect: bool = True
    factors: tuple[str, ...] = field(default=(), repr=False)
    variables: tuple[str, ...] = field(default=(), repr=False)
    nonlinear_in: tuple[str, ...] = field(default=(), repr=False)


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
    outcome : str or None
        The left-hand side as it is written.
    """

    matrix: np.ndarray
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    response: pd.Series | None
    n_rows: int
    n_missing: dict[str, int]
    spec: ModelSpec
    variables: tuple[str, ...]
    outcome: str | None = None

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
        # the index may have levels of the same names
        frame = self.frame.reset_index(drop=True)
        return frame.groupby(as_list(names), observed=True, sort=True).ngroup().to_numpy()

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
            coded = self.spec.get_model_matrix(complete, OWN_TRANSFORMS, na_action="raise")[self.names]
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
        coded = right.get_model_matrix(frame, OWN_TRANSFORMS, na_action="raise")
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
    return Design(
        matrix,
        columns,
        frame,
        response,
        len(data),
        n_missing,
        spec,
        tuple(variables),
        None if response is None else str(response.name),
    )


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


def variables_of(formula: str) -> list[str]:
    """The data columns that a right-hand side (``"rcs(age, 4) + sex"``) uses, in the order written."""
    return _variables_of(_parse(formula, two_sided=False)[1])


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
        found |= dict.fromkeys(
            sorted(str(name) for name in names if name not in TRANSFORMS and name not in OWN_TRANSFORMS)
        )
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
    transforms: dict[str, list[str | None]] = {}
    for term in spec.structure:
        names = iter(term.columns)
        for scoped in term.scoped_terms:
            parts = [_levels_of(f.factor.factor, f.reduced, spec, variables) for f in scoped.factors]
            parts = [replace(part, levels=transforms.get(part.name, part.levels)) for part in parts]
            new = [i for i, p in enumerate(parts) if p.is_transform and p.name not in transforms]
            if new and len(term.scoped_terms) == 1:
                # a transform of several columns (polynomial) records no names: number them
                width = len(term.columns) // math.prod(len(part.levels) for part in parts)
                transforms[parts[new[0]].name] = _numbered(width)
                parts[new[0]] = replace(parts[new[0]], levels=_numbered(width))
            label = ":".join(part.name for part in parts) or "Intercept"
            used = tuple(_variables_of([term.term]))
            references = [part.reference for part in parts if part.is_coded]
            is_wide = any(len(part.levels) > 1 for part in parts if not part.is_coded)
            compared = bool(references) and all(references) and not is_wide
            # formulaic lets the first factor vary fastest
            for levels in itertools.product(*(part.levels for part in reversed(parts))):
                columns.append(
                    Column(
                        name=next(names),
                        term=label,
                        level=":".join(level for level in reversed(levels) if level is not None) or None,
                        reference=":".join(map(str, references)) if compared else None,
                        is_main_effect=len(parts) == 1,
                        factors=tuple(part.name for part in parts),
                        variables=used,
                        nonlinear_in=tuple(
                            part.name
                            for part, level in zip(parts, reversed(levels), strict=True)
                            if part.name.startswith(CURVES) and level not in (None, "1")
                        ),
                    )
                )
    return tuple(columns)


@dataclass(frozen=True)
class _Part:
    name: str
    levels: list[str | None]
    reference: str | None
    is_coded: bool
    is_transform: bool = False


def _numbered(width: int) -> list[str | None]:
    return [None] if width == 1 else [str(i + 1) for i in range(width)]


def _levels_of(factor: Any, reduced: bool, spec: ModelSpec, variables: set[str]) -> _Part:
    _, state = spec.encoder_state.get(factor.expr, (None, {}))
    if "contrasts" not in state:
        if str(factor.expr).startswith("rcs("):
            knots = spec.transform_state[factor.expr]["knots"]
            return _Part(str(factor.expr), _numbered(len(knots) - 1), None, False)
        return _Part(str(factor.expr), [None], None, False, factor.eval_method == Factor.EvalMethod.PYTHON)
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
    gram, total = np.zeros((len(checked), len(checked))), np.zeros(len(checked))
    for rows in blocks(len(matrix)):
        values = matrix[rows][:, checked]
        if centered:
            # differences from the first row: sums of squares about the mean then lose no digits
            values = values - matrix[0, checked]
        gram += values.T @ values
        total += values.sum(axis=0)
    for j, i in enumerate(checked):
        if not np.isfinite(gram[j, j]):
            raise ValueError(f"'{columns[i].name}' is infinite in some rows (the logarithm of 0?)")
        if gram[j, j] == 0:
            raise ValueError(
                f"'{columns[i].name}' is the same in all {len(matrix):,} complete rows: leave it out"
            )
    if centered:
        gram -= np.outer(total, total) / len(matrix)
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


def _counts(n_missing: Mapping[str, int], n_rows: int) -> str:
    return f"{n_rows} rows, missing " + ", ".join(f"{k} {v}" for k, v in n_missing.items() if v)


def _few(values: Iterable[Any]) -> str:
    shown = [str(v) for v in itertools.islice(iter(sorted(values, key=str)), 6)]
    return ", ".join(shown[:5]) + (", ..." if len(shown) > 5 else "")
