"""Multiple imputation by chained equations: what users call, and what it returns.

The plan of the chains is in `plan`, the chain in `chained`, the draws in `draws`, `categories` and `censored`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from tqdm import tqdm

from .chained import Chain, Plan, completed, run_chain
from .plan import make_plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Fit = TypeVar("Fit")


def impute(
    data: pd.DataFrame,
    m: int = 20,
    iterations: int = 10,
    *,
    seed: int,
    methods: Mapping[str, str] | None = None,
    predictors: Mapping[str, Sequence[str]] | None = None,
    only_where: Mapping[str, str | Callable[[pd.DataFrame], Any]] | None = None,
    derived: Mapping[str, Callable[[pd.DataFrame], Any]] | None = None,
    limits: Mapping[str, str | float] | None = None,
    jobs: int | None = None,
) -> Imputed:
    """Fill missing values `m` times, each time by draws given all other variables (chained equations).

    Parameters
    ----------
    data : DataFrame
        One row a person. Every number, bool and category takes part: missing values are drawn and the rest
        predicts them; give the columns that belong together, the outcome among them. Text and dates are left alone.
    m : int
        Data sets to make.
    iterations : int
        Rounds of draws of each.
    seed : int
        Same seed, same result, whatever `jobs` is.
    methods : mapping, optional
        Method of a variable where not the default: numbers by predictive mean matching "pmm" (or "norm": normal
        regression), two levels "logistic", ordered categories "ordered" (or "multinomial"), others "multinomial".
        "none" neither imputes a variable nor predicts with it, which is right for identifiers.
    predictors : mapping, optional
        Names of the predictors of a variable; all others where not given.
    only_where : mapping, optional
        Skip patterns: who was asked. A column (0/1, bool, two levels) or a function of the data that is true where
        the variable has a value; elsewhere it stays missing, by design.
    derived : mapping, optional
        Variables computed from others, as functions of the data: computed after each draw of what they are made
        of, never imputed themselves. A new name adds a column.
    limits : mapping, optional
        Variables with a detection limit, lognormal given the others: a number or a column of limits (a smaller value
        is only known to be below), or a column that is true where the value itself is the limit, as
        `Study.frame(lod="censored")` gives it. Values below are drawn from the distribution below the limit.
    jobs : int, optional
        Data sets to make at once; the number of processors where None.

    Returns
    -------
    Imputed
        `.datasets`, `.fit()`, `.trace`, `.plot()`.

    Raises
    ------
    ValueError
        For an unknown name or method, a variable missing in all rows, infinite numbers, or a function that fails.

    Notes
    -----
    Rubin's variance accounts for the uncertainty of the models: parameters are drawn from their posterior (of
    categories from its normal approximation, with the rows of White et al. 2010 against perfect prediction).
    Predictors that are constant or determined by others are left out and noted; a ridge of 1e-5 as in mice
    guards the rest. Predictive mean matching is of type 1 with 5 donors; where most values at one end of a variable
    are missing, donors there are few and the draws lie too far inwards (in mice as here): "norm" does not need any.

    Sources: van Buuren (2018) Flexible Imputation of Missing Data, 2nd ed.; R's mice 3.15; White, Royston & Wood (2011)
    Stat Med 30:377 (how many data sets: at least the percentage of incomplete rows).

    Examples
    --------
    >>> data = pd.DataFrame({"age": [40, 52, 61, 38, 70, 45], "bmi": [21.0, 27, None, 22, 29, None]})
    >>> imputed = impute(data, m=3, iterations=2, seed=1)
    >>> imputed.n_missing
    {'bmi': 2}
    >>> fits = imputed.fit(lambda d: d["bmi"].mean())
    >>> len(fits)
    3
    """
    _check_arguments(data, m=m, iterations=iterations, seed=seed, jobs=jobs)
    *seeds, plan_seed = np.random.SeedSequence(seed).spawn(m + 1)
    plan, notes = make_plan(
        data.copy(),
        np.random.default_rng(plan_seed),
        methods=methods or {},
        predictors=predictors or {},
        only_where=only_where or {},
        derived=derived or {},
        limits=limits or {},
    )

    def one(chain_seed: np.random.SeedSequence) -> Chain:
        return run_chain(plan, iterations, np.random.default_rng(chain_seed))

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as workers:
        chains = list(tqdm(workers.map(one, seeds), desc="impute", total=m, disable=None))

    methods_used = {target.name: target.method for target in plan.targets}
    rows = [(name, i, k, mean, sd) for k, c in enumerate(chains, 1) for name, i, mean, sd in c.trace]
    return Imputed(
        m=m,
        iterations=iterations,
        seed=seed,
        methods=methods_used | {item.name: "derived" for item in plan.derived},
        n_missing={t.name: len(t.missing) for t in plan.targets},
        n_below={t.name: len(t.below) for t in plan.targets if t.method == "censored"},
        trace=pd.DataFrame(rows, columns=["variable", "iteration", "chain", "mean", "sd"]),
        notes=(*notes, *_notes(plan, chains)),
        datasets=Datasets(plan, tuple(chain.values for chain in chains)),
    )


@dataclass(frozen=True, eq=False)
class Datasets(Sequence[pd.DataFrame]):
    """The completed data sets, each put together when it is asked for: the data are stored once."""

    plan: Plan
    values: tuple[Mapping[str, np.ndarray], ...]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return completed(self.plan, self.values[index])

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self[i] for i in range(len(self)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Imputed:
    """Multiply imputed data.

    Parameters
    ----------
    datasets : sequence of DataFrame
        The completed data sets: rows, index and columns of the data; observed values are never changed.
    trace : DataFrame
        Mean and standard deviation of the imputed values (of the codes 0, 1, ... of categories) by `variable`,
        `iteration` and `chain`.
    methods : dict of str to str
        Method of each variable that was imputed or computed.
    n_missing, n_below : dict of str to int
        Missing values, and values below the limit, by variable.
    notes : tuple of str
        What a reader must know.
    """

    m: int
    iterations: int
    seed: int
    methods: dict[str, str]
    n_missing: dict[str, int]
    n_below: dict[str, int]
    trace: pd.DataFrame
    notes: tuple[str, ...]
    datasets: Datasets = field(repr=False)

    @property
    def method(self) -> str:
        """One sentence for the methods section."""
        by_method: dict[str, list[str]] = {}
        for name, method in self.methods.items():
            by_method.setdefault(METHOD_NAMES[method], []).append(name)
        how = "; ".join(f"{', '.join(names)} by {method}" for method, names in by_method.items())
        return (
            f"Multiple imputation by chained equations ({self.m} data sets, {self.iterations} iterations, seed "
            f"{self.seed}){': ' + how if how else ''}."
        )

    def fit(self, function: Callable[[pd.DataFrame], Fit]) -> list[Fit]:
        """The result of `function` for each completed data set, for `pool`."""
        return [function(data) for data in self.datasets]

    def plot(
        self, variables: Sequence[str] | None = None, *, labels: Mapping[str, str] | None = None
    ) -> Figure:
        """Mean and standard deviation of the imputed values over the iterations, one line a chain.

        Chains that mingle without a trend have converged. Returns the figure.
        """
        from ..figures.chains import chain_figure

        return chain_figure(self.trace, variables, labels)


METHOD_NAMES = {
    "pmm": "predictive mean matching",
    "norm": "normal regression",
    "logistic": "logistic regression",
    "ordered": "proportional-odds regression",
    "multinomial": "multinomial regression",
    "censored": "a censored lognormal distribution",
    "constant": "its only value",
    "derived": "computation from other variables",
}


def _check_arguments(data: Any, *, m: int, iterations: int, seed: int, jobs: int | None) -> None:
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"data must be a DataFrame, it is {type(data).__name__}")
    if data.empty:
        raise ValueError("data has no rows or no columns")
    twice = data.columns[data.columns.duplicated()]
    if len(twice):
        raise ValueError(f"data has the column '{twice[0]}' more than once")
    numbers: dict[str, tuple[Any, int]] = {"m": (m, 1), "iterations": (iterations, 1), "seed": (seed, 0)}
    if jobs is not None:
        numbers["jobs"] = (jobs, 1)
    for name, (value, least) in numbers.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name}={value!r} must be a whole number, {least} or more")


def _notes(plan: Plan, chains: Sequence[Chain]) -> list[str]:
    notes = []
    for target in plan.targets:
        if target.asked is not None:
            never = np.isnan([chain.values[target.name] for chain in chains]).all(axis=0).sum()
            notes.append(
                f"'{target.name}' stays missing in {never:,} of {len(target.missing):,} rows: not asked there."
            )
    extreme = [name for name in plan.variables if any(name in chain.extreme for chain in chains)]
    if extreme:
        notes.append(
            f"Almost perfectly predicted: {', '.join(extreme)}. Rows of little weight (White et al. 2010) keep the "
            "draws finite; see whether a predictor says the same as the variable."
        )
    if not plan.targets:
        notes.append("Nothing is missing: the data sets are copies of the data.")
    return notes
